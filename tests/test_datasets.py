"""The data sets: shapes, ranges, seeds, splits, scaling."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import datasets
from engine.data.preprocessing import Preprocessing
from engine.data.split import split_rows
from engine.errors import RelumeError

NAMES = {"circles", "xor", "gaussians", "spiral", "moons", "plane", "multi_gaussians", "abs", "sine", "cubic"}
NAMES |= {"x_sin_5x", "step", "digits", "iris", "wine", "breast_cancer", "diabetes", "fashion_mnist_12k"}


def test_the_promised_names_are_there():
    assert set(datasets.names()) >= NAMES


@pytest.mark.parametrize("name", datasets.names())
def test_every_set_is_whole(name):
    info = datasets.get(name)
    data = datasets.load(name, seed=3, samples=200, noise=0.1)
    assert data.x_train.dtype == data.raw_train.dtype == np.float32
    assert np.isfinite(data.x_train).all() and np.isfinite(data.x_test).all()
    assert math.prod(data.x_train.shape[1:]) == len(data.feature_names)
    assert math.prod(data.raw_train.shape[1:]) == len(data.raw_names)
    if info.has_samples:
        assert len(data.x_train) == 150 and len(data.x_test) == 50
    if info.task == "regression":
        assert data.task == "regression" and data.y_train.dtype == np.float32 and data.y_train.ndim == 2
    else:
        assert data.y_train.dtype == np.int64 and data.y_train.ndim == 1
        assert set(np.unique(data.y_train)) <= set(range(len(data.class_names)))
        assert data.task == ("binary" if len(data.class_names) == 2 else "multiclass")
    assert not data.x_train.flags.writeable


@pytest.mark.parametrize("name", ["circles", "gaussians", "spiral"])
@pytest.mark.parametrize("classes", [2, 3, 5, 7])
def test_classes_are_even_and_separate_without_noise(name, classes):
    data = datasets.load(name, samples=70 * classes, classes=classes, train_share=0.5)
    counts = np.bincount(np.concatenate([data.y_train, data.y_test]), minlength=classes)
    assert (counts == 70).all()
    assert np.bincount(data.y_train).max() - np.bincount(data.y_train).min() <= 1
    assert np.abs(data.x_train).max() < 9


def test_circles_have_playgrounds_radii():
    data = datasets.load("circles", samples=2000)
    radius = np.linalg.norm(data.x_train, axis=1)
    assert radius[data.y_train == 0].max() <= 2.5001
    assert radius[data.y_train == 1].min() >= 3.4999 and radius.max() <= 5.0001


def test_xor_depends_on_the_quadrant():
    data = datasets.load("xor", samples=400)
    assert ((data.x_train.prod(axis=1) > 0) == (data.y_train == 1)).all()


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("abs", np.abs),
        ("sine", np.sin),
        ("cubic", lambda x: x**3),
        ("x_sin_5x", lambda x: x * np.sin(5 * x)),
        ("step", lambda x: np.where(x < 0, -1.0, 1.0)),
    ],
)
def test_curves_follow_their_formula(name, truth):
    data = datasets.load(name, samples=300)
    assert np.allclose(data.y_train, truth(data.x_train.astype(np.float64)), atol=1e-5)
    if name != "abs":
        assert data.y_train.min() < -0.5 and data.y_train.max() > 0.5


@pytest.mark.parametrize("name", ["plane", "multi_gaussians"])
def test_surfaces_stay_in_range(name):
    data = datasets.load(name, samples=1000)
    assert np.abs(data.y_train).max() <= 1.0001 and data.y_train.min() < -0.5 < 0.5 < data.y_train.max()


def test_digits_are_flat_and_scaled():
    data = datasets.load("digits", seed=7)
    assert data.x_train.shape == (1347, 64) and data.x_test.shape == (450, 64)
    assert data.x_train.min() == 0 and data.x_train.max() == 1 and data.image_shape == (8, 8)
    assert np.allclose(data.x_train * 16, np.round(data.x_train * 16))


def test_seeds():
    one, same, other = (datasets.load("gaussians", seed=seed, noise=0.2) for seed in (1, 1, 2))
    assert (one.x_train == same.x_train).all() and (one.y_test == same.y_test).all()
    assert (one.x_train != other.x_train).any()


def test_noise_and_split_have_streams_of_their_own():
    calm, noisy = (datasets.load("sine", seed=5, noise=noise) for noise in (0.0, 0.5))
    assert (calm.x_train == noisy.x_train).all() and (calm.y_train != noisy.y_train).any()
    small, large = (datasets.load("sine", seed=5, train_share=share) for share in (0.5, 0.9))
    merged = [np.sort(np.concatenate([data.x_train, data.x_test]).ravel()) for data in (small, large)]
    assert (merged[0] == merged[1]).all()


@pytest.mark.parametrize("share", [0.01, 0.3, 0.75, 0.99])
def test_split_is_a_stratified_partition(share):
    labels = np.repeat([0, 1, 2], [500, 300, 200])
    train, test = split_rows(1000, share, 4, labels)
    assert sorted([*train, *test]) == list(range(1000))
    assert len(train) == int(1000 * share)
    assert np.abs(np.bincount(labels[train], minlength=3) - np.array([500, 300, 200]) * share).max() <= 1


def test_features_are_made_from_raw_points():
    data = datasets.load("spiral", features=("sin y", "x", "xy", "x^2"))
    x, y = data.raw_train.T.astype(np.float64)
    assert data.feature_names == ("x", "x^2", "xy", "sin y")
    assert np.allclose(data.x_train, np.stack([x, x * x, x * y, np.sin(y)], axis=1), atol=1e-5)
    with pytest.raises(RelumeError, match="plane"):
        datasets.load("iris", features=("x",))


@pytest.mark.parametrize("scaling", ["standard", "min-max"])
def test_scaling_is_fitted_on_the_training_part(scaling):
    data = datasets.load("diabetes", scaling=scaling, target_scaling=scaling)
    for values in (data.x_train, data.y_train):
        if scaling == "standard":
            assert np.allclose(values.mean(axis=0), 0, atol=1e-4) and np.allclose(values.std(axis=0), 1, atol=1e-4)
        else:
            assert np.allclose(values.min(axis=0), 0, atol=1e-6) and np.allclose(values.max(axis=0), 1, atol=1e-6)
    plain = datasets.load("diabetes")
    assert np.allclose(data.preprocessing.apply(data.raw_test), data.x_test)
    assert np.allclose(data.preprocessing.targets_to_units(data.y_test), plain.y_test, rtol=1e-5)
    assert np.allclose(data.target_scale * (data.y_train[0] - data.y_train[1]), plain.y_train[0] - plain.y_train[1])
    again = Preprocessing.from_dict(data.preprocessing.to_dict())
    assert again == data.preprocessing


def test_a_constant_column_is_not_blown_up():
    train = np.full((4, 1), 0.1)
    assert np.isfinite(Preprocessing(("a",), None, (0.1,), (1.0,)).apply(train)).all()
    data = datasets.read_table(b"a,b,c\n0.1,1,2.5\n0.1,2,3.5\n0.1,3,4.5\n0.1,4,5.5\n", scaling="standard")
    assert np.abs(data.x_train[:, 0]).max() < 1e-6


def test_specs_survive_as_plain_data():
    spec = datasets.DataSpec("gaussians", 3, 100, 0.25, 0.5, 4, ("x", "y", "xy"), "standard")
    assert datasets.DataSpec.from_dict(spec.to_dict()) == spec
    one, other = datasets.load_spec(spec), datasets.load_spec(datasets.DataSpec.from_dict(spec.to_dict()))
    assert (one.x_train == other.x_train).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "spirall"},
        {"name": "xor", "classes": 3},
        {"name": "spiral", "noise": 0.6},
        {"name": "spiral", "samples": 3},
        {"name": "spiral", "samples": "many"},
        {"name": "spiral", "train_share": 1.0},
        {"name": "spiral", "features": ("z",)},
        {"name": "spiral", "features": ()},
        {"name": "spiral", "scaling": "log"},
        {"name": "spiral", "seed": -1},
        {"name": "spiral", "classes": 99},
    ],
)
def test_wrong_requests_are_told(wrong):
    with pytest.raises(RelumeError):
        datasets.load(**wrong)


def test_switching_keeps_what_suits_both():
    spec = datasets.DataSpec("spiral", samples=300, noise=0.2, classes=5, features=("x", "xy"))
    for name in datasets.names():
        changed = datasets.switch(spec, name)
        datasets.load_spec(changed)
        assert changed.samples == 300 and changed.noise == 0.2
    assert datasets.switch(spec, "circles").classes == 5 and datasets.switch(spec, "xor").classes == 2


class TestDataset:
    x = np.zeros((4, 2))

    def test_task_is_seen_in_the_targets(self):
        assert datasets.Dataset(self.x, [0, 1, 0, 1], self.x, [0, 1, 0, 1]).task == "binary"
        assert datasets.Dataset(self.x, [0, 1, 2, 1], self.x, [0, 1, 0, 1]).task == "multiclass"
        assert datasets.Dataset(self.x, [0.5, 1, 2, 1], self.x, [0, 1, 0, 1.0]).task == "regression"

    @pytest.mark.parametrize(
        "change",
        [
            {"x_train": np.full((4, 2), np.nan)},
            {"x_train": np.zeros((4, 3))},
            {"x_train": np.zeros((0, 2)), "y_train": []},
            {"x_train": "text"},
            {"y_train": [0, 1]},
            {"y_train": [0, -1, 0, 1]},
            {"y_train": [0, 1, 2, 0]},
            {"y_train": [0.5, 1, 0, 0]},
            {"y_train": ["a", "b", "a", "b"]},
            {"task": "guessing"},
            {"task": "regression", "y_train": [np.inf, 0, 0, 0]},
            {"class_names": ("only one",)},
            {"feature_names": ("a", "b", "c")},
        ],
    )
    def test_what_cannot_be_is_told(self, change):
        good = {"x_train": self.x, "y_train": [0, 1, 0, 1], "x_test": self.x, "y_test": [0, 1, 0, 1], "task": "binary"}
        datasets.Dataset(**good)
        with pytest.raises(RelumeError):
            datasets.Dataset(**(good | change))


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
def test_embedded_tables_are_those_of_their_source(name: str) -> None:
    import sklearn.datasets

    source = getattr(sklearn.datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    data = datasets.get(name).make(0, 0.0, 0, 0)
    assert np.array_equal(data.x, source.data / (16 if name == "digits" else 1))
    assert np.array_equal(data.y.ravel(), source.target)
    if name not in ("digits", "diabetes"):
        assert data.names == tuple(source.feature_names) and data.class_names == tuple(map(str, source.target_names))
