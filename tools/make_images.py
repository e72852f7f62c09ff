"""Writes the embedded images from the files of Debian's package dataset-fashion-mnist: resources/data/NAME.npz.

python tools/make_images.py FOLDER_OF_THE_IDX_FILES

The file holds x (12000, 28, 28) bytes, y (12000,) bytes and classes: the first 1,000 training images of each class in
the order of the source, then the first 200 test images of each class. Source and licence are told in
resources/data/README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.data.idx import read_idx

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "data"
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def taken(source: Path, part: str, each: int) -> tuple[np.ndarray, np.ndarray]:
    """(images, labels): the first `each` of every class, in the order of the file."""
    with open(source / f"{part}-images-idx3-ubyte.gz", "rb") as file:
        images = read_idx(file)
    with open(source / f"{part}-labels-idx1-ubyte.gz", "rb") as file:
        labels = read_idx(file)
    rows = np.sort(np.concatenate([np.flatnonzero(labels == k)[:each] for k in range(len(CLASSES))]))
    return images[rows], labels[rows]


def main(source: Path) -> None:
    (x_train, y_train), (x_test, y_test) = taken(source, "train", 1000), taken(source, "t10k", 200)
    path = FOLDER / "fashion_mnist_12k.npz"
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    np.savez_compressed(path, x=x, y=y, classes=np.array(CLASSES))
    sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
