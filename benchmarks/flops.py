"""The exact work of a training step in products, from the spec.

A product of n x k x m takes 2 n k m operations. Each kernel takes part in three: forward, its own gradient, the
gradient of its input; the first layer with a kernel needs no gradient of its input. Additions of biases, activations
and the optimizer are not counted.
"""

from __future__ import annotations

import math

from engine.spec import NetworkSpec


def per_sample(spec: NetworkSpec) -> int:
    """Floating-point operations to train on one sample."""
    total, shape, first = 0, spec.input_shape, True
    for layer in spec.layers:
        output = layer.output_shape(shape)
        kernel = layer.parameter_shapes(shape).get("kernel")
        if kernel is not None:
            products = math.prod(kernel) * math.prod(output[:-1])
            total += (4 if first else 6) * products
            first = False
        shape = output
    return total
