"""Numbers as the window writes them: sensible digits, a true minus sign, thin thousands, powers of ten."""

from __future__ import annotations

import math
import re

MINUS = "\u2212"
THIN = "\u2009"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3) -> str:
    """`value` with so many digits, one less where it is very small or large: 0.056, 12.3, 1 284, 0.0066, 6.5·10⁶."""
    size = abs(value)
    if value == 0 or not math.isfinite(value):
        return _special(value)
    if size >= 1e6 or size < 10.0 ** (1 - digits):
        return significant(value, max(1, digits - 1))
    if size >= 1:
        return _fixed(value, max(0, digits - 1 - int(math.log10(size))))
    return _fixed(value, digits)


def significant(value: float, digits: int = 2) -> str:
    """So many digits of a value of any size: 0.0066, 3.2·10⁻⁵, 12 000, 6.5·10⁶."""
    if value == 0 or not math.isfinite(value):
        return _special(value)
    mantissa, exponent = _parts(value, digits)
    if -4 <= exponent < 6:
        return _fixed(value, max(0, digits - 1 - exponent))
    return f"{mantissa}·{power_of_ten(exponent)}".replace("-", MINUS)


def plain(value: float, digits: int = 2) -> str:
    """`value` with at most so many digits and no idle zeros: 4, 0.25, 12, 10⁻⁵."""
    if value == 0 or not math.isfinite(value):
        return _special(value)
    mantissa, exponent = _parts(value, digits)
    if not -4 <= exponent < 6:
        return _joined(f"{float(mantissa):g}", exponent)
    text = _fixed(value, max(0, digits - 1 - exponent))
    return text.rstrip("0").rstrip(".") if "." in text else text


def tick(value: float, step: float | None = None) -> str:
    """A mark of an axis; `step` gives it the decimals that its neighbours have."""
    if step is None:
        return plain(value, 3) if abs(value) < 1e5 else _short(value)
    if abs(value) < step * 1e-6:
        return "0"
    if step < 1e-4 or abs(value) >= 1e5 or step >= 2e4:
        return _short(value)
    return _fixed(value, max(0, -math.floor(math.log10(step) + 1e-9)))


def percent(share: float, digits: int = 0) -> str:
    """A share of 1 in percent: 96.7 %."""
    return f"{_fixed(100.0 * share, digits)}{THIN}%" if math.isfinite(share) else "–"


def count(value: int) -> str:
    """A whole number with thin spaces between thousands."""
    return _fixed(value, 0)


def large(value: float) -> str:
    """A rate in the largest fitting unit: 1.3 M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.1f}{THIN}{unit}"
    return f"{value:.0f}"


def stored(size: float) -> str:
    """A size in bytes: 12.3 MB, 6.00 kB."""
    return f"{number(size / 1e6)} MB" if size >= 1e5 else f"{number(size / 1e3)} kB"


def power_of_ten(exponent: int) -> str:
    """10 with a raised exponent."""
    return "10" + str(exponent).translate(_RAISED)


def typeset(words: str) -> str:
    """The engine's sentence with its numbers as the window writes them: -1e-05 and 12,000 are plain text."""
    words = re.sub(r"(?<=[0-9]),(?=[0-9]{3}\b)", THIN, words)
    words = re.sub(r"(?<![\w-])-(?=[0-9])", MINUS, words)
    return re.sub(r"(?<![\w.])([0-9.]+)e([+-]?[0-9]+)\b", _power, words)


def preparing_words(preparing: tuple[int, int]) -> str:
    """How far the kernels are: (kernels ready, kernels in all)."""
    done, total = preparing
    return f"Preparing kernels, {min(done + 1, total)} of {total}"


def _fixed(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace(",", THIN).replace("-", MINUS)


def _special(value: float) -> str:
    if math.isnan(value):
        return "–"
    return "0" if value == 0 else "∞" if value > 0 else f"{MINUS}∞"


def _parts(value: float, digits: int) -> tuple[str, int]:
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return mantissa, int(exponent)


def _short(value: float) -> str:
    """At most three digits and a power of ten, whatever the size."""
    mantissa, exponent = _parts(value, 3)
    return _joined(f"{float(mantissa):g}", exponent)


def _power(found: re.Match[str]) -> str:
    return _joined(found[1], int(found[2]))


def _joined(mantissa: str, exponent: int) -> str:
    power = power_of_ten(exponent)
    joined = {"1": power, "-1": f"-{power}"}.get(mantissa, f"{mantissa}·{power}")
    return joined.replace("-", MINUS)
