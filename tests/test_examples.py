"""The examples: whole, runnable, and showing what they promise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import engine
from engine.errors import RelumeError
from engine.examples import EXAMPLES, read_example
from engine.outputs import fit_output


def trained(name: str, epochs: int) -> engine.Trainer:
    example = EXAMPLES.get(name)
    training = dataclasses.replace(example.training, epochs=epochs)
    trainer = engine.Trainer(example.spec, training, engine.datasets.load_spec(example.data))
    trainer.run()
    return trainer


@pytest.mark.parametrize("name", EXAMPLES.names())
def test_every_example_fits_its_data_and_learns(name):
    example = EXAMPLES.get(name)
    data = engine.datasets.load_spec(example.data)
    assert fit_output(example.spec, data) == example.spec
    assert example.title and example.line and example.group and example.pace
    trainer = trained(name, 3)
    loss = trainer.history.column("train_loss")
    assert trainer.state == "finished" and (loss[-1] < loss[0] or name in ("born-dead", "killing-relus", "too-deep"))


def test_those_that_are_asked_for_are_there():
    assert {
        "spiral",
        "digits",
        "killing-relus",
        "killing-relus-leaky",
        "abs-one-unit",
        "x-sin-5x",
        "feature-maps",
    } <= set(EXAMPLES.names())


def test_killing_relus_kills_half_of_the_first_layer_and_leaky_none():
    share = trained("killing-relus", 20).snapshot().layers[0].dead.mean()
    assert 0.3 <= share <= 0.8
    assert not any(layer.dead.any() for layer in trained("killing-relus-leaky", 5).snapshot().layers)


def test_the_spiral_is_learned():
    assert trained("spiral", 400).history.column("test_metric")[-1] > 0.95


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_deep_network_learns_only_with_skips(seed):
    ends = {}
    for name in ("too-deep", "deep-with-skips"):
        example = EXAMPLES.get(name)
        training = dataclasses.replace(example.training, seed=seed)
        trainer = engine.Trainer(example.spec, training, engine.datasets.load_spec(example.data))
        trainer.run()
        ends[name] = trainer.history.column("train_loss")[-1], trainer.history.column("test_metric")[-1]
    assert ends["too-deep"][0] == pytest.approx(np.log(2), abs=0.005) and ends["too-deep"][1] < 0.6
    assert ends["deep-with-skips"][0] < 0.05 and ends["deep-with-skips"][1] >= 0.97


def test_both_deep_examples_have_the_same_layers_of_weights():
    plain, skips = (EXAMPLES.get(name) for name in ("too-deep", "deep-with-skips"))
    weighted = [[part.layer for part in e.spec.parts if part.layer.kind == "Dense"] for e in (plain, skips)]
    assert [layer.units for layer in weighted[0]] == [layer.units for layer in weighted[1]]
    assert (plain.data, plain.training, plain.spec.loss) == (skips.data, skips.training, skips.spec.loss)
    assert plain.spec.parameter_count() == skips.spec.parameter_count()


def test_clothes_are_told_apart_by_small_convolutions_within_a_few_epochs():
    example = EXAMPLES.get("feature-maps")
    assert [layer.kind for layer in example.spec.layers].count("Conv2D") == 2
    trainer = trained("feature-maps", 4)
    assert trainer.history.column("test_metric")[-1] > 0.83
    assert not any(layer.dead.any() for layer in trainer.snapshot().layers)


def test_a_damaged_example_is_told(tmp_path):
    (tmp_path / "odd.json").write_text('{"title": "x"}')
    with pytest.raises(RelumeError, match="odd.json"):
        read_example(tmp_path / "odd.json")
    with pytest.raises(RelumeError, match="spiral"):
        EXAMPLES.get("spirall")
