"""The rules of the house that a tool can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("engine", "gui") for path in (ROOT / folder).rglob("*.py")) + [ROOT / "main.py"]
TRACKED = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
LONGEST = 450


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(tree: ast.AST) -> set[str]:
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def imports(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_source(path: Path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    name = relative(path)
    assert not calls(tree) & {"eval", "exec", "compile", "__import__"}, "nothing may run code that comes from data"
    assert not imports(tree) & {"pickle", "cPickle", "dill", "shelve", "marshal"}, "pickles run code when opened"
    assert "allow_pickle=True" not in text and "shell=True" not in text
    if name not in ("main.py", "engine/cli.py"):
        assert "print" not in calls(tree), "only the command line prints; elsewhere raise, return or notice"
    if path.is_relative_to(ROOT / "engine"):
        outside = [item for item in imports(tree) if re.match(r"(PySide6|shiboken6|pyqtgraph|gui)\b", item)]
        assert not outside, "the engine knows no window"
    assert len(text.splitlines()) <= LONGEST, "more than one purpose? split it"
    colors = re.findall(r"[\"'](#[0-9A-Fa-f]{3,8})[\"']", text)
    assert not colors, "colours live in resources/palette.json"


def test_no_registry_and_no_machine_path_is_recorded():
    hosts = re.compile(r"pypi\.|python" + r"hosted|registry\.npm|deb\.deb" + r"ian|/work/" + "(main|shared)")
    for name in filter(None, TRACKED):
        path = ROOT / name
        if path.suffix in (".png", ".ttf", ".otf", ".npz") or not path.is_file() or path == Path(__file__):
            continue
        found = hosts.search(path.read_text(encoding="utf-8", errors="replace"))
        assert not found, f"{name} names {found and found.group()}"


def test_versions_are_pinned_without_addresses():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] != "#"]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+(; .+)?", line) for line in lines)
    assert "PySide6" in "".join(lines)


def test_import_of_the_engine_is_light():
    code = """
import sys, engine, engine.datasets
print([name for name in ("numba", "sklearn", "polars", "matplotlib", "scipy", "PySide6") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr


def test_the_engine_trains_where_qt_is_blocked():
    code = """
import sys
for name in ("PySide6", "shiboken6", "pyqtgraph", "gui"):
    sys.modules[name] = None
import engine
data = engine.datasets.load("xor", seed=1, samples=80)
spec = engine.NetworkSpec((2,), (engine.Dense(4, "relu"), engine.Dense(1)), "binary_cross_entropy")
trainer = engine.Trainer(spec, engine.TrainingSpec(epochs=3, seed=1), data)
history = trainer.run()
trainer.close()
loss = history.column("train_loss")
assert len(loss) == 4 and loss[-1] < loss[0], loss
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=150)
    assert run.returncode == 0, run.stderr
