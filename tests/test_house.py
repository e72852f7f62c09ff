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


def test_no_file_of_tests_is_long():
    long = [path.name for path in (ROOT / "tests").glob("*.py") if len(path.read_text("utf-8").splitlines()) > LONGEST]
    assert not long, "more than one subject? split it"


COMPILERS = {"register_jitable", "njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc", "overload",
             "overload_method", "overload_attribute"}  # fmt: skip
FLAGS = {"fastmath", "error_model", "nogil", "cache", "parallel", "boundscheck", "forceobj"}
POLICY = {"OPTIONS", "WIDE_OPTIONS"}
CONFIGURES = ROOT / "engine" / "kernels" / "jit.py"
COMPILER = ROOT / "engine" / "kernels" / "compiler.py"  # passes on what it is given


def last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def own_flags(tree: ast.AST) -> list[str]:
    """What a module says of the compiler's flags, beside passing on **OPTIONS or **WIDE_OPTIONS of jit.py (overloads:
    jit_options=OPTIONS, also through an argument whose default that is)."""
    nodes = list(ast.walk(tree))
    passed_on = set(POLICY)
    for arguments in (node for node in nodes if isinstance(node, ast.arguments)):
        pairs = zip(reversed(arguments.args), reversed(arguments.defaults), strict=False)
        passed_on |= {argument.arg for argument, default in pairs if last_name(default) in POLICY}
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    prefixes = {node.value for node in nodes if isinstance(node, ast.Attribute)}
    found: list[tuple[ast.AST, str]] = []
    for node in nodes:
        if isinstance(node, ast.Call):
            found += [(node, f"{item.arg}=") for item in node.keywords if item.arg in FLAGS]
            given = [last_name(item.value) for item in node.keywords if item.arg in (None, "jit_options")]
            if last_name(node.func) in COMPILERS and not (len(given) == 1 and given[0] in passed_on):
                found.append((node, f"{last_name(node.func)} without **OPTIONS or **WIDE_OPTIONS"))
        elif isinstance(node, ast.Constant) and node.value in FLAGS:
            found.append((node, repr(node.value)))
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                renamed = name.asname not in (None, name.name) and {name.name, name.asname} & (COMPILERS | POLICY)
                if renamed or (name.name in POLICY and node.module != "engine.kernels.jit"):
                    found.append((node, f"{name.name} of {node.module} as {name.asname or name.name}"))
        elif isinstance(node, ast.Name | ast.Attribute):
            if not isinstance(node.ctx, ast.Load) and last_name(node) in POLICY:
                found.append((node, f"{last_name(node)} of its own"))
            elif last_name(node) in COMPILERS and node not in called | prefixes:
                found.append((node, f"{last_name(node)} without **OPTIONS or **WIDE_OPTIONS"))
    return [f"line {node.lineno}: {words}" for node, words in found]  # type: ignore[attr-defined]


ENGINE_SOURCES = [
    path for path in SOURCES if path.is_relative_to(ROOT / "engine") and path not in (CONFIGURES, COMPILER)
]


@pytest.mark.parametrize("path", ENGINE_SOURCES, ids=relative)
def test_no_compiled_function_sets_its_own_flags(path: Path):
    found = own_flags(ast.parse(path.read_text(encoding="utf-8")))
    assert not found, f"{relative(path)}: flags belong to engine/kernels/jit.py: {found}"


@pytest.mark.parametrize("path", [*ENGINE_SOURCES, CONFIGURES], ids=relative)
def test_the_compiler_is_loaded_in_one_place(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    found = [name for name in modules if name.partition(".")[0] == "numba"]
    assert not found, f"{relative(path)}: a start without anything to compile would load {found}"


@pytest.mark.parametrize(
    "planted",
    [
        "@njit\ndef f(x): return x",
        "@numba.njit()\ndef f(x): return x",
        "@njit(fastmath=True, **OPTIONS)\ndef f(x): return x",
        "@register_jitable\ndef f(x): return x",
        "@register_jitable(error_model='numpy')\ndef f(x): return x",
        "@register_jitable(**MINE)\ndef f(x): return x",
        "@register_jitable(**{**OPTIONS, 'nogil': True})\ndef f(x): return x",
        "@overload(exp)\ndef f(x): return x",
        "@overload(exp, jit_options=dict(OPTIONS))\ndef f(x): return x",
        "g = cfunc('void()', cache=True, **OPTIONS)(f)",
        "g = extending.register_jitable(f)",
        "OPTIONS = {}",
        "from engine.mine import OPTIONS",
        "from engine.kernels.jit import FAST as OPTIONS",
        "from numba import njit as fast",
        "def f(x, options=MINE): return register_jitable(**options)(x)",
        "options['fastmath'] = True",
    ],
)
def test_flags_of_its_own_are_found(planted: str):
    assert own_flags(ast.parse(planted))


@pytest.mark.parametrize(
    "kept",
    [
        "from engine.kernels.jit import WIDE_OPTIONS, OPTIONS\nfast = register_jitable(**OPTIONS)",
        "@register_jitable(**WIDE_OPTIONS)\ndef f(x): return x",
        "def f(x, options=OPTIONS): return overload(x, jit_options=options, inline='never')",
        "g = numba.cfunc('void()', **OPTIONS)(f)",
    ],
)
def test_options_of_the_house_are_kept(kept: str):
    assert not own_flags(ast.parse(kept))


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
heavy = ("numba", "sklearn", "polars", "matplotlib", "scipy", "onnx", "onnxruntime", "torch", "PySide6")
print([name for name in heavy if name in sys.modules])
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
