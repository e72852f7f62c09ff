"""How other threads speak to a thread that works: commands wait in a queue until it drains them between two pieces."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from engine.errors import RelumeError

Command = Callable[[], None]


class CommandQueue:
    """Commands for `thread`, obeyed in their order. From within it a command runs at once; so it does before there is a
    thread, one caller after the other."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self._alone = threading.RLock()  # held by who works while there is no thread
        self._queue: queue.SimpleQueue[tuple[Command, threading.Event | None]] = queue.SimpleQueue()

    def begin(self, thread: threading.Thread) -> None:
        """From now on `thread` obeys, once it is its turn."""
        with self._alone:
            self.thread = thread
            thread.start()

    def waiting(self) -> bool:
        """Whether somebody waits: long work looks at this between its slices."""
        return not self._queue.empty()

    def send(self, command: Command, wait: bool = False) -> None:
        """Leaves a command; with `wait`, returns when it is obeyed and passes on what it raised."""
        with self._alone:
            if self.thread is None:
                command()
                return
        thread = self.thread
        if thread is threading.current_thread():
            command()
            return
        if not wait:
            self._queue.put((command, None))
            return
        done = threading.Event()
        raised: list[Exception] = []

        def told() -> None:
            try:
                command()
            except Exception as error:  # noqa: BLE001 - it is raised again where somebody waits
                raised.append(error)

        self._queue.put((told, done))
        while not done.wait(0.2) and thread.is_alive():
            pass
        if raised:
            raise raised[0]

    def ask(self, question: Callable[[], Any]) -> Any:
        """The answer of the thread, or our own once it has ended."""
        with self._alone:
            if self.thread is None:
                return question()
        if not self.thread.is_alive():
            return question()
        answers: list[Any] = []
        self.send(lambda: answers.append(question()), wait=True)
        return answers[0] if answers else question()

    def drain(self, refused: Callable[[RelumeError], None], timeout: float = 0.0) -> None:
        """Obeys what is waiting; waits up to `timeout` seconds for the first command."""
        while True:
            try:
                command, done = self._queue.get(timeout > 0, timeout or None)
            except queue.Empty:
                return
            timeout = 0.0
            try:
                command()
            except RelumeError as error:
                refused(error)
            finally:
                if done is not None:
                    done.set()
