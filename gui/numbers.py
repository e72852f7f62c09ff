"""Numbers as the window writes them: sensible digits, a true minus sign, thin thousands."""

from __future__ import annotations

import math

MINUS = "\u2212"
THIN = "\u2009"


def number(value: float, digits: int = 3) -> str:
    """`value` with so many significant digits (at most so many decimals below 1): 0.056, 12.3, 1 284, 3.2e−5."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e6 or size < 10.0 ** -(digits + 1):
        text = f"{value:.{max(0, digits - 2)}e}"
        mantissa, exponent = text.split("e")
        text = f"{mantissa}e{int(exponent)}"
    elif size >= 1000:
        text = f"{value:,.0f}".replace(",", THIN)
    elif size >= 1:
        text = f"{value:.{max(0, digits - 1 - int(math.log10(size)))}f}"
    else:
        text = f"{value:.{digits}f}"
    return text.replace("-", MINUS)


def plain(value: float, digits: int = 2) -> str:
    """`value` with so many significant digits and no idle zeros: 4, 0.25, 12."""
    return f"{value:.{digits}g}".replace("-", MINUS)


def percent(share: float, digits: int = 0) -> str:
    """A share of 1 in percent: 96.7 %."""
    if share is None or math.isnan(share):
        return "–"
    return f"{100.0 * share:.{digits}f}{THIN}%".replace("-", MINUS)


def count(value: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", THIN).replace("-", MINUS)


def preparing_words(preparing: tuple[int, int]) -> str:
    """How far the kernels are: (kernels ready, kernels in all)."""
    done, total = preparing
    return f"Preparing kernels, {min(done + 1, total)} of {total}"


def large(value: float) -> str:
    """A rate in the largest fitting unit: 1.3 M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.1f}{THIN}{unit}"
    return f"{value:.0f}"
