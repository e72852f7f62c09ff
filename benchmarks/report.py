"""What the outcomes of the workloads say: rates, ratios, shares of the limit, and what was to be reached."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from benchmarks.duel import Outcome
from benchmarks.engines import ENGINES, OWN
from benchmarks.page import number, percent, table, times

WORDS = (
    "Training samples per second, whole epochs, float32, data in memory: medians of rounds in which every engine had "
    "its turn; the number after a name is its threads. The peers have their best settings (fused optimizers, channels "
    "last, compiled steps or epochs), each the fastest of its first tries. A ratio is the median of the rounds' "
    "ratios, with the faster number of threads on both sides. The limit is sgemm's rate (the better of 512 and 1024 "
    "squares, in every round the mean of just before and just after Relume's turn) over the exact operations of the "
    "matrix products of a workload; a share is the median of the rounds' shares."
)
#: Workload -> (engine, how many times as fast at least).
RATIOS = {
    "W1_tanh": (("Playground", 12.0), ("PyTorch", 250.0)), "W1_relu": (("Playground", 12.0), ("PyTorch", 250.0)),
    "W2": (("JAX", 2.0), ("PyTorch", 15.0)), "W3": (("JAX", 1.2), ("PyTorch", 1.7)), "W4": (("PyTorch", 3.0),),
    "W5": (("PyTorch", 1.05),), "W6_relu": (("JAX", 1.4), ("PyTorch", 5.0)),
    "W6_sigm": (("JAX", 1.4), ("PyTorch", 5.0)),
}  # fmt: skip
#: ... and (threads, share of the limit at least).
SHARES = {
    "W2": ((1, 0.5),), "W3": ((2, 0.7),), "W4": ((2, 0.7),), "W5": ((1, 0.9), (2, 0.9)), "W6_relu": ((1, 0.7),),
    "W6_sigm": ((1, 0.7),),
}  # fmt: skip


def rates(outcomes: Sequence[Outcome]) -> str:
    """Samples per second of everybody, and Relume's ratio to the best peer."""
    columns = [(info, threads) for info in ENGINES for threads in info.threads]
    columns = [(i, t) for i, t in columns if any((i.name, t) in outcome.rounds for outcome in outcomes)]
    heads = ["", *(f"{i.name} {t}" if len(i.threads) > 1 else i.name for i, t in columns), "best peer", "ratio"]
    rows = []
    for outcome in outcomes:
        best = outcome.best()
        cells = [
            number(outcome.rate((i.name, t))) if (i.name, t) in outcome.rounds else "" for i, t in columns
        ]  # fmt: skip
        said = " ".join([best[0], str(best[1]), *outcome.settings[best]]) if best else ""
        rows.append([f"{outcome.design.name}: {outcome.design.title}", *cells, said, times(outcome.ratio(best))])
    return table(heads, rows)


def limits(outcomes: Sequence[Outcome]) -> str:
    """Shares of the sgemm limit."""
    threads = sorted({count for outcome in outcomes for count in outcome.limits})
    heads = [
        "",
        *(f"{words}, {t} thread{'s' * (t > 1)}" for t in threads for words in ("sgemm GFLOP/s", "limit", "share")),
    ]
    rows = []
    for outcome in outcomes:
        cells = []
        for count in threads:
            flops, share = statistics.median(outcome.limits[count]), outcome.share(count)
            limit = outcome.rate((OWN, count)) / share if share > 0 else math.nan
            cells += [f"{flops / 1e9:.0f}", number(limit), percent(share)]
        rows.append([outcome.design.name, *cells])
    return table(heads, rows)


def targets(outcomes: Sequence[Outcome]) -> str:
    """What was to be reached, and what was."""
    rows = []
    for outcome in outcomes:
        name = outcome.design.name
        for engine, wanted in RATIOS.get(name, ()):
            reached = outcome.ratio(outcome.best(engine))
            rows.append([name, f"times {engine}", times(wanted), times(reached), _judged(reached, wanted)])
        for threads, wanted in SHARES.get(name, ()):
            reached = outcome.share(threads)
            words = f"of the limit, {threads} thread{'s' * (threads > 1)}"
            rows.append([name, words, percent(wanted), percent(reached), _judged(reached, wanted)])
    return table(["", "", "at least", "reached", ""], rows)


def _judged(reached: float, wanted: float) -> str:
    return "not measured" if math.isnan(reached) else "yes" if reached >= wanted else "no"
