"""Writes the embedded data sets from scikit-learn's copies: resources/data/NAME.npz.

python tools/make_tables.py

Each file holds x (samples, inputs), y (samples,), names (inputs,) and, for a classification, classes. Their sources
and licences are told in resources/data/README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import sklearn.datasets

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "data"


def tables() -> dict[str, dict[str, np.ndarray]]:
    """The arrays of every embedded data set."""
    loaded = {
        "digits": sklearn.datasets.load_digits(),
        "iris": sklearn.datasets.load_iris(),
        "wine": sklearn.datasets.load_wine(),
        "breast_cancer": sklearn.datasets.load_breast_cancer(),
        "diabetes": sklearn.datasets.load_diabetes(scaled=False),
    }
    made = {}
    for name, data in loaded.items():
        arrays = {"x": data.data, "y": data.target, "names": np.array([str(n) for n in data.feature_names])}
        if name == "digits":
            arrays["x"] = data.data.astype(np.uint8)  # 0 to 16
        if name != "diabetes":
            arrays["classes"] = np.array([str(n) for n in data.target_names])
        made[name] = arrays
    return made


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, arrays in tables().items():
        np.savez_compressed(FOLDER / f"{name}.npz", **arrays)  # type: ignore[arg-type]
        sys.stdout.write(f"{name}: {(FOLDER / f'{name}.npz').stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
