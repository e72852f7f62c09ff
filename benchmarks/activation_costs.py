"""W7: what every activation costs, forward and derivative, beside numpy and PyTorch, in turns."""

from __future__ import annotations

import statistics

from benchmarks.engines import EngineInfo, Field, Trouble, progress
from benchmarks.page import table, times
from engine import activations

SIZES = {"16 k": 1 << 14, "1 M": 1 << 20}
LEAST, LEAST_WITH_EXPONENTIAL = 0.95, 3.0  # times the best of numpy and PyTorch; the second at 16 k
EXPONENTIALS = ("exp", "expm1", "log1p", "tanh", "sigmoid", "softplus", "normal_cdf", "normal_density")
WAYS = tuple(
    EngineInfo(f"activations by {name}", "activation_worker.py", module, arguments=(name,))
    for name, module in (("own", "numba"), ("numpy", "numpy"), ("torch", "torch"))
)
WORDS = (
    "Nanoseconds per element for an activation and its derivative, as a training step needs them, on one thread. "
    f"Wanted: {LEAST}x the best of numpy and PyTorch or more, and {LEAST_WITH_EXPONENTIAL:g}x at 16 k floats where the "
    "formula has an exponential."
)


def has_exponential(name: str) -> bool:
    """Whether its formula calls a function that needs an exponential."""
    record = activations.get(name)
    called: set[str] = set()
    waiting = [record.function, record.slope]
    while waiting:
        code = waiting.pop().__code__
        for word in set(code.co_names) - called:
            called.add(word)
            inner = getattr(activations, word, None)
            if hasattr(inner, "__code__"):
                waiting.append(inner)
    return bool(called & set(EXPONENTIALS))


def measure(field: Field, rounds: int, quick: bool = False) -> tuple[str]:
    """The table."""
    ways = [way for way in WAYS if way.missing() is None]
    names = ("relu", "tanh", "gelu") if quick else activations.names()
    rows = []
    for name in names:
        progress(f"W7: {name}")
        cells, verdicts = [], []
        for title, size in SIZES.items():
            found = _medians(field, ways, name, size, rounds)
            own, best = found.pop("own"), min(found.values())
            cells += [f"{own:.2f}", *(f"{found[way]:.2f}" if way in found else "" for way in ("numpy", "torch"))]
            cells.append(times(best / own))
            exact = has_exponential(name) and title == "16 k"
            verdicts.append(best / own >= (LEAST_WITH_EXPONENTIAL if exact else LEAST))
        rows.append([name, *cells, "yes" if all(verdicts) else "no"])
    heads = [f"{title}: {words}" for title in SIZES for words in ("Relume", "numpy", "PyTorch", "ratio")]
    return (table(["", *heads, "reached"], rows),)


def _medians(field: Field, ways: list[EngineInfo], name: str, size: int, rounds: int) -> dict[str, float]:
    figures: dict[str, list[float]] = {}
    for _ in range(rounds):
        for way in ways:
            try:
                answer = field.worker(way, 1).ask({"name": name, "size": size, "min_s": 0.04})
            except Trouble as trouble:
                if way.arguments == ("own",):
                    raise
                progress(f"W7: {way.name}: {trouble}")
                continue
            figures.setdefault(way.arguments[0], []).append(answer["ns"])
    return {key: statistics.median(values) for key, values in figures.items()}
