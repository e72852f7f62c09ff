"""Own formulas: what may stand in them, their values and slopes, how they are refused, and that their bits hold."""

from __future__ import annotations

import json

import numpy as np
import pytest

import engine
from engine import RelumeError, activations
from engine.fields import NamedOptions
from engine.formula import FormulaError, tree
from engine.formula.reader import FUNCTIONS
from engine.layers import Dense, layer_from_dict
from engine.network import Network
from engine.spec import NetworkSpec

SAME = {  # formula, options: the activation of the table that it is
    ("abs(x)", ()): ("abs", ()),
    ("max(0, x) + 0.1*min(0, x)", ()): ("leaky_relu", (0.1,)),
    ("0.1*x if x <= 0 else x", ()): ("leaky_relu", (0.1,)),
    ("x*sigmoid(a*x)", (1.7,)): ("swish", (1.7,)),
    ("x/(1 + exp(-x))", ()): ("silu", ()),
    ("where(x > 0, x, a*(exp(x) - 1))", (0.5,)): ("elu", (0.5,)),
    ("relu(x)^2", ()): ("squared_relu", ()),
    ("x*clip(x/6 + 1/2, 0, 1)", ()): ("hard_swish", ()),
    ("min(max(-1, x), 1)", ()): ("hard_tanh", ()),
    ("x/(1 + abs(x))", ()): ("softsign", ()),
    ("log(1 + exp(x))", ()): ("softplus", ()),
    ("exp(-x**2)", ()): ("gaussian", ()),
}
Z = np.linspace(-6.01, 6.01, 1001)  # with 0, without other corners


@pytest.mark.parametrize(("own", "known"), SAME.items(), ids=str)
def test_a_formula_is_the_activation_of_the_table(own, known) -> None:
    (text, options), (name, values) = own, known
    found, expected = activations.get(f"= {text}"), activations.get(name)
    np.testing.assert_allclose(found.forward(Z, *options), expected.forward(Z, *values), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found.derivative(Z, *options), expected.derivative(Z, *values), rtol=1e-9, atol=1e-12)
    if not options:
        named = {option.name: value for option, value in zip(expected.options, values, strict=True)}
        assert found.gain() == pytest.approx(expected.gain(named))
        assert found.dies() == expected.dies() and found.signed == expected.signed
        assert (found.monotone, found.bounded) == (expected.monotone, expected.bounded)
        assert found.rises() == expected.rises(values)
        corners = [place for place in expected.corners() if not expected.smooth]
        np.testing.assert_allclose(found.corners(), corners, atol=1e-6)


@pytest.mark.parametrize("text", ["x**3 - 2*x", "x^-2*sin(9*x)*x^3", *(f"{name}(x/3 + a)" for name in FUNCTIONS)])
def test_slopes_are_those_of_central_differences(text: str) -> None:
    name = text.partition("(")[0]
    count = FUNCTIONS.get(name, 1)
    if name == "where":
        text = "where(x > a, x**2, b*x)"
    elif count > 1:
        text = text[:-1] + ", b*x" + ", 2" * (count - 2) + ")"
    if name in ("sqrt", "log", "log1p"):
        text = f"{name}((x + a)**2 + 1)"
    if name.startswith("x^-2"):
        text = "(x**2 + 1)^-2*sin(9*x)*x^3"
    record = activations.get(f"= {text}")
    starts = [1.3, 0.7][: len(record.learned)]
    z, h = Z + 1.1e-3, 1e-6
    for place in range(len(starts) + 1):
        values = [z, *starts]
        up, down = ([v + s * h if k == place else v for k, v in enumerate(values)] for s in (1.0, -1.0))
        numeric = (record.function(*up) - record.function(*down)) / (2.0 * h)
        a = record.function(*values)
        told = record.slope(z, a, *starts) if not place else record.learned[place - 1].gradient(z, a, *starts)
        near = np.isclose(numeric, told, rtol=1e-4, atol=1e-5)
        assert near.mean() > 0.99, z[~near]


REFUSED = {  # formula: (words of the message, character)
    "": ("empty", 0), "y*2": ("no effect", 0), "3": ("no effect", 0), "x*0": ("no effect", 0),
    "x + foo(x)": ("no function called foo", 4), "x + abc": ("no abc", 4), "x +": ("cannot be read", 3),
    "(x": ("cannot be read", 0), "x^2 + 1 $": ("cannot be read", 8), "2*log(x)": ("finite number at x = 0", None),
    "sqrt(abs(x))": ("slope is no finite number at x = 0", None), "1/x": ("finite number at x = 0", None),
    "a*b*c*d*f*x": ("More than 4 letters", 8), "x*" + "-" * 80 + "x": ("nested too deeply", 42),
    "x" + "+x" * 150: ("longer than 200", 200), "x > 0": ("comparison", 0), "x**x": ("exponent", 3),
    "x + __import__('os')": ("no function called __import__", 4), "x.real": ("may not stand", 0),
    "x + [x][0]": ("may not stand", 4), "(lambda: x)()": ("may not stand", 0), "1e400*x": ("too large", 0),
    "x if 0 < x < 1 else 2": ("one comparison", 5), "x if x else 2": ("one comparison", 5), "x + relu": ("brackets", 4),
    "max(x)": ("takes 2 numbers or more", 0), "clip(x, 1)": ("takes 3 numbers, not 2", 0),
    "x*\u00b72": ("cannot be read", 2),
    "max(0, x, key=1)": ("may not stand", 0), "exp(exp(exp(x)))": ("finite number", None),
    "True*x": ("may not stand", 0), "x*'x'": ("may not stand", 2), "x := 3": ("cannot be read", 2),
    "x\0": ("cannot be read", 1),
    "sin(1e7*x)": ("slope cannot be checked", None), "x + 1e12": ("slope cannot be checked", None),
    "f'{x}'": ("may not stand", 0), "x*1j": ("may not stand", 2),
    "9" * 190 + "*x": ("too large", 0), "(" * 95 + "x" + ")" * 95: (None, 0),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), REFUSED.items(), ids=[repr(text)[:30] for text in REFUSED])
def test_what_cannot_be_a_formula_is_refused_with_its_place(text: str, told) -> None:
    words, place = told
    if words is None:
        assert activations.get(f"= {text}").rises()
        return
    with pytest.raises(FormulaError) as caught:
        activations.get(f"= {text}")
    assert words in caught.value.what
    assert caught.value.position == place
    assert caught.value.caret.splitlines()[-1] == (caught.value.expression if place is None else " " * place + "^")
    where = "own formula" if place is None else f"own formula, character {place + 1}"
    assert caught.value.where == where
    with pytest.raises(RelumeError, match=f"Dense, activation, {where}"):
        Dense(3, f"= {text}")


def test_the_slope_is_checked_at_nearly_every_point() -> None:
    for text in ("max(0, x) + 0.1*min(0, x)", "x*sigmoid(a*x) + b", "step(x)", "abs(x)", "exp(x)*1e10", "1e-9*x"):
        assert activations.get(f"= {text}").checked > 1590, text
    assert activations.get("relu").checked == 0


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("1.2501*sin(x)", "sin", "Its slope by rule is -1.25 at x = 0.000123, but differences give 1.25."),
        ("max(0, x)*1.2502 - 0.3*exp(-x*x)", "exp", "Its slope by rule"),
        ("x*1.2503*a*sigmoid(x)", "learned", "Its slope by a by rule"),
        ("x*1.2504 + x*a", "only at a = 1", "Its slope by rule is 2.25 at x = 0.000123, but differences give 1.95."),
    ],
)
def test_a_broken_rule_is_found(monkeypatch: pytest.MonkeyPatch, text: str, kind: str, told: str) -> None:
    right, outer = tree.derivative, tree._outer

    def broken(node: tree.Node, by: str) -> tree.Node:
        slope = right(node, by)
        if kind == "only at a = 1" and by == "x":
            return tree.number(2.2504)
        return tree.make("multiply", tree.number(1.01), slope) if kind == "learned" and by == "a" else slope

    monkeypatch.setattr(tree, "derivative", broken)
    monkeypatch.setattr(
        tree, "_outer", lambda node, a: tree.make("negative", outer(node, a)) if node.kind == kind else outer(node, a)
    )
    with pytest.raises(FormulaError) as caught:
        activations.get(f"= {text}")
    assert caught.value.what.startswith(told), caught.value.what
    assert caught.value.position is None


def test_it_is_kept_as_plain_data() -> None:
    for given, kept in {
        "=x*sigmoid( a*x )": "= x*sigmoid( a*x )",
        "  =   x\n + 1": "= x + 1",
    }.items():
        assert Dense(3, given).activation == kept == Dense(3, kept).activation
    layer = Dense(3, {"name": "=x*sigmoid(a*x)", "a": 2})
    assert layer.activation == NamedOptions("= x*sigmoid(a*x)", (("a", 2.0),))
    assert layer_from_dict(json.loads(json.dumps(layer.to_dict()))) == layer
    assert activations.resolve(layer.activation)[1] == (2.0,)
    assert (layer.initial((2,), np.random.default_rng(0), 1.0)["activation.a"] == 2.0).all()
    with pytest.raises(RelumeError, match="no option 'b'"):
        Dense(3, {"name": "= x*sigmoid(a*x)", "b": 2})


def test_what_is_said_of_it() -> None:
    silu, wave = activations.get("= x*sigmoid(x)"), activations.get("= sin(x)")
    assert (silu.range, silu.slope_at_zero, silu.smooth, silu.monotone) == ("-0.278 to infinity", "0.5", True, False)
    assert (wave.range, wave.bounded, wave.zero_centred, wave.saturates) == ("-1 to 1", True, True, False)
    assert activations.get("= tanh(x)").saturates and activations.get("= x^3").range == "all numbers"
    assert activations.get("= step(x)").flat() and activations.get("= step(x)").jumps()
    assert activations.get("= -exp(x)").range == "minus infinity to 0"


@pytest.mark.parametrize("units", [7, 64, 700])
def test_bits_do_not_depend_on_how_calls_are_cut(units: int) -> None:
    data = engine.datasets.load("spiral", seed=1, samples=300)
    own = Dense(units, "= x*sigmoid(a*x) + b*sin(x)")
    spec = NetworkSpec((2,), (own, own, Dense(1)), "binary_cross_entropy")
    vectors = []
    for cuts in ((30,), (1, 7, 22)):
        trainer = engine.Trainer(spec, engine.TrainingSpec(epochs=60, seed=3, batch_size=64), data)
        for batches in cuts:
            trainer.step(batches)
        vectors.append(trainer.network.vector.copy())
        trainer.close()
    assert np.array_equal(*vectors)
    x = np.random.default_rng(0).normal(size=(301, 2)).astype(np.float32)
    network = Network(spec, 2)
    whole = network.predict(x)
    assert np.array_equal(whole, np.concatenate([network.predict(x[:17]), network.predict(x[17:])]))
