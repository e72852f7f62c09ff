"""Relume beside PyTorch, JAX, scikit-learn and Playground's engine, in turns, in one run.

    python -m benchmarks                    everything; writes docs/performance.md (under 20 minutes)
    python -m benchmarks --quick            a glance at one thread, about a minute; writes nothing
    python -m benchmarks --only W2,W3,W7    these; writes nothing
    python -m benchmarks --untuned          networks that nobody tuned for, too

Peers that are not installed are left out; `pip install -c constraints.txt -e ".[bench]"` brings them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks import activation_costs, page, report, untuned
from benchmarks.duel import Design, Duel, Outcome
from benchmarks.engines import Field, Trouble, progress
from benchmarks.workloads import WORKLOADS, Workload
from engine.errors import RelumeError

QUICK = ("W1_tanh", "W2", "W4")


def design(workload: Workload, samples: int) -> Design:
    x, y = workload.data(samples)
    return Design(workload.name, workload.title, workload.spec, workload.training, x, y)


def chosen(words: str) -> list[str]:
    """Names of workloads for "W1,W2_tanh": a name or the beginning of one; W7 stays W7."""
    names = [*WORKLOADS, "W7"]
    parts = [part.strip().upper() for part in words.split(",") if part.strip()]
    for part in parts:
        if not any(name.upper().startswith(part) for name in names):
            raise SystemExit(f"There is no workload {part}. There are {', '.join(names)}.")
    return [name for name in names if any(name.upper().startswith(part) for part in parts)]


def say(text: str) -> None:
    sys.stdout.write(text + "\n\n")
    sys.stdout.flush()


def section(title: str, words: str, *tables: str) -> str:
    return "\n\n".join([f"## {title}", words, *tables])


def measured(field: Field, names: Sequence[str], rounds: int, seconds: float, quick: bool) -> list[Outcome]:
    outcomes = []
    for name in names:
        workload = WORKLOADS[name]
        samples = min(workload.brief, 20 * workload.training.batch_size) if quick else workload.brief
        try:
            duel = Duel(field, design(workload, max(250, samples)), seconds, thorough=not quick)
            outcomes.append(duel.run(rounds))
        except (Trouble, RelumeError) as trouble:
            progress(f"{name} is left out: {trouble}")
    return outcomes


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Relume beside its peers.")
    parser.add_argument("--quick", action="store_true", help="a glance: short, few rounds, nothing is written")
    parser.add_argument("--only", default="", help="workloads, for example W2,W3,W7; nothing is written")
    parser.add_argument("--untuned", action="store_true", help="networks that nobody tuned for, too")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each engine")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn, at least")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = min(options.rounds, 3), min(options.seconds, 0.15)
    return options


def run(options: argparse.Namespace) -> None:
    whole = not (options.quick or options.only)
    names = chosen(options.only) if options.only else [*QUICK, "W7"] if options.quick else [*WORKLOADS, "W7"]
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    parts: dict[str, str] = {}
    with Field((1,) if options.quick else (1, 2)) as field:
        for name, words in field.absent.items():
            progress(f"{name} is left out: {words}.")
        say(page.machine(command))
        outcomes = measured(
            field, [name for name in names if name != "W7"], options.rounds, options.seconds, options.quick
        )
        if outcomes:
            tables = report.rates(outcomes), report.limits(outcomes), report.targets(outcomes)
            parts["workloads"] = section("Training", report.WORDS, *tables)
        if "W7" in names:
            tables = activation_costs.measure(field, options.rounds, quick=options.quick)
            parts["activations"] = section("Activations (W7)", activation_costs.WORDS, *tables)
        if options.untuned:
            parts["untuned"] = section(
                "Networks that nobody tuned for",
                untuned.WORDS,
                untuned.measure(field, options.seconds / 2, options.quick),
            )
    for text in parts.values():
        say(text)
    if whole:
        page.write("machine", page.machine(command))
        for name, text in parts.items():
            page.write(name, text)


def main() -> None:
    try:
        run(arguments())
    except KeyboardInterrupt:
        progress("Stopped.")
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
