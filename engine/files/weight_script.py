"""A trained network as a Python script that needs numpy only and predicts from raw inputs."""

from __future__ import annotations

import base64
import dataclasses
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import losses, maths
from engine.data.cells import decode, encode
from engine.data.features import FEATURES
from engine.data.preprocessing import RawColumn
from engine.files.formulas import Formulas
from engine.layers.base import Call

if TYPE_CHECKING:
    from engine.files.weights import Export

_WRITTEN_OUT = 256  # larger arrays are written as base64

_HEAD = '''"""A network trained in Relume, as {title}.

predict(raw) takes raw inputs (rows, columns as in RAW_NAMES{cells}) and gives {result}.
With a CSV file in UTF-8 of these columns, with or without a header line: python THIS_FILE data.csv
"""

{imports}

{constants}


{weights}


{formulas}


def inputs(raw):
    """Raw values (rows, columns) -> what the network is fed, {dtype}."""
{inputs}


def network(x):
    """Inputs -> outputs of the last layer."""
{network}


def predict(raw):
    """Raw values (rows, columns) -> {result}."""
    with np.errstate(all="ignore"):
        outputs = network(inputs(raw))
{link}

{classify}
def is_number(cell):
    try:
        return bool(float(cell.replace(",", ".")) < float("inf"))
    except ValueError:
        return False


def is_row(cells):
    """Whether the first line of a file holds values, not names."""
    try:
        inputs([cells])
    except ValueError:
        return False
    return any(cells)


def main():
    if len(sys.argv) != 2:
        sys.exit("Usage: python " + sys.argv[0] + " data.csv    columns: " + "; ".join(RAW_NAMES))
    try:
        with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
            lines = file.read().splitlines(keepends=True)
    except OSError as error:
        sys.exit("The file cannot be read: " + sys.argv[1] + ": " + (error.strerror or str(error)))
    except UnicodeDecodeError:
        sys.exit("The file is not UTF-8: " + sys.argv[1])
    delimiter = max(",;\\t|", key="".join(lines[:1]).count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter) if row]
    header, body = rows[0] if rows else [], rows[1:]
    if set(RAW_NAMES) <= set(header):  # others may stand between them
        places = [header.index(name) for name in RAW_NAMES]
    elif len(header) == len(RAW_NAMES):
        places = range(len(header))
        if is_row(header):  # no header line
            body = rows
        elif any(is_number(cell) for cell in header):
            sys.exit("The first line is neither these column names nor a row of their values: " + "; ".join(RAW_NAMES))
    else:
        sys.exit("The file lacks these columns: " + "; ".join(n for n in RAW_NAMES if n not in header))
    if not body:
        sys.exit("The file has a header line and no row.")
    if any(len(row) <= max(places) for row in body):
        sys.exit("A row has fewer cells than there are columns.")
    try:
        predicted = predict([[row[k] for k in places] for row in body])
    except ValueError as error:
        sys.exit(str(error))
    print(",".join(NAMES))
    for row in predicted:
        print(",".join(repr(float(value)) for value in row))


if __name__ == "__main__":
    main()
'''

#: What the text of a large array calls.
DECODED = """def _decoded(text, dtype, shape):
    return np.frombuffer(base64.b64decode(text), dtype=dtype).reshape(shape).copy()


"""
_WEIGHTS = """PARAMETERS = {{
{parameters}
}}"""

_CLASSIFY = '''
def classify(raw):
    """Raw values (rows, columns) -> the name of the likeliest class of each row."""
    with np.errstate(all="ignore"):
        outputs = network(inputs(raw))
    chosen = {chosen}
    return [CLASSES[k] for k in chosen]

'''


def source_of(export: Export) -> str:
    """The script. Raises RelumeError for what cannot be written as one."""
    formulas = Formulas()
    layers = _layers(export, formulas)
    parameters = "\n".join(f"    {k!r}: {array_text(v, 16 + len(k))}," for k, v in export.network.parameters().items())
    weights = DECODED + _WEIGHTS.format(parameters=parameters)
    formulas.imports.add("import base64")
    return frame(export, "plain numpy", [], weights, layers, formulas)


def frame(
    export: Export, title: str, libraries: list[str], weights: str, network: list[str], formulas: Formulas
) -> str:
    """A script that predicts from raw inputs, also on the command line.

    Args:
        libraries: imports beside numpy and the standard library.
        weights: the source that holds the weights.
        network: the lines of the function `network(x)`, from inputs (numpy) to outputs (numpy).
    """
    link, result, columns = _link(export, formulas)
    names = list(export.names)
    classify = ""
    if export.task != "regression" and names:
        loss = losses.get(export.network.spec.loss)
        single = export.network.spec.output_shape[-1] == 1
        chosen = f"(outputs[:, 0] > {loss.threshold!r}).astype(int)" if single else "outputs.argmax(axis=1)"
        classify = _CLASSIFY.format(chosen=chosen)
        columns = [names[-1]] if single else names
    table = export.preprocessing.columns
    raw_names = [column.name for column in table] or list(export.preprocessing.raw_names)
    constants = [f"RAW_NAMES = {raw_names!r}", f"NAMES = {columns!r}"]
    if table:
        formulas.add(encode, "encode")
        rows = "\n".join(f"    {dataclasses.astuple(column)!r}," for column in table)
        constants.append(
            f"COLUMNS = [  # name, values of a text, what stands for a missing number, decimal mark\n{rows}\n]"
        )
    if classify:
        constants.append(f"CLASSES = {names!r}")
    standard = sorted(
        {"import csv", "import sys", *formulas.imports} - {"import numpy as np"},
        key=lambda line: (line[:4] == "from", line),
    )
    return _HEAD.format(
        title=title,
        result=result,
        cells=": numbers, or texts as the table has them" if table else "",
        imports="\n".join([*standard, "", "import numpy as np", *libraries]),
        constants="\n".join(constants),
        weights=weights,
        formulas="\n\n\n".join(formulas.lines),
        dtype=export.network.dtype,
        inputs="\n".join(_inputs(export)),
        network="\n".join(network),
        link="\n".join(f"        {line}" for line in link),
        classify=classify,
    )


def run(path: Path, raw: np.ndarray, columns: tuple[RawColumn, ...]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The parameters that a script holds and what it predicts; of a table it is given the cells."""
    script = runpy.run_path(str(path))
    rows = decode(raw, [dataclasses.astuple(column) for column in columns]) if columns else raw
    return script["PARAMETERS"], script["predict"](rows)


def array_text(values: np.ndarray, indent: int) -> str:
    if values.size <= _WRITTEN_OUT:
        numbers = np.array2string(
            values, separator=", ", threshold=values.size + 1, max_line_width=110, floatmode="unique",
            prefix=" " * indent,
        )  # fmt: skip
        return f"np.array({numbers}, dtype=np.{values.dtype})"
    text = base64.b64encode(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()).decode("ascii")
    lines = "\n".join(text[at : at + 100] for at in range(0, len(text), 100))
    return f'_decoded("""\n{lines}\n""", {values.dtype.newbyteorder("<").str!r}, {values.shape})'


def _inputs(export: Export) -> list[str]:
    steps, width = export.preprocessing, len(export.preprocessing.raw_names)
    shape = export.network.spec.input_shape  # images may come as such or as flat rows
    lines = ["    raw = encode(raw, COLUMNS)"] if steps.columns else []
    lines += [
        "    raw = np.asarray(raw, dtype=np.float64)",
        *(["    raw = raw.reshape(len(raw), int(np.prod(raw.shape[1:])))"] if len(shape) > 1 else []),
        f"    if raw.ndim != 2 or raw.shape[1] != {width}:",
        f'        raise ValueError("raw inputs must have {width} columns")',
    ]
    if steps.features is None:
        lines.append("    made = raw")
    else:
        sources = ", ".join(FEATURES.get(name).source for name in steps.features)
        lines += ["    x, y = raw[:, 0], raw[:, 1]", f"    made = np.stack([{sources}], axis=1)"]
    if steps.input_offset:
        lines.append(f"    made = (made - np.array({list(steps.input_offset)})) / np.array({list(steps.input_scale)})")
    return [*lines, f"    return made.astype(np.{export.network.dtype})"]


def _layers(export: Export, formulas: Formulas) -> list[str]:
    spec, lines = export.network.spec, []
    if len(spec.input_shape) > 1:
        lines.append(f"    x = x.reshape(len(x), {', '.join(map(str, spec.input_shape))})")
    for number, (layer, shape) in enumerate(zip(spec.layers, (spec.input_shape, *spec.shapes()), strict=False)):
        for call in layer.calls(shape):
            lines.append(f"    x = {_called(number, call, str(export.network.dtype), formulas)}")
    return [*lines, "    return x"]


def _called(layer: int, call: Call, dtype: str, formulas: Formulas) -> str:
    """A call on x as source."""
    formulas.add(call.function, call.name)
    return f"{call.name}({', '.join(['x', *(_argument(layer, item, dtype, formulas) for item in call.arguments)])})"


def _argument(layer: int, item: Any, dtype: str, formulas: Formulas) -> str:
    """An argument of `engine.layers.base.Call` as source."""
    if isinstance(item, Call):
        return f"lambda x: {_called(layer, item, dtype, formulas)}"
    if isinstance(item, str):
        return f'PARAMETERS["{layer}.{item}"]'
    return f"np.{dtype}({item!r})" if isinstance(item, float) else repr(item)


def _link(export: Export, formulas: Formulas) -> tuple[list[str], str, list[Any]]:
    """The last lines of `predict`, what it gives in words, and the names of its columns."""
    steps, width = export.preprocessing, export.network.spec.output_shape[-1]
    columns = list(export.names) if len(export.names) == width else [f"output {k + 1}" for k in range(width)]
    kind = losses.get(export.network.spec.loss).link
    if export.task == "regression" and kind != "softmax":
        said = "np.exp(outputs)" if kind == "exp" else "outputs"
        if not steps.target_offset:
            return [f"return {said}"], "values (rows, targets)", columns
        scale, offset = list(steps.target_scale), list(steps.target_offset)
        line = f"return ({said} * np.array({scale}) + np.array({offset})).astype(outputs.dtype)"
        return [line], "values (rows, targets) in the targets' own units", columns
    if kind == "sigmoid":
        formulas.use("sigmoid", vars(maths))
        return ["return sigmoid(outputs)"], "the probability of the second class (rows, 1)", columns
    if kind == "softmax":
        powers = "powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))"
        divide = "return powers / powers.sum(axis=1, keepdims=True)"
        return [powers, divide], "the probability of every class (rows, classes)", columns
    return ["return outputs"], "scores (rows, outputs)", columns
