"""Programs that are cut for the caches' sake train like whole ones: parts of a tile, pieces of a kernel's gradient."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

import engine
from engine.kernels import program as programs, shares, stages
from engine.kernels.stepper import Stepper
from engine.kernels.threads import set_threads
from engine.losses import encode_targets
from engine.network import Network

LOSS = "softmax_cross_entropy"
SIZES = {"steps": 12, "n": 330, "batch": 100}


@pytest.fixture(autouse=True)
def _one_thread_again() -> Iterator[None]:
    yield
    set_threads(1)


def stepper_of(
    shape: tuple[int, ...], layers: tuple, optimizer: engine.optimizers.Optimizer, scale: float = 1.0
) -> Stepper:
    rng = np.random.default_rng(6)
    x = scale * rng.normal(size=(SIZES["n"], *shape)).astype(np.float32)
    y = encode_targets(LOSS, rng.integers(0, 10, SIZES["n"]), "multiclass", 10)
    training = engine.TrainingSpec(optimizer, batch_size=SIZES["batch"], short_batch="keep", seed=3)
    return Stepper(Network(engine.NetworkSpec(shape, layers, LOSS), 3), training, x, y, "multiclass")


def trained(stepper: Stepper) -> np.ndarray:
    before = stepper.step
    stepper.advance(1 << 40, SIZES["steps"], 1 << 40)
    assert stepper.diverged is None and stepper.step == before + SIZES["steps"]
    return stepper.network.vector.copy()


def dense(penalty: float = 0.0) -> tuple:
    """Kernels of odd widths, of which two are deferred."""
    wide = engine.Dense(101, "relu", l2=penalty)
    return (wide, engine.Dropout(0.2), engine.Dense(330, "tanh"), engine.Dense(7, "prelu"), engine.Dense(10))


# ---- gradients made with the step ---------------------------------------------------------------


@pytest.mark.parametrize("optimizer", (engine.SGD(0.05), engine.SGD(0.05, momentum=0.9), engine.Adam(0.001)))
@pytest.mark.parametrize("penalty", (0.0, 0.01))
@pytest.mark.parametrize("few", (False, True))
def test_deferred_kernels_train_like_others(
    optimizer: engine.optimizers.Optimizer, penalty: float, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if few:
        monkeypatch.setattr(shares, "PIECE", 1)
        monkeypatch.setattr("engine.kernels.stepper.SHARED_VECTOR", 1)
    deferred = stepper_of((331,), dense(penalty), optimizer)
    monkeypatch.setattr(programs, "DEFERRED_KERNEL", 1 << 40)
    whole = stepper_of((331,), dense(penalty), optimizer)
    one, two = trained(deferred), trained(whole)
    assert len(deferred._program.deferred()) == 2 and not whole._program.deferred()
    assert np.allclose(one, two, atol=2e-5 * np.abs(two).max())
    assert np.allclose(deferred.gradient_norms(), whole.gradient_norms(), rtol=1e-3, equal_nan=True)


def test_deferred_kernels_have_the_same_bits_with_any_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.kernels.stepper.SHARED_VECTOR", 1)
    monkeypatch.setattr(programs, "TWO_LANES", 1)
    ends = []
    for threads in (1, 2, 3):
        set_threads(threads)
        stepper = stepper_of((331,), dense(), engine.Adam(0.001))
        ends.append((trained(stepper).tobytes(), stepper.gradient_norms()))
        assert stepper._program.lanes > 1 and stepper._program.deferred()
    assert ends[0] == ends[1] == ends[2]


def test_another_batch_size_of_more_rounds_keeps_no_piece_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """One round of tiles for 100 samples, two for 200: with tiles and lanes alike, yet not the same program."""
    monkeypatch.setattr(programs, "MOST_ROWS", 100)
    monkeypatch.setattr(programs, "TWO_LANES", 1e18)
    ends = []
    for deferred in (1 << 15, 1 << 40):
        monkeypatch.setattr(programs, "DEFERRED_KERNEL", deferred)
        stepper = stepper_of((331,), dense(), engine.SGD(0.05))
        stepper.advance(1 << 40, 3, 1 << 40)
        shape = stepper._program.shape
        stepper.set_training(dataclasses.replace(stepper.training, batch_size=200))
        assert stepper._program.shape[:2] == shape[:2] and stepper._program.shape != shape
        ends.append(trained(stepper))
    assert np.allclose(*ends, atol=2e-5)


@pytest.mark.parametrize("scale", (1e7, 1e25))
def test_a_step_that_is_not_finite_is_not_taken(scale: float) -> None:
    stepper = stepper_of((331,), dense(), engine.SGD(1e3), scale)
    before = stepper.network.vector.copy()
    stepper.advance(1 << 40, 50, 1 << 40)
    assert stepper.diverged is not None
    assert np.isfinite(stepper.network.vector).all()
    assert stepper.step > 0 or np.array_equal(before, stepper.network.vector)


def test_every_number_is_in_one_piece() -> None:
    tensors = np.array([(0, 35_000, 0), (35_000, 35_100, 0), (35_100, 75_100, 1), (75_100, 75_500, 1)])
    kernels = [shares.Kernel(0, 0, 350, 100), shares.Kernel(2, 35_100, 100, 400)]
    for count in (1, 2, 3, 4):
        dealt = shares.dealt_out(75_500, count, tensors, kernels)
        pieces = np.concatenate(dealt)
        assert len(dealt) == count and pieces[0, 0] == 0 and pieces[-1, 1] == 75_500
        assert (pieces[1:, 0] == pieces[:-1, 1]).all()
        for begin, end, tensor, operation, row, rows in pieces.tolist():
            if operation >= 0:
                kernel = kernels[tensor // 2]
                assert begin == kernel.begin + row * kernel.units and end - begin == rows * kernel.units
                assert rows * kernel.units <= shares.piece_numbers(kernels)


# ---- parts of a tile ----------------------------------------------------------------------------


def convolutional(activation: str = "relu") -> tuple:
    return (
        engine.Conv2D(6, 3, activation=activation), engine.MaxPool2D(2), engine.Dropout(0.1),
        engine.Conv2D(5, 3, padding="valid", activation="prelu"), engine.AveragePool2D(2), engine.Flatten(),
        engine.Dense(10),
    )  # fmt: skip


@pytest.mark.parametrize("activation", ("relu", "leaky_relu", "tanh", "abs"))
def test_parts_train_like_the_whole_tile(activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    for near in (1, 100_000, 1 << 40):
        monkeypatch.setattr(stages, "NEAR", near)
        stepper = stepper_of((12, 11, 2), convolutional(activation), engine.Adam(0.001))
        ends.append(trained(stepper))
        rows = [stage.rows for stage in stepper._program._stages]
        assert rows[-1] == stepper._program.tile and (rows[0] == 1) == (near == 1)
    assert np.allclose(ends[0], ends[2], atol=2e-5) and np.allclose(ends[1], ends[2], atol=2e-5)


@pytest.mark.parametrize("pool", (engine.MaxPool2D(2), engine.AveragePool2D(2)))
def test_a_dense_layer_after_pooling_has_the_whole_tile(
    pool: engine.MaxPool2D, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = (pool, engine.Flatten(), engine.Dense(256, "relu"), engine.Dense(10))
    monkeypatch.setattr(stages, "NEAR", 1)
    cut = stepper_of((28, 28, 1), layers, engine.Adam(0.001))
    end = trained(cut)
    assert [stage.rows == cut._program.tile for stage in cut._program._stages] == [False, True, True]
    monkeypatch.setattr(stages, "NEAR", 1 << 40)
    monkeypatch.setattr(programs, "DEFERRED_KERNEL", 1 << 40)
    assert np.allclose(end, trained(stepper_of((28, 28, 1), layers, engine.Adam(0.001))), atol=2e-5)


@pytest.mark.parametrize(("activation", "swaps"), (("relu", True), ("tanh", True), ("abs", False), ("prelu", False)))
def test_pooling_comes_first_only_where_that_changes_nothing(
    activation: str, swaps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled = stepper_of((12, 11, 2), convolutional(activation), engine.SGD(0.05))
    monkeypatch.setattr(stages, "pooled_first", list)
    plain = stepper_of((12, 11, 2), convolutional(activation), engine.SGD(0.05))
    order = [operation.block for _, operation in pooled._program._operations]
    assert (order.index("max pool") < order.index(f"activation {activation}")) == swaps
    assert np.allclose(trained(pooled), trained(plain), atol=2e-5)
