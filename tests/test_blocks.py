"""Networks with blocks: what a change of the design keeps, how they begin, and what is told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import engine
from engine.layers import Activation, Conv2D, Dense, Flatten, Layer, Residual
from engine.network import Network
from engine.spec import NetworkSpec

BLOCK = Residual((Dense(8, "relu"), Dense(8)))


def kept(before: tuple[Layer, ...], after: tuple[Layer, ...], shape: tuple[int, ...] = (2,)) -> set[str]:
    """The parameters of which a change keeps every number that fits."""
    old, spec = Network(NetworkSpec(shape, before), 1), NetworkSpec(shape, after)
    old.vector[:] = np.random.default_rng(0).normal(size=len(old.vector))
    new, found = old.with_spec(spec, seed=9).parameters(), set()
    for key, array in old.parameters().items():
        if key in new and new[key].ndim == array.ndim:
            common = tuple(slice(0, min(a, b)) for a, b in zip(array.shape, new[key].shape, strict=True))
            if np.array_equal(array[common], new[key][common]):
                found.add(key)
    return found


def test_a_wider_layer_before_a_block_leaves_the_block_its_weights() -> None:
    """The projection that appears looks like the last layer within: it must not take its place."""
    narrow, wide = (Dense(8, "relu"), BLOCK, Dense(2)), (Dense(12, "relu"), BLOCK, Dense(2))
    names = {f"{path}.{name}" for path in ("0", "1.0", "1.1", "2") for name in ("kernel", "bias")}
    assert kept(narrow, wide) == names
    assert kept(wide, narrow) == names


def test_a_projection_keeps_its_weights_with_its_block() -> None:
    wide = (Dense(12, "relu"), BLOCK, Dense(2))
    for after in ((Dense(13, "relu"), *wide[1:]), (wide[0], Activation("tanh"), *wide[1:])):
        at = len(after) - 2
        old, spec = Network(NetworkSpec((2,), wide), 1), NetworkSpec((2,), after)
        new, given = old.with_spec(spec, 9).parameters(), old.parameters()
        assert np.array_equal(new[f"{at}.projection.kernel"][:12], given["1.projection.kernel"])


def test_behind_flatten_a_projection_keeps_only_rows_of_the_same_image() -> None:
    def design(padding: str) -> tuple[Layer, ...]:
        return Conv2D(3, 3, padding=padding), Flatten(), Residual((Dense(8, "relu"), Dense(8))), Dense(2)

    assert not {"2.0.kernel", "2.projection.kernel"} & kept(design("same"), design("valid"), (6, 6, 1))
    assert {"2.0.kernel", "2.projection.kernel"} <= kept(design("same"), design("same"), (6, 6, 1))


@pytest.mark.parametrize("widths", [(64,) * 7, (64, 63, 64, 63, 64, 63, 64)], ids=["identity", "projection"])
def test_blocks_in_a_row_keep_the_variance(widths: tuple[int, ...]) -> None:
    """z of the layer behind each block has a mean square of about 1, however the skip is made."""
    blocks = tuple(Residual((Dense(width, "relu"), Dense(width))) for width in widths[1:])
    for count in range(1, len(blocks) + 1):
        spec = NetworkSpec((32,), (Dense(widths[0], "relu"), *blocks[:count], Dense(400)))
        network = Network(spec, 3)
        x = np.random.default_rng(4).normal(size=(500, 32)).astype(np.float32)
        assert 0.6 < np.square(network.preactivations(x)[-1]).mean() < 1.6, count


def test_z_of_an_activation_that_draws_is_what_it_is_fed() -> None:
    spec = NetworkSpec((3,), (Dense(6), Activation("rrelu"), Dense(1)))
    network, x = Network(spec, 2), np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    z, a = network.preactivations(x), network.activations(x)
    np.testing.assert_allclose(z[1], a[0], rtol=1e-6)
    assert (z[1] < 0).any() and not np.allclose(z[1], a[1])


def test_blocks_may_lie_twenty_deep_in_each_other() -> None:
    plain, layer = Dense(2).to_dict(), Dense(2)
    for _ in range(20):
        plain, layer = {"kind": "Residual", "layers": [plain]}, Residual((layer,))
    spec = NetworkSpec((2,), (layer,))
    assert NetworkSpec.from_dict(spec.to_dict()) == spec and Network(spec).predict(np.zeros((3, 2))).shape == (3, 2)
    with pytest.raises(engine.RelumeError, match="within each other"):
        Residual((layer,))
    for _ in range(5000):
        plain = {"kind": "Residual", "layers": [plain]}
    with pytest.raises(engine.RelumeError, match="within each other"):
        NetworkSpec.from_dict({**dataclasses.asdict(spec), "layers": [plain]})
