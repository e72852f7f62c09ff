"""Numbers have one style in the whole window."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from gui.numbers import count, large, number, percent, plain, power_of_ten, significant, tick, typeset

GUI = Path(__file__).parent.parent / "gui"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.0564, "0.056"), (-0.5, "−0.500"), (0.0066, "0.0066"), (0.00031, "0.00031"),
        (3.24e-5, "3.2·10⁻⁵"), (1.0, "1.00"), (12.34, "12.3"), (284.4, "284"), (1284.0, "1\u2009284"),
        (6.5e6, "6.5·10⁶"), (-1e13, "−1.0·10¹³"), (math.inf, "∞"), (-math.inf, "−∞"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_so_many_digits() -> None:
    values = (440.0, 0.0066, 3.2e-5, 30000.0, 0.0)
    assert [significant(v) for v in values] == ["440", "0.0066", "3.2·10⁻⁵", "30\u2009000", "0"]
    assert [plain(v) for v in (4.0, 0.25, 0.001, 100.0, 1e5, 1e6, -2.5e-7)] == [
        "4", "0.25", "0.001", "100", "100\u2009000", "10⁶", "−2.5·10⁻⁷",
    ]  # fmt: skip
    assert power_of_ten(-3) == "10⁻³" and count(12345) == "12\u2009345" and large(1.3e6) == "1.3\u2009M"
    assert count(60000) == "60\u2009000" and large(950) == "950"
    assert percent(0.967, 1) == "96.7\u2009%" and percent(math.nan) == "–"


def test_marks_of_an_axis_look_alike() -> None:
    def words(*values: float, step: float) -> list[str]:
        return [tick(value, step) for value in values]

    assert words(-1, -0.5, 0, 0.5, 1, step=0.5) == ["−1.0", "−0.5", "0", "0.5", "1.0"]
    assert words(0, 5000, 10000, step=5000) == ["0", "5\u2009000", "10\u2009000"]
    assert words(0, 50000, 100000, step=50000) == ["0", "5·10⁴", "10⁵"]
    assert words(0, 2e6, 4e6, step=2e6) == ["0", "2·10⁶", "4·10⁶"]
    assert words(5e-5, 1e-4, 1.5e-4, step=5e-5) == ["5·10⁻⁵", "10⁻⁴", "1.5·10⁻⁴"]
    assert [tick(v) for v in (30000.0, 0.3, 1e-5, 3e5)] == ["30\u2009000", "0.3", "10⁻⁵", "3·10⁵"]


def test_sentences_of_the_engine_are_typeset() -> None:
    assert typeset("Layer 2, step 12,345: z is at most -1e-05.") == "Layer 2, step 12\u2009345: z is at most −10⁻⁵."
    assert typeset("The rate is 2.5e+06, from -3 to 1e6.") == "The rate is 2.5·10⁶, from −3 to 10⁶."
    assert typeset("leaky-relu and data-2.csv, a1e5") == "leaky-relu and data-2.csv, a1e5"


def test_only_one_file_writes_numbers() -> None:
    """Nothing else in the window turns a float into text, but for the fields one types into and ages in seconds."""
    written = re.compile(r"[{][^{}]*:,?[.]?[0-9]*[gfe%][}]|:,[}]")
    allowed = {"numbers.py", "number_field.py", "run_until.py"}
    found = {
        f"{path.name}: {text}"
        for path in GUI.rglob("*.py")
        if path.name not in allowed
        for text in written.findall(path.read_text("utf-8"))
    }
    assert not {text for text in found if "taken" not in text and "seconds:.1f" not in text and "/ 10:.3g" not in text}
