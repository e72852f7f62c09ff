"""Products of windows whose cells are apart: of groups, of dilated windows, and of single channels."""

from __future__ import annotations

from typing import Any

from engine.kernels.compiler import intrinsic
from engine.kernels.convolution_plan import (
    A_CELL,
    A_GROUP,
    A_RUN,
    B_CELL,
    B_FIRST,
    B_GROUP,
    B_RUN,
    B_STEP,
    C_GROUP,
    CELLS,
    CLASS_WORDS,
    GROUPS,
    JOINED,
    LENGTH,
    POSITIONS,
    RUNS,
    TABLE,
)
from engine.kernels.jit import Kernel, bound
from engine.kernels.memory import of_words, words
from engine.kernels.product import LANES, SIGNATURE_OF_PRODUCT, emit_tile, split_rows, tile_emitter, word


def _body(single: bool) -> Any:
    """Tiles of rows of c = start + a b, found through a table of (place in a, place in c); `k`: words of their class.

    single: a number of a row of a goes with a number of b only, the sum is over the cells of the window.
    """

    def body(b: Any, height: int, width: int, columns: Any, group: Any, values: Any) -> None:
        table, a, k, kernel, start, c = values
        first = b.add(table, b.mul(group, word(16 * height)))

        def loaded(place: Any) -> Any:
            return b.load(b.inttoptr(place, word.as_pointer()))

        def told(number: int) -> Any:
            return loaded(b.add(k, word(8 * number)))

        a_rows, c_rows = [], []
        for i in range(height):
            offsets = [loaded(b.add(first, word(16 * i + 8 * side))) for side in (0, 1)]
            a_rows.append((b.add(a, b.mul(offsets[0], word(4))), 0))
            c_rows.append(b.add(c, b.mul(offsets[1], word(4))))
        levels = [(told(RUNS), told(A_RUN), told(B_RUN)), (told(CELLS), told(A_CELL), told(B_CELL))]
        if not single:
            levels.append((told(LENGTH), word(1), told(B_STEP)))
        emit_tile(b, height, width, columns, levels, a_rows, kernel, [start] * height, c_rows, by_column=single)

    return body


_CELL, _NUMBER = (tile_emitter(f"{name}_tile", 6, _body(name == "number")) for name in ("cell", "number"))


@intrinsic
def _cell_tiles(
    typing: Any, rows: Any, groups: Any, columns: Any, table: Any, a: Any, k: Any, b: Any, start: Any, c: Any
) -> Any:
    return of_words(9), _CELL


@intrinsic
def _number_tiles(
    typing: Any, rows: Any, groups: Any, columns: Any, table: Any, a: Any, k: Any, b: Any, start: Any, c: Any
) -> Any:
    return of_words(9), _NUMBER


def _deep_body(b: Any, height: int, width: int, columns: Any, group: Any, values: Any) -> None:
    k0, a0, b0, k1, a1, b1, k2, a2, b2, a, a_row, g, c, c_row = values
    first = b.mul(group, word(height))
    rows = [b.mul(word(4), b.add(first, word(i))) for i in range(height)]
    a_rows = [(b.add(a, b.mul(row, a_row)), 0) for row in rows]
    c_rows = [b.add(c, b.mul(row, c_row)) for row in rows]
    levels = [(k0, a0, b0), (k1, a1, b1), (k2, a2, b2)]
    emit_tile(b, height, width, columns, levels, a_rows, g, c_rows, c_rows, by_column=True)


_DEEP = tile_emitter("single_deep_tile", 14, _deep_body)


@intrinsic
def single_deep_tiles(
    typing: Any, rows: Any, groups: Any, columns: Any, k0: Any, a0: Any, b0: Any, k1: Any, a1: Any, b1: Any, k2: Any,
    a2: Any, b2: Any, a: Any, a_row: Any, b: Any, c: Any, c_row: Any,
) -> Any:  # fmt: skip
    """Rows of c += a b, number by number; the sum goes over three loops: (count, step in a, step in b) each."""
    return of_words(17), _DEEP


def _windows(
    plan: int, classes: int, at: int, rows: int, n: int, a: int, a_sample: int, b: int, start: int, start_step: int,
    c: int, c_sample: int,
) -> None:  # fmt: skip
    """Every row of every class: c (n columns) = start + its window of a times b. Compiled as a kernel.

    OWN is 1 where every column has an a of its own.
    """
    for number in range(classes):
        place = plan + 8 * (at + number * CLASS_WORDS)
        k = words(place, CLASS_WORDS)
        samples, m = (1, rows * k[POSITIONS]) if k[JOINED] != 0 else (rows, k[POSITIONS])
        count, height, larger = split_rows(m)
        table, later = plan + 8 * k[TABLE], plan + 8 * (k[TABLE] + 2 * larger * (height + 1))
        for s in range(samples):
            for group in range(k[GROUPS]):
                for j in range(0, n, 2 * LANES):
                    a_s = a + 4 * (s * a_sample + group * k[A_GROUP] + OWN * j)  # type: ignore[name-defined] # noqa: F821
                    c_s = c + 4 * (s * c_sample + group * k[C_GROUP] + j)
                    first = b + 4 * (k[B_FIRST] + group * k[B_GROUP] + j)
                    begin = start + 4 * (group * k[C_GROUP] + j) * start_step
                    tiles(  # type: ignore[name-defined] # noqa: F821
                        height + 1, larger, n - j, table, a_s, place, first, begin, c_s
                    )
                    tiles(  # type: ignore[name-defined] # noqa: F821
                        height, count - larger, n - j, later, a_s, place, first, begin, c_s
                    )


CELL_PRODUCT = Kernel(
    "product of cells", lambda: bound(_windows, "cells", tiles=_cell_tiles, OWN=0), SIGNATURE_OF_PRODUCT
)
NUMBER_PRODUCT = Kernel(
    "product of single channels", lambda: bound(_windows, "numbers", tiles=_number_tiles, OWN=1), SIGNATURE_OF_PRODUCT
)
