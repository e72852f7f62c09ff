"""The open document with its data and its trainer. Panels edit it, views read it; only it commands the trainer."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from engine.data.dataset import Dataset
from engine.data.spec import DataSpec
from engine.errors import RelumeError
from engine.hand_edit import HandEdit, HandFreeze
from engine.outputs import fit_output
from engine.spec import NetworkSpec, TrainingSpec
from engine.telemetry import Snapshot
from engine.trainer import Trainer
from gui import settings, threads
from gui.document import Document, Edit, first_document, place_of
from gui.opener import Opened, Opener, make_project
from gui.saver import Saver
from gui.tasks import Task
from gui.words import error_words

CLOSE_SECONDS = 1.5
LAST_SEED = 2**53
FIRST_SAMPLE = ("train", 0)  # is followed through the network where none is picked


class Session(QObject):
    """One document at a time. Errors of edits are told by `notice` and change nothing."""

    document_changed = Signal()
    edits_changed = Signal()  # what can be undone and redone
    dataset_changed = Signal()
    selection_changed = Signal()
    sample_changed = Signal()
    state_changed = Signal(str)
    notice = Signal(str, str)  # words; "info", "warning"
    busy = Signal(str)  # what is being waited for, "" when nothing is
    saved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.undo_stack = QUndoStack(self)
        self.undo_stack.cleanChanged.connect(self._tell_saved)
        self.undo_stack.indexChanged.connect(self._note_edit)
        self.snapshot: Snapshot | None = None
        self.path: str | None = None
        self.selection: tuple[int, int] | None = None
        self.sample: tuple[str, int] | None = None
        self._saved_step = 0
        self._opened = self._edits = 0  # how many documents were opened, how many edits made: a slow save compares
        self._opener = Opener(self)
        self._opener.busy.connect(self.busy)
        self._saver = Saver(self)
        self._saver.busy.connect(self.busy)
        self._wanted: DataSpec | None = None  # of an edit whose data set is still being made
        self._opening = ""  # what will take the place of the document
        self._made: Opened | None = None  # for the edit that is being done
        self._old_trainers: list[Trainer] = []
        self._wishes: frozenset[str] = frozenset()
        self._state = "ready"
        self._error: RelumeError | None = None
        self._refused = False  # the trainer refused an edit that the document still has
        opened = self._opener.now(first_document())
        self.document, self.dataset, self.trainer = opened.document, opened.dataset, opened.trainer
        self._pace()
        # the window comes first: compiled code is loaded once the event loop runs
        self._first_turn = QTimer(self, singleShot=True, interval=0)
        self._first_turn.timeout.connect(self._open_trainer)
        self._first_turn.start()

    def _tell_saved(self, _clean: bool) -> None:
        self.saved.emit()

    def _note_edit(self, _index: int) -> None:
        self._edits += 1
        self.edits_changed.emit()
        self._keep_open()

    def _keep_open(self) -> None:
        """What is edited stays: nothing that is still being opened takes its place."""
        if self._opener.waiting and self._opening:
            self._opener.cancel()
            self.notice.emit(f"{self._opening} was not opened, because the network was edited meanwhile.", "warning")

    def _open_trainer(self) -> None:
        self.trainer.open()
        if settings.threads() > 1:
            self.use_threads()

    def use_threads(self) -> None:
        """Lets training steps use as many threads as the settings say; between two compiled calls."""
        self.trainer.commands.send(threads.apply)

    # ---- the document -----------------------------------------------------------------------

    @property
    def state(self) -> str:
        """The trainer's state, as the last snapshot told it."""
        return self._state

    @property
    def wanted_data(self) -> DataSpec:
        """The document's data, or what it will be once it is made: the next edit builds on it."""
        return self._wanted if self._wanted is not None and self._opener.waiting else self.document.data

    @property
    def edited(self) -> bool:
        """Whether there are edits since the last save, one that is still being made included."""
        return not self.undo_stack.isClean() or self.wanted_data != self.document.data

    @property
    def dirty(self) -> bool:
        """Whether anything would be lost: edits, or training since the last save."""
        trained = self.snapshot is not None and self.snapshot.step != self._saved_step
        return self.edited or trained

    @property
    def unsaved(self) -> bool:
        """Whether to ask before it is let go. A run of what was neither edited nor ever saved is no loss: the same
        seed brings it back."""
        return self.edited or (self.path is not None and self.dirty)

    def edit(
        self,
        text: str,
        *,
        spec: NetworkSpec | None = None,
        training: TrainingSpec | None = None,
        data: DataSpec | None = None,
        merge: str | None = None,
    ) -> None:
        """Edits the document as one step of undo. Edits in a row with the same `merge` key become one step."""
        if data is not None and data != self.wanted_data:
            self._edit_data(text, spec, training, data, merge)
            return
        old = self.document
        try:
            new = dataclasses.replace(
                old, spec=fit_output(spec or old.spec, self.dataset), training=training or old.training
            )
        except RelumeError as error:
            self._refuse(error)
            return
        if new != old:
            self.undo_stack.push(Edit(text, old, new, self._show, merge))

    def _edit_data(
        self, text: str, spec: NetworkSpec | None, training: TrainingSpec | None, data: DataSpec, merge: str | None
    ) -> None:
        self._keep_open()
        old, edits = self.document, self._edits

        def done(opened: Opened) -> None:
            if edits != self._edits:  # the network was edited meanwhile: with that, then
                self._edit_data(text, spec, training, data, merge)
            elif opened.document != old:
                self._made = opened
                self.undo_stack.push(Edit(text, old, opened.document, self._show, merge))
                if opened.words:
                    self.notice.emit(opened.words, "info")

        self._wanted, self._opening = data, ""
        wanted = Document(spec or old.spec, training or old.training, data, old.speed)
        self._opener.open(wanted, done, self._refuse, before=self.dataset if spec is None else None)

    def _refuse(self, error: RelumeError) -> None:
        self._warn(error)
        self.document_changed.emit()  # fields show the document again, not what was refused

    def undo(self) -> None:
        """Takes back what was edited last, an edit that is still being made first."""
        if self.wanted_data != self.document.data:
            self._opener.cancel()
            self.document_changed.emit()
        else:
            command = self.undo_stack.command(self.undo_stack.index() - 1)
            self._turn(self.undo_stack.undo, command.old if isinstance(command, Edit) else self.document)

    def redo(self) -> None:
        command = self.undo_stack.command(self.undo_stack.index())
        self._turn(self.undo_stack.redo, command.new if isinstance(command, Edit) else self.document)

    def _turn(self, turn: Callable[[], None], document: Document) -> None:
        """Undo or redo, which brings `document`; what it takes is made first."""
        if self._opener.waiting and self._wanted is None and not self._opening:
            return  # the last one is still being made, and its key is held down
        if document.data == self.document.data:
            turn()
            return
        edits = self._edits

        def done(opened: Opened) -> None:
            if edits == self._edits:
                self._made = opened
                turn()

        self._keep_open()
        self._wanted, self._opening = None, ""
        self._opener.open(document, done, self._refuse)

    def set_speed(self, epochs_per_second: float | None) -> None:
        """A visible pace, or None for full speed; not a step of undo."""
        self.document = dataclasses.replace(self.document, speed=epochs_per_second)
        self._pace()

    def _show(self, document: Document, by_hand: Iterable[Callable[[Trainer], None]], *runs: object) -> None:
        """Makes `document` the one that is worked on, then sets weights by hand (edit, undo, redo)."""
        if dataclasses.replace(document, speed=self.document.speed) != self.document:
            self._show_document(document, runs)
        try:
            for act in by_hand:
                act(self.trainer)
        except RelumeError as error:  # of a trainer whose thread is still to begin
            self._warn(error)

    def _show_document(self, document: Document, runs: tuple[object, ...]) -> None:
        old, self.document = self.document, dataclasses.replace(document, speed=self.document.speed)
        if document.data != old.data:
            opened, self._made = self._made or self._opener.now(document), None
            self._take(opened)
        else:
            changed = document.spec if document.spec != old.spec else None
            self.trainer.change(changed, document.training if document.training != old.training else None, False, *runs)
            if document.training.seed != old.training.seed:
                self.trainer.reset(wait=False)
            if document.training.batch_size != old.training.batch_size:
                self._pace()
        self._keep_selection(old.spec)
        self.document_changed.emit()

    def _take(self, opened: Opened) -> None:
        self._retire()
        self.dataset, self.trainer = opened.dataset, opened.trainer
        self.snapshot, self._refused = None, False
        self._pace()
        self._watch()
        self.trainer.open()
        self.sample = None
        self._tell_failure(None)
        self._tell_state(self.trainer.state)
        self.dataset_changed.emit()
        self.sample_changed.emit()

    def _retire(self) -> None:
        self.trainer.close(timeout=0.0)
        self._old_trainers = [*(old for old in self._old_trainers if old.alive), self.trainer]

    # ---- training -----------------------------------------------------------------------------

    def run(self) -> None:
        self.trainer.start()
        self._tell_state("running")

    def pause(self) -> None:
        self.trainer.pause(wait=False)

    def step_batch(self) -> None:
        self.trainer.step(1, wait=False)

    def step_epoch(self) -> None:
        self.trainer.step_epoch(wait=False)

    def reset(self) -> None:
        """The same weights as at the start."""
        self.trainer.reset(wait=False)

    def new_weights(self) -> None:
        """The next seed; after the last one the first."""
        training = self.document.training
        self.edit("New weights", training=dataclasses.replace(training, seed=(training.seed + 1) % (LAST_SEED + 1)))

    def set_parameter(self, key: str, index: tuple[int, ...], value: float) -> None:
        """Sets one weight or bias by hand."""
        name = key.rpartition(".")[2].replace("kernel", "weight")
        step = self.snapshot.step if self.snapshot is not None else 0
        act = HandEdit(lambda trainer: trainer.edit_value(key, tuple(index), float(value)))
        self._edit_by_hand(f"Set {name}", act, f"{key} {index} at step {step}")

    def redraw(self, layer: int, units: tuple[int, ...]) -> None:
        """Draws the incoming weights of some neurons anew."""
        self._edit_by_hand("Draw weights anew", HandEdit(lambda trainer: trainer.redraw(layer, units)))

    def freeze(self, what: int | str, index: tuple[int, ...], on: bool) -> None:
        self._edit_by_hand("Freeze weights" if on else "Unfreeze weights", HandFreeze(what, tuple(index), on))

    def _edit_by_hand(self, text: str, act: HandEdit, merge: str | None = None) -> None:
        self.undo_stack.push(Edit(text, self.document, self.document, self._show, merge, act))

    def _pace(self) -> None:
        speed = self.document.speed
        batch = self.document.training.batch_size
        batches = max(1, round(len(self.dataset.x_train) / batch))
        self.trainer.set_pace(None if speed is None else speed * batches)

    # ---- what is looked at ----------------------------------------------------------------------

    def watch(self, names: frozenset[str]) -> None:
        """What visible views need; called by the frame clock."""
        if names != self._wishes:
            self._wishes = names
            self._watch()

    def _watch(self) -> None:
        self.trainer.watch(self._wishes, self.sample or FIRST_SAMPLE)

    def take_snapshot(self) -> Snapshot | None:
        """The newest snapshot of this run, if there is a new one; called by the frame clock."""
        while not self.trainer.refusals.empty():
            self._warn(self.trainer.refusals.get())
            self._refused = True
        if self._refused and not self.trainer.commands.waiting():  # what it refused is undone: the document trains
            self._refused = False
            self.undo_stack.setIndex(place_of(self.trainer.spec, self.trainer.training, self.undo_stack))
        self._forget_ended()
        snapshot = self.trainer.mailbox.take()
        if snapshot is None or snapshot.run != self.trainer.run_number:
            return None
        self.snapshot = snapshot
        self._tell_state(snapshot.state)
        self._tell_failure(snapshot.error if snapshot.state == "failed" else None)
        return snapshot

    def _forget_ended(self) -> None:
        """Lets go of old trainers whose threads have ended: their data may be large."""
        if self._old_trainers:
            self._old_trainers = [old for old in self._old_trainers if old.alive]

    def _tell_failure(self, error: RelumeError | None) -> None:
        """A run that failed is told until it does not hold any more; one that diverged is a finding, told there."""
        if error is not self._error:
            self._error = error
            self.notice.emit("" if error is None else error_words(error), "warning")

    def _tell_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)

    def select(self, layer: int | None, unit: int = 0) -> None:
        """Selects one neuron in all views; None for none."""
        wanted = None if layer is None else (layer, unit)
        if wanted != self.selection:
            self.selection = wanted
            self.selection_changed.emit()

    def pick_sample(self, part: str, index: int) -> None:
        """Picks a sample ("train" or "test") for the sample view."""
        self.sample = (part, index)
        self._watch()
        self.sample_changed.emit()

    def _keep_selection(self, old: NetworkSpec) -> None:
        """What was selected keeps its place in the design; none is selected where there is no such unit any more."""
        if self.selection is None:
            return
        (layer, unit), spec = self.selection, self.document.spec
        place = spec.place(old.parts[layer].path)
        self.select(place if place is not None and unit < spec.parts[place].given[-1] else None, unit)

    # ---- files -----------------------------------------------------------------------------------

    def new_document(self) -> None:
        self.open_document(first_document(), "The new network")

    def load_example(self, name: str, then: Callable[[], None] | None = None) -> None:
        """Opens one of the built-in examples, untrained; `then` is called when it is there."""
        from engine.examples import EXAMPLES

        example = EXAMPLES.get(name)
        document = Document(example.spec, example.training, example.data, example.pace)
        self.open_document(document, example.title, then)

    def open_document(self, document: Document, title: str, then: Callable[[], None] | None = None) -> None:
        """Opens `document`, untrained; `then` is called when it is there."""

        def done(opened: Opened) -> None:
            self._replace(opened, None)
            if then is not None:
                then()

        self._wanted, self._opening = None, title
        self._opener.open(document, done, self._refuse)

    def import_table(self, data: DataSpec, dataset: Dataset) -> None:
        """Takes the user's own table as the data; `dataset` is what came of it."""
        self._opener.keep(data, dataset)
        self.edit("Import data", data=data)

    def open_project(self, path: Path | str) -> None:
        """Opens a project beside the window; on an error the open document stays."""

        def done(opened: Opened) -> None:
            self._replace(opened, str(path))
            settings.add_recent_project(str(Path(path).resolve()))

        self._wanted, self._opening = None, Path(path).name
        self._opener.beside(lambda: make_project(str(path)), "Opening project", done, self._warn)

    def save_project(self, path: Path | str, then: Callable[[], None] | None = None) -> None:
        """Saves beside the window; `then` is called once the file is on the disk, if it is still this document that is
        open."""
        opened, edits, trainer = self._opened, self._edits, self.trainer

        def done(step: int) -> None:
            settings.add_recent_project(str(Path(path).resolve()))
            self.notice.emit(f"Saved {Path(path).name}.", "info")
            if opened != self._opened:
                return
            self.path = str(path)
            if trainer is self.trainer:
                self._saved_step = step
            if edits == self._edits:
                self.undo_stack.setClean()
            self.saved.emit()
            if then is not None:
                then()

        self._saver.save(path, self.document, trainer, done, self._warn)

    def _warn(self, error: RelumeError) -> None:
        self.notice.emit(error_words(error), "warning")

    def _replace(self, opened: Opened, path: str | None) -> None:
        """Another document takes the place of this one; its undo history starts empty."""
        self.document = opened.document
        self._take(opened)
        self._opened += 1
        self.path = path
        self._saved_step = opened.step
        self.undo_stack.clear()
        self.select(None)
        self.document_changed.emit()
        self.saved.emit()

    def close(self) -> None:
        """Ends every trainer and task; what cannot end within about a second (an import) ends by itself later."""
        self._first_turn.stop()
        trainers = (*self._old_trainers, self.trainer)
        for trainer in trainers:
            trainer.close(timeout=0.0)
        deadline = time.monotonic() + CLOSE_SECONDS
        Task.close_all(CLOSE_SECONDS / 2)
        for trainer in trainers:
            trainer.close(timeout=max(0.0, deadline - time.monotonic()))
