"""What a document becomes for data that were just chosen."""

from __future__ import annotations

import dataclasses

from engine.data.dataset import Dataset
from engine.default_network import default_design
from engine.outputs import fit_output
from engine.spec import NetworkSpec
from gui.document import Document, first_document
from gui.edits import told


def suited(document: Document, dataset: Dataset, before: Dataset | None = None) -> tuple[Document, str]:
    """`document` for `dataset`, and what came or went in its network without being asked for.

    Layers that fit stay. A network of which only the output would stay, and one that is unchanged since it was given
    where images come, go or have another size, give way to a first one for the new data. `before`: the data it stood
    for so far, None to keep its layers.
    """
    old = document.spec
    if before is None or not _images_change(before, dataset) or not _is_unchanged(old, before):
        spec = fit_output(old, dataset)
        if len(spec.layers) > 1 or len(old.layers) == 1:
            return dataclasses.replace(document, spec=spec), told(old, spec)
        words = "Only the output fits these data: a first network for them took its place. Undo brings it all back."
        return dataclasses.replace(document, spec=default_design(dataset)[0]), words
    spec, training = default_design(dataset)
    given = (first_document().training, default_design(before)[1])
    seed = document.training.seed
    if document.training in [dataclasses.replace(other, seed=seed) for other in given]:
        training = dataclasses.replace(training, seed=seed)
    else:
        training = document.training
    what = "images" if _is_of_images(dataset) else "these data"
    words = f"A network for {what} took the place of the one before, which was unchanged. Undo brings it back."
    return dataclasses.replace(document, spec=spec, training=training), words


def _is_unchanged(spec: NetworkSpec, dataset: Dataset) -> bool:
    """Whether it is what a new window or these data begin with."""
    return spec in (fit_output(first_document().spec, dataset), default_design(dataset)[0])


def _is_of_images(dataset: Dataset) -> bool:
    """Whether samples come as rows and columns, not as one row of values."""
    return dataset.x_train.ndim > 2


def _images_change(before: Dataset, after: Dataset) -> bool:
    same = before.x_train.shape[1:] == after.x_train.shape[1:]
    return not same and (_is_of_images(before) or _is_of_images(after))
