"""One design trained by all engines in turns; every figure is the median of rounds in which each had its turn."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.engines import LIMIT, OWN, EngineInfo, Field, Trouble, progress
from benchmarks.flops import per_sample
from engine.spec import NetworkSpec, TrainingSpec

Entrant = tuple[str, int]  # engine, threads
LIMIT_SECONDS, LIMIT_SIZES = 0.25, (512, 1024)
HOPELESS = 0.1  # times as fast as with fewer threads, at first try: such rounds would only take time


@dataclasses.dataclass(frozen=True)
class Design:
    name: str
    title: str
    spec: NetworkSpec
    training: TrainingSpec
    x: np.ndarray
    y: np.ndarray


@dataclasses.dataclass
class Outcome:
    """Samples per second of each entrant in each round."""

    design: Design
    rounds: dict[Entrant, list[float]]
    settings: dict[Entrant, tuple[str, ...]]
    limits: dict[int, list[float]]  # threads -> sgemm rate of each round, operations per second

    def rate(self, entrant: Entrant) -> float:
        return statistics.median(self.rounds[entrant])

    def best(self, engine: str | None = None) -> Entrant | None:
        """The fastest of an engine's numbers of threads; None: of all peers."""
        mine = [key for key in self.rounds if (key[0] == engine if engine else key[0] != OWN)]
        return max(mine, key=self.rate, default=None)

    def ratio(self, other: Entrant | None) -> float:
        """How many times as fast Relume is: the median of the rounds' ratios; NaN where one is missing."""
        own = self.best(OWN)
        if own is None or other is None:
            return float("nan")
        pairs = zip(self.rounds[own], self.rounds[other], strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)

    def share(self, threads: int) -> float:
        """Share of the sgemm limit with so many threads: the median of the rounds' shares."""
        pairs = zip(self.rounds.get((OWN, threads), []), self.limits.get(threads, []), strict=False)
        shares = [rate * per_sample(self.design.spec) / limit for rate, limit in pairs]
        return statistics.median(shares) if shares else float("nan")


class Duel:
    """All entrants on one design.

    Args:
        thorough: also tries the settings that take long to prepare.
    """

    def __init__(self, field: Field, design: Design, seconds: float, thorough: bool) -> None:
        self.field, self.design, self.seconds, self.thorough = field, design, seconds, thorough

    def run(self, rounds: int) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="relume-benchmark-") as folder:
            self._files = {name: str(Path(folder) / f"{name}.npy") for name in ("x", "y")}
            np.save(self._files["x"], self.design.x)
            np.save(self._files["y"], self.design.y)
            chosen = self._qualified()
            results: dict[Entrant, list[float]] = {(info.name, threads): [] for info, threads in chosen}
            limits: dict[int, list[float]] = {}
            order = list(chosen)
            for number in range(rounds):
                progress(f"{self.design.name}: round {number + 1} of {rounds}")
                order = order[1:] + order[:1]
                for info, threads in order:
                    own = info.name == OWN
                    before = self._limits(threads) if own else {}
                    results[info.name, threads].append(self._rate(info, threads, chosen[info, threads]))
                    if own:
                        after = self._limits(threads)
                        limit = max(statistics.mean((before[size], after[size])) for size in before)
                        limits.setdefault(threads, []).append(limit)
        settings = {(info.name, threads): words for (info, threads), words in chosen.items()}
        outcome = Outcome(self.design, results, settings, limits)
        for engine in dict.fromkeys(name for name, _ in results if name != OWN):
            progress(f"{self.design.name}: {outcome.ratio(outcome.best(engine)):.2f} times {engine}")
        return outcome

    def _qualified(self) -> dict[tuple[EngineInfo, int], tuple[str, ...]]:
        """Who can train this design, each with the setting in which it was fastest at first try."""
        chosen: dict[tuple[EngineInfo, int], tuple[str, ...]] = {}
        best: dict[str, float] = {}
        images = len(self.design.spec.input_shape) == 3
        for info, threads in self.field.entrants():
            who = f"{self.design.name}: {info.name}, {threads} thread{'s' * (threads > 1)}"
            progress(f"{who}, first try")
            rates = self._tried(info, threads, info.for_images or info.settings if images else info.settings)
            if rates and max(rates.values()) < HOPELESS * best.get(info.name, 0.0):
                progress(f"{who}: far slower than with fewer threads, left out")
                continue
            if rates and self.thorough:
                rates |= self._tried(info, threads, info.slow)
            if rates:
                chosen[info, threads] = max(rates, key=lambda words: rates[words])
                best[info.name] = max(best.get(info.name, 0.0), *rates.values())
        return chosen

    def _tried(
        self, info: EngineInfo, threads: int, settings: Sequence[tuple[str, ...]]
    ) -> dict[tuple[str, ...], float]:
        rates = {}
        for words in settings:
            try:
                rates[words] = self._rate(info, threads, words)
            except Trouble as trouble:
                progress(f"{self.design.name}: {' '.join([info.name, *words])} is left out: {trouble}"[:300])
        return rates

    def _rate(self, info: EngineInfo, threads: int, settings: tuple[str, ...]) -> float:
        request = {
            "spec": self.design.spec.to_dict(), "training": self.design.training.to_dict(), **self._files,
            "min_s": self.seconds, "settings": settings,
        }  # fmt: skip
        answer = self.field.worker(info, threads).ask(request)
        return answer["samples"] / answer["secs"]

    def _limits(self, threads: int) -> dict[int, float]:
        """sgemm's rate of this moment, by size: the machine's speed changes from one to the next."""
        worker = self.field.worker(LIMIT, threads)
        return {size: worker.ask({"size": size, "min_s": LIMIT_SECONDS})["flops_per_s"] for size in LIMIT_SIZES}
