"""The first start on a machine: a second process compiles while the window is being built, and only then."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import warm_up
from engine.kernels import head_start, loops, second_compiler, step
from engine.warm_up import first_kernels
from gui.document import first_document


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """What was asked for; a process that sleeps stands for the compiler."""
    asked: list[list[str]] = []
    made: list[head_start.Compiler] = []

    def compiler(words: list[str]) -> head_start.Compiler:
        asked.append(words)
        made.append(head_start.Compiler([sys.executable, "-c", "import time; time.sleep(60)"], os.environ))
        return made[-1]

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(head_start, "compiler", compiler)
    monkeypatch.setattr(head_start, "_process", None)
    yield asked
    for process in made:
        process.kill()
        process.wait()


def test_it_begins_once_where_nothing_was_ever_compiled(begun: list[list[str]]) -> None:
    head_start.begin()
    head_start.begin()
    process = head_start.running()
    assert begun == [[head_start.FIRST]] and process is not None
    process.kill()
    process.wait()
    assert head_start.running() is None, "one that has ended helps nobody"


def test_it_does_not_where_something_is_compiled(begun: list[list[str]], tmp_path: Path) -> None:
    place = tmp_path / "kernels-0123456789abcdef"
    place.mkdir(parents=True)
    (place / f"a{head_start.OBJECTS}").write_bytes(b"")
    head_start.begin()
    assert not begun and head_start.running() is None


def test_the_first_network_is_that_of_a_new_window() -> None:
    document = first_document()
    titles = {kernel.title for kernel in first_kernels()}
    assert {f"{getattr(layer, 'activation')} forward" for layer in document.spec.layers[:-1]} <= titles  # noqa: B009
    assert "training loop" in titles and any(document.training.optimizer.kind in title for title in titles)


def test_after_it_has_ended_a_network_gets_a_second_process_of_its_own(
    begun: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Slow:
        """A kernel that no cache has."""

        ready = False

        def __init__(self, title: str) -> None:
            self.title = title

        def compile(self) -> bool:
            process = head_start.running()
            if process is not None and self.title == "3":
                process.kill()
                process.wait()
            return True

    monkeypatch.setattr(second_compiler.object_files, "folder", lambda: tmp_path)
    head_start.begin()
    assert second_compiler.compile_all([Slow(str(k)) for k in range(10)], lambda done, all_: True)  # type: ignore[misc]
    assert begun == [[head_start.FIRST], ["9", "8", "7", "6", "5", "4"]]


def test_what_the_second_process_is_at_is_waited_for(
    begun: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done, compiled, waits = tmp_path / "done", [], []

    class Shared:
        ready = False

        def __init__(self, title: str) -> None:
            self.title = title

        def compile(self) -> bool:
            compiled.append((self.title, done.exists()))
            return False

    script = f"import time; print('2', flush=True); time.sleep(0.3); open({str(done)!r}, 'w').close()"
    second = head_start.Compiler([sys.executable, "-c", script], os.environ)
    while not second.is_at("2"):
        time.sleep(0.01)
    monkeypatch.setattr(head_start, "_process", second)
    kernels = [Shared(str(k)) for k in range(3)]
    assert second_compiler.compile_all(kernels, lambda number, _: not waits.append(number))  # type: ignore[misc, func-returns-value]
    assert compiled == [("0", False), ("1", False), ("2", True)] and waits.count(2) > 1, "it can be given up meanwhile"


@pytest.mark.parametrize("wanted", [True, False])
def test_the_second_process_goes_on_after_a_network_is_ready_but_not_after_one_that_was_given_up(
    begun: list[list[str]], wanted: bool
) -> None:
    head_start.begin()
    assert second_compiler.compile_all([loops.SHUFFLER], lambda done, all_: wanted) is wanted
    assert (head_start.running() is not None) is wanted


def test_what_is_compiled_last_are_the_steps_of_large_numbers() -> None:
    first, later = first_kernels(), warm_up.asked_for([head_start.FIRST])
    assert later[: len(first)] == first[::-1] and step.TAKE in later[len(first) :]


def test_it_loads_no_compiler() -> None:
    code = "import engine.kernels.head_start, sys; sys.exit('numba' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
