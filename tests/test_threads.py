"""Threads change the time of a step and nothing else: the same bits, no thread left over."""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import threading
import time
from collections.abc import Callable, Iterator

import numba
import numpy as np
import pytest

from engine import RelumeError
from engine.data.dataset import Dataset
from engine.kernels import compiler, layout as at
from engine.kernels.stepper import Stepper
from engine.kernels.threads import Crew, dismiss, set_threads, share, threads
from engine.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D
from engine.losses import encode_targets
from engine.network import Network
from engine.optimizers import SGD, Adam
from engine.spec import NetworkSpec, TrainingSpec
from engine.trainer import Trainer

MANY = 10**9
LOSS = "softmax_cross_entropy"
DENSE = (Dense(500, "relu", l2=1e-4), Dropout(0.3), Dense(300, "prelu"), Dense(10))
SMALL_IMAGES = (
    Conv2D(16, 5, activation="prelu"), MaxPool2D(2), Conv2D(32, 5, activation="relu"), MaxPool2D(2), Flatten(),
    Dropout(0.2), Dense(64, "relu"), Dense(10),
)  # fmt: skip
GROUPS = (
    Conv2D(16, 5, activation="prelu"), Conv2D(32, 3, activation="relu", groups=16), Conv2D(32, 3, groups=32),
    Conv2D(32, 3, 2, activation="tanh", dilation_rate=2, groups=4), *SMALL_IMAGES[3:],
)  # fmt: skip
NETWORKS: dict[str, tuple[tuple[int, ...], tuple[Layer, ...]]] = {
    "groups": ((28, 28, 1), GROUPS),
    "own formulas": ((400,), (Dense(500, "= max(0, x) + a*min(0, x)"), Dense(600, "= x*sigmoid(a*x) - b"), Dense(10))),
    "dense": ((400,), DENSE),
    "convolution": ((28, 28, 1), SMALL_IMAGES),
    "norm": ((28, 28, 1), (Conv2D(16, 5, activation="relu"), BatchNorm(), *SMALL_IMAGES[1:])),
}
# network, lanes, samples, batch size, short batches
CASES = {
    "dense, two lanes": ("dense", 2, 500, 140, "merge"),
    "dense, four lanes": ("dense", 4, 1100, 500, "drop"),
    "dense, a short batch of fewer rows than lanes": ("dense", 4, 1003, 500, "keep"),
    "dense, short batches are merged": ("dense", 4, 999, 400, "merge"),
    "dense, the whole set": ("dense", 4, 700, 700, "keep"),
    "dense, the whole set and more": ("dense", 4, 601, 10_000, "merge"),
    "dense, a batch of two": ("dense", 1, 9, 2, "keep"),
    "convolution, two lanes": ("convolution", 2, 75, 20, "keep"),
    "convolution, four lanes": ("convolution", 4, 270, 128, "keep"),
    "own formulas, two lanes": ("own formulas", 2, 250, 70, "merge"),
    "own formulas, four lanes": ("own formulas", 4, 700, 300, "keep"),
    "groups, two lanes": ("groups", 2, 75, 20, "keep"),
    "groups, four lanes": ("groups", 4, 330, 300, "keep"),
    "convolution, the whole set": ("convolution", 4, 150, 150, "merge"),
    "batches that are looked at as a whole": ("norm", 1, 70, 32, "merge"),
}
SET = "the lanes of a case tell what it proves: choose its sizes by TWO_LANES and FOUR_LANES of program.py"


@pytest.fixture(autouse=True)
def _one_thread_again() -> Iterator[None]:
    yield
    set_threads(1)


def samples(shape: tuple[int, ...], n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.normal(size=(n, *shape)).astype(np.float32), rng.integers(0, 10, n)


def stepper_of(name: str, n: int, batch: int, short: str = "merge", seed: int = 5) -> Stepper:
    shape, layers = NETWORKS[name]
    x, y = samples(shape, n)
    training = TrainingSpec(Adam(learning_rate=0.003), batch_size=batch, short_batch=short, seed=seed)
    return Stepper(Network(NetworkSpec(shape, layers, LOSS), 3), training, x, encode_targets(LOSS, y, "multiclass", 10))


def bits(stepper: Stepper) -> tuple[bytes | int, ...]:
    state = stepper.state()
    arrays = (value.tobytes() for _, value in sorted(state.items()) if isinstance(value, np.ndarray))
    return (stepper.network.vector.tobytes(), stepper.step, *arrays)


def helpers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("helper")]


def until(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.002)
    return true()


# ---- the same bits ----------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_same_bits_with_any_number_of_threads(case: str):
    name, lanes, n, batch, short = CASES[case]
    ends = []
    for number in (1, 2, 3, 4):
        set_threads(number)
        stepper = stepper_of(name, n, batch, short)
        assert stepper._program.lanes == lanes, SET
        before = stepper.network.vector.copy()
        stepper.advance(MANY, MANY, 2)
        assert stepper.epoch == 2 and stepper.diverged is None
        assert not np.array_equal(stepper.network.vector, before)
        ends.append(bits(stepper))
    assert all(end == ends[0] for end in ends[1:])


@pytest.mark.parametrize("name", ["dense", "convolution"])
@pytest.mark.parametrize("tiles", [1, 2, 5])
def test_a_batch_that_was_begun_goes_on_with_another_number_of_threads(name: str, tiles: int):
    n, batch = (1400, 1400) if name == "dense" else (520, 520)
    whole = stepper_of(name, n, batch)
    whole.advance(MANY, MANY, 2)
    for first, second in ((1, 4), (4, 2), (3, 1)):
        set_threads(first)
        begun, resumed = stepper_of(name, n, batch), stepper_of(name, n, batch, seed=6)
        begun.advance(tiles, MANY, 2)
        assert not begun.at_batch_boundary and begun._program.lanes == 4, SET
        state, parameters = begun.state(), begun.network.parameters()
        begun.advance(MANY, MANY, 2)
        set_threads(second)
        resumed.network.set_parameters(parameters)
        resumed.set_training(begun.training)
        resumed.set_state(state)
        resumed.advance(MANY, MANY, 2)
        assert bits(begun) == bits(whole) == bits(resumed), (first, second)


def test_the_number_of_threads_changes_between_any_two_calls():
    whole, parts = stepper_of("dense", 1100, 500, "keep"), stepper_of("dense", 1100, 500, "keep")
    whole.advance(MANY, MANY, 3)
    rng = np.random.default_rng(1)
    while parts.epoch < 3:
        set_threads(int(rng.integers(1, 6)))
        parts.advance(int(rng.integers(1, 4)), MANY, 3)
    assert bits(whole) == bits(parts)


def test_tiles_that_no_lane_shares_give_the_same_bits_too():
    """Lanes of a batch are summed in one order: with tiles cut short by calls, and with none."""
    ends = []
    for number, tiles in ((1, MANY), (2, 1), (4, 2)):
        set_threads(number)
        stepper = stepper_of("convolution", 300, 300, "drop")
        while stepper.epoch < 2:
            stepper.forward(stepper.x[:7])
            stepper.advance(tiles, MANY, 2)
        ends.append(bits(stepper))
    assert ends[0] == ends[1] == ends[2]


# ---- trainers ---------------------------------------------------------------------------------

TRAINING = TrainingSpec(Adam(learning_rate=0.003), batch_size=200, epochs=6, seed=7, short_batch="keep")
SPEC = NetworkSpec((400,), DENSE, LOSS)


@pytest.fixture(scope="module")
def data() -> Dataset:
    x, y = samples((400,), 900)
    return Dataset(x[:850], y[:850], x[850:], y[850:], task="multiclass", class_names=tuple("abcdefghij"))


def told(trainer: Trainer) -> bytes:
    parameters = trainer.network.parameters()
    columns = ("epoch", "step", "train_loss", "test_loss", "train_metric", "test_metric")
    return b"".join(
        [*(parameters[key].tobytes() for key in sorted(parameters)),
         *(trainer.history.column(name).tobytes() for name in columns)]
    )  # fmt: skip


@pytest.fixture(scope="module")
def expected(data: Dataset) -> bytes:
    set_threads(1)
    trainer = Trainer(SPEC, TRAINING, data)
    trainer.run()
    assert trainer._run.stepper._program.lanes == 2, SET
    return told(trainer)


def test_threads_change_while_a_trainer_trains(data: Dataset, expected: bytes):
    trainer = Trainer(SPEC, TRAINING, data)
    trainer.start()
    number = 0
    while not trainer.wait(0.004):
        number += 1
        set_threads(1 + number % 4)
    assert trainer.state == "finished" and number > 3
    assert told(trainer) == expected
    trainer.close()


def test_four_trainers_with_two_threads_each(data: Dataset, expected: bytes):
    set_threads(2)
    trainers = [Trainer(SPEC, TRAINING, data) for _ in range(4)]
    for trainer in trainers:
        trainer.start()
    for trainer in trainers:
        assert trainer.wait(60) and trainer.state == "finished", trainer.error
    assert {told(trainer) for trainer in trainers} == {expected}
    for trainer in trainers:
        trainer.close()


def test_a_change_on_the_way_and_a_checkpoint_in_the_middle(data: Dataset):
    other = dataclasses.replace(SPEC, layers=(Dense(260, "tanh"), Dropout(0.1), *DENSE[2:]))
    ends = set()
    for first, second in ((1, 1), (2, 3), (4, 1)):
        set_threads(first)
        trainer = Trainer(SPEC, TRAINING, data)
        trainer.step(7)
        trainer.change(spec=other)
        trainer.step(3)
        trainer.change(training=dataclasses.replace(TRAINING, batch_size=500))
        trainer.step(2)
        checkpoint = trainer.checkpoint()
        trainer.close()
        set_threads(second)
        resumed = Trainer.from_checkpoint(trainer.spec, trainer.training, data, checkpoint)
        resumed.run()
        ends.add(told(resumed))
        resumed.close()
    assert len(ends) == 1


# ---- what is not finite -----------------------------------------------------------------------


@pytest.mark.parametrize("lane", [1, 2, 3])
@pytest.mark.parametrize(("value", "layer"), [(np.nan, 0), (1e30, 2)])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_lane_whose_loss_is_not_finite_names_its_layer(lane: int, value: float, layer: int, number: int):
    set_threads(number)
    layers = (Dense(500, "linear"), Dropout(0.0), Dense(400, "linear"), Dense(10))
    x, y = samples((400,), 600)
    spec, training = NetworkSpec((400,), layers, LOSS), TrainingSpec(Adam(), batch_size=600, seed=2)
    healthy = Stepper(Network(spec, 1), training, x, encode_targets(LOSS, y, "multiclass", 10))
    healthy.advance(MANY, 1, 1)
    assert healthy._program.lanes == 4, SET
    network = Network(spec, 1)
    network.set_parameters({"2.kernel": 1e10 * network.parameters()["2.kernel"]})
    bad = x.copy()
    bad[healthy._order[lane * healthy._program.tile + 3]] = value
    stepper = Stepper(network, training, bad, healthy.targets)
    before, state = stepper.network.vector.copy(), stepper.state()
    for _ in range(2):
        stepper.advance(MANY, MANY, 1)
        assert stepper.diverged == (layer, "activation") and stepper._s[at.BAD_LANE] == lane
        assert np.array_equal(stepper.network.vector, before) and stepper.step == 0
        assert all(np.array_equal(stepper.state()[f"slot.{key}"], state[f"slot.{key}"]) for key in ("mean", "square"))
    stepper.x[...] = x
    network.set_parameters(Network(spec, 1).parameters())
    stepper.advance(MANY, 1, 1)
    assert stepper.diverged is None and bits(stepper) == bits(healthy)


def test_a_run_goes_on_after_the_weights_of_any_part_overflowed():
    """Weights that overflowed are put back; what was known of their size is forgotten with them."""
    x, _ = samples((400,), 600)
    layers = (Dense(500, "linear"), Dense(400, "linear"), Dense(1))
    spec, y = NetworkSpec((400,), layers, "mean_absolute_error"), np.ones((600, 1), np.float32)
    training = TrainingSpec(SGD(1e6), batch_size=600, seed=2)
    stepper = Stepper(Network(spec, 1), training, np.float32(2e35) * x, y, "regression")
    assert stepper._program.lanes == 4, SET
    before = stepper.network.vector.copy()
    stepper.advance(MANY, 1, 1)
    assert stepper.diverged is not None and stepper.diverged[1] == "weights"
    assert np.array_equal(stepper.network.vector, before)
    stepper.set_training(dataclasses.replace(training, optimizer=SGD(1e-4)))
    stepper.x[...] = x
    for _ in range(2):
        stepper.advance(MANY, 1, MANY)
        assert stepper.diverged is None, stepper.diverged
    assert stepper.step == 2


# ---- threads come and go ----------------------------------------------------------------------


def test_the_number_of_threads_is_checked():
    for wrong in (0, 17, 2.0, True, "2", None):
        with pytest.raises(RelumeError):
            set_threads(wrong)  # type: ignore[arg-type]
    assert threads() == 1


def test_small_steps_ask_for_no_help():
    set_threads(4)
    stepper = stepper_of("dense", 40, 8)
    stepper.advance(MANY, MANY, 1)
    assert stepper._crew is None


def test_a_stepper_that_is_dropped_lets_its_helpers_go():
    gc.collect()
    assert until(lambda: not helpers())
    set_threads(4)
    steppers = [stepper_of("dense", 600, 500) for _ in range(3)]
    for stepper in steppers:
        stepper.advance(MANY, 1, 1)
    assert len(helpers()) == 9
    del steppers, stepper
    gc.collect()
    assert until(lambda: not helpers()), f"still there: {helpers()}"


def test_fewer_threads_let_helpers_go_at_the_next_call():
    gc.collect()
    stepper = stepper_of("dense", 600, 500)
    for number, helping in ((4, 3), (2, 1), (1, 0), (3, 2)):
        set_threads(number)
        stepper.advance(1, MANY, 9)
        assert until(lambda helping=helping: len(helpers()) == helping)  # type: ignore[misc]
    del stepper
    gc.collect()
    assert until(lambda: not helpers())


def test_a_reset_and_a_change_leave_no_helper_behind(data: Dataset):
    gc.collect()
    set_threads(2)
    trainer = Trainer(SPEC, TRAINING, data)
    for units in range(300, 305):
        trainer.step(1)
        trainer.reset()
        trainer.change(spec=dataclasses.replace(SPEC, layers=(Dense(units, "relu"), *DENSE[1:])))
    trainer.step(1)
    gc.collect()
    assert until(lambda: len(helpers()) == 1)
    trainer.close()
    del trainer
    gc.collect()
    assert until(lambda: not helpers())


# ---- the protocol -----------------------------------------------------------------------------

compiler.load()  # and what it must know of `share`
LANE_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)


@numba.njit("void(int64,int64,int64)", nogil=True)
def _lead(crew: int, kernel: int, lanes: int) -> None:
    share(crew, 0, kernel, 0, lanes)


def test_only_the_end_of_all_lanes_lets_the_leader_go_on():
    """A helper that ended the lanes of before, and was put to sleep before it could tell, tells while the leader waits
    for other lanes."""
    crew, go = Crew(2), threading.Event()
    began = threading.Barrier(3, timeout=20)
    done: list[int] = []

    @LANE_FUNCTION
    def lane(_run: int, place: int) -> None:
        began.wait()
        if threading.current_thread() is not leader:
            assert go.wait(20)
        done.append(place)

    kernel = ctypes.cast(lane, ctypes.c_void_p).value
    leader = threading.Thread(target=lambda: _lead(crew.address, kernel, 3))
    leader.start()
    words = crew._words
    assert until(lambda: words[at.WAITING] == 1)
    words[at.WAITING] = 0
    release = ctypes.pythonapi.PyThread_release_lock
    release.restype, release.argtypes = None, [ctypes.c_void_p]
    release(int(words[at.FINISHED]))
    assert until(lambda: words[at.WAITING] == 1, 2.0) and leader.is_alive(), "it went on with two lanes to be done"
    go.set()
    leader.join(20)
    assert not leader.is_alive() and sorted(done) == [8 * at.LANE_WORDS * k for k in range(3)]
    crew.close()


def test_lanes_are_run_once_each_whoever_is_late():
    """Thousands of rounds, more threads than processors; helpers are also dismissed in between, and nobody waits."""
    crew, counts = Crew(3), np.zeros(4, np.int64)
    lanes = numba.cfunc("void(int64,int64)")(_count_lane)

    @numba.njit("int64(int64,int64,int64)", nogil=True)
    def rounds(crew: int, kernel: int, counts: int) -> int:
        for number in range(4000):
            for k in range(4):
                numba.carray(_place(counts), (4,))[k] = 0
            share(crew, counts, kernel, 0, 2 + number % 3)
            for k in range(4):
                if numba.carray(_place(counts), (4,))[k] != (1 if k < 2 + number % 3 else 0):
                    return number
        return -1

    assert rounds(crew.address, lanes.address, counts.ctypes.data) == -1
    crew.close()
    assert rounds(crew.address, lanes.address, counts.ctypes.data) == -1, "a crew without helpers works on"
    dismiss(crew._words)
    assert until(lambda: not [thread for thread in helpers() if thread.is_alive()])


@numba.extending.intrinsic
def _place(typing, address):  # type: ignore[no-untyped-def]
    result = numba.types.CPointer(numba.types.int64)
    return result(numba.types.int64), lambda c, b, s, a: b.inttoptr(a[0], c.get_value_type(result))


def _count_lane(run: int, lane: int) -> None:
    numba.carray(_place(run), (4,))[lane // (8 * at.LANE_WORDS)] += 1
