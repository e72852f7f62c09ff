"""The engines side by side: each is a process of its own that speaks JSON lines, so that none disturbs another."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import selectors
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OWN = "Relume"


@dataclasses.dataclass(frozen=True)
class EngineInfo:
    """One engine: how it is started, and the settings among which it is measured at its best.

    Args:
        module: what must be installed; None for a script of node.
        settings: each is tried; `for_images` in their place for networks on images; `slow` ones only when asked for.
    """

    name: str
    script: str
    module: str | None
    threads: tuple[int, ...] = (1,)
    settings: tuple[tuple[str, ...], ...] = ((),)
    for_images: tuple[tuple[str, ...], ...] = ()  # the same as settings where there are none
    slow: tuple[tuple[str, ...], ...] = ()
    arguments: tuple[str, ...] = ()

    def missing(self) -> str | None:
        """What it lacks here, in words; None when it can be measured."""
        if self.module is None:
            return None if shutil.which("node") else "node is not installed"
        return None if importlib.util.find_spec(self.module) else f"{self.module} is not installed"


COMPILER = shutil.which("gcc") or shutil.which("clang")  # torch.compile needs one
ENGINES = (
    EngineInfo(OWN, "worker.py", "numba", (1, 2)),
    EngineInfo(
        "PyTorch", "peers/torch_peer.py", "torch", (1, 2), ((),), ((), ("channels_last",)),
        (("compile",),) if COMPILER else (),
    ),
    EngineInfo("JAX", "peers/jax_peer.py", "jax", (1, 2), ((), ("scan",)), ((),)),  # a scan of convolutions is slow
    EngineInfo("scikit-learn", "peers/sklearn_peer.py", "sklearn"),
    EngineInfo("Playground", "peers/playground.js", None),
)  # fmt: skip
LIMIT = EngineInfo("sgemm", "sgemm.py", "numpy", (1, 2))


class Trouble(Exception):
    """An engine that gave no figure, in its words."""


class Worker:
    """One process of one engine with so many threads."""

    def __init__(self, info: EngineInfo, threads: int) -> None:
        self.info, self.threads = info, threads
        script = str(ROOT / "benchmarks" / info.script)
        command = ["node" if info.module is None else sys.executable, script, *info.arguments]
        if len(info.threads) > 1:
            command += ["--threads", str(threads)]
        number = str(threads)
        if info.name == OWN:
            number = "1"  # the program sets its own
        environment = {
            **os.environ, "OPENBLAS_NUM_THREADS": number, "OMP_NUM_THREADS": number, "MKL_NUM_THREADS": number,
        }  # fmt: skip
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip  a session of its own: Ctrl-C reaches only the one that asks

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], timeout: float = 300.0) -> dict[str, Any]:
        """The answer. Raises Trouble with the engine's words, or when it does not come in time."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except OSError:
            raise Trouble("it has ended") from None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            ready = selector.select(timeout)
        if not ready:
            self.close()
            raise Trouble(f"no answer in {timeout:.0f} s")
        line = process.stdout.readline()
        if not line:
            raise Trouble("it has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise Trouble(answer["error"])
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Field:
    """All the workers that there are, started when they are first needed."""

    def __init__(self, threads: tuple[int, ...] = (1, 2)) -> None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.absent = {info.name: words for info in ENGINES if (words := info.missing())}
        self.threads = tuple(count for count in threads if count <= cores)
        self._workers: dict[tuple[str, int], Worker] = {}

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.close()

    def worker(self, info: EngineInfo, threads: int) -> Worker:
        key = (info.name, threads)
        if key not in self._workers or not self._workers[key].alive:
            self._workers[key] = Worker(info, threads)
        return self._workers[key]

    def entrants(self) -> list[tuple[EngineInfo, int]]:
        """Every engine that is here, with every number of threads."""
        present = [info for info in ENGINES if info.name not in self.absent]
        return [(info, count) for info in present for count in info.threads if count in self.threads]


def progress(words: str) -> None:
    """One line on standard error, with the time."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stderr.flush()
