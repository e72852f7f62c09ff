"""One record in one place: a new activation and a new data set turn up everywhere by themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

ADD = """
import dataclasses, os
os.environ["QT_QPA_PLATFORM"] = "offscreen"
import numpy as np
import engine
from engine import datasets, maths
from engine.activations import ACTIVATIONS
from engine.data.sets import DATASETS

softplus = ACTIVATIONS.get("softplus")
bump = dataclasses.replace(softplus, name="bumpy")
ACTIVATIONS.add(bump)
DATASETS.add(dataclasses.replace(DATASETS.get("spiral"), name="snail", title="Snail shell"))
"""

ENGINE = (
    ADD
    + """
import tempfile, pathlib
from engine.cli import app
from engine.files import weights
from typer.testing import CliRunner

data = engine.datasets.load("snail", seed=2, samples=60)
spec = engine.NetworkSpec((2,), (engine.Dense(5, "bumpy"), engine.Dense(1)), "binary_cross_entropy")
assert engine.NetworkSpec.from_dict(spec.to_dict()) == spec
exact = engine.Network(spec, seed=3, dtype="float64")
loss, gradients = exact.gradients(data.x_train, data.y_train)
key, step = "0.kernel", 1e-5
values = exact.parameters()
numeric = []
for sign in (1, -1):
    moved = {name: array.copy() for name, array in values.items()}
    moved[key][0, 0] += sign * step
    exact.set_parameters(moved)
    numeric.append(exact.gradients(data.x_train, data.y_train)[0])
assert abs((numeric[0] - numeric[1]) / (2 * step) - gradients[key][0, 0]) < 1e-6
trainer = engine.Trainer(spec, engine.TrainingSpec(epochs=2, seed=3), data)
trainer.run()
network = trainer.network
trainer.close()
place = tempfile.TemporaryDirectory()
folder = pathlib.Path(place.name)
for format in weights.FORMATS:
    report = weights.export_weights(network, folder / f"weights{format.ending}", dataset=data)
    assert (report.largest_difference or 0.0) < 1e-4, (format.ending, report)
listed = CliRunner().invoke(app, ["datasets"])
assert listed.exit_code == 0 and "snail" in listed.output, listed.output
print("everywhere")
"""
)

WINDOW = (
    ADD
    + """
from PySide6.QtWidgets import QComboBox
import gui.app

app, window = gui.app.build(["relume"])
window.show()
window.show_workspace()
app.processEvents()

def texts(name):
    boxes = [box for box in window.findChildren(QComboBox) if box.accessibleName() == name]
    return " ".join(str(box.itemText(i)) + str(box.itemData(i)) for box in boxes for i in range(box.count()))

assert "Snail shell" in texts("Data set"), texts("Data set")
from gui.dialogs import activation_picker
assert "bumpy" in [record.name for record in ACTIVATIONS]
window.session.edit("Data", data=datasets.switch(window.session.document.data, "snail"))
app.processEvents()
assert window.session.dataset.name == "snail"
window.session.undo_stack.setClean()
window.close()
app.processEvents()
print("everywhere")
"""
)


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0 and "everywhere" in done.stdout, done.stdout + done.stderr


def test_a_record_added_turns_up_in_the_engine():
    run(ENGINE)


def test_a_record_added_turns_up_in_the_window():
    run(WINDOW)
