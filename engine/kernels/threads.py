"""Threads that help with the lanes of a batch.

A helper sleeps in one of Python's own locks, which need no GIL, until the leader tells it that there is work, and after
that waits awake for a moment. Lanes are claimed one by one: a helper that wakes late finds none left, and nobody ever
waits for a thread that has not begun. Which thread runs a lane changes no number.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from typing import Any

import numpy as np

from engine.errors import RelumeError, shown
from engine.kernels.compiler import register_jitable
from engine.kernels.jit import OPTIONS, Loop
from engine.kernels.layout import (
    ACQUIRE,
    CREW_WORDS,
    FINISHED,
    HELPER_LOCKS,
    HELPERS,
    JOB_KERNEL,
    JOB_RUN,
    JOB_TABLE,
    LANE_WORDS,
    MOST_HELPERS,
    QUIT,
    RELEASE,
    UNCLAIMED,
    UNDONE,
    WAITING,
)  # fmt: skip
from engine.kernels.memory import atomic_add, atomic_read, atomic_swap, call_one, call_two, call_with_flag, words

PATIENCE = 400_000  # reads, some tenths of a millisecond, before a thread that waits goes to sleep
_threads = 1


def set_threads(number: int) -> None:
    """How many threads a run may train with; steps of less than about a millisecond take one in any case.

    The result is the same bits whatever the number. Raises RelumeError for anything but 1 to 16.
    """
    global _threads
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MOST_HELPERS + 1:
        raise RelumeError(f"The number of threads must be 1 to {MOST_HELPERS + 1}, not {shown(number)}.", "threads")
    _threads = number


def threads() -> int:
    """How many threads a run may train with."""
    return _threads


@register_jitable(**OPTIONS)
def _claim(c: Any, crew: Any) -> None:
    """Runs lanes until none is left unclaimed."""
    while True:
        left = atomic_add(crew + 8 * UNCLAIMED, -1)
        if left <= 0:
            return
        call_two(c[JOB_KERNEL], c[JOB_RUN], c[JOB_TABLE] + 8 * LANE_WORDS * (left - 1))
        if atomic_add(crew + 8 * UNDONE, -1) == 1 and atomic_swap(crew + 8 * WAITING, 0) == 1:
            call_one(c[RELEASE], c[FINISHED])


@register_jitable(**OPTIONS)
def share(crew: Any, run: Any, kernel: Any, table: Any, lanes: Any) -> None:
    """Runs so many lanes of a run together with the helpers; returns when all are done."""
    c = words(crew, CREW_WORDS)
    c[JOB_RUN], c[JOB_KERNEL], c[JOB_TABLE] = run, kernel, table
    atomic_swap(crew + 8 * UNDONE, lanes)
    atomic_swap(crew + 8 * UNCLAIMED, lanes)
    for h in range(min(c[HELPERS], lanes - 1)):
        told = crew + 8 * (HELPER_LOCKS + 2 * h + 1)
        if atomic_swap(told, 1) == 0:
            call_one(c[RELEASE], c[HELPER_LOCKS + 2 * h])
    _claim(c, crew)
    for _ in range(PATIENCE):
        if atomic_read(crew + 8 * UNDONE) == 0:
            return
    # A helper that ended the lanes before these may wake the leader only now, which proves nothing: look again.
    while atomic_read(crew + 8 * UNDONE) != 0:
        atomic_swap(crew + 8 * WAITING, 1)
        if atomic_read(crew + 8 * UNDONE) == 0 and atomic_swap(crew + 8 * WAITING, 0) == 1:
            return
        call_with_flag(c[ACQUIRE], c[FINISHED], 1)


def _serve(crew: int, helper: int) -> None:
    c = words(crew, CREW_WORDS)
    while True:
        call_with_flag(c[ACQUIRE], c[HELPER_LOCKS + 2 * helper], 1)
        atomic_swap(crew + 8 * (HELPER_LOCKS + 2 * helper + 1), 0)
        if atomic_read(crew + 8 * QUIT) != 0:
            return
        _claim(c, crew)
        left = PATIENCE  # the next job often comes at once, and a sleeping processor wakes late
        while left > 0:
            left -= 1
            if atomic_read(crew + 8 * UNCLAIMED) > 0:
                _claim(c, crew)
                left = PATIENCE


SERVE = Loop("helping loop", lambda: _serve, 2)


def _lock_function(name: str) -> int:
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


def _new_lock() -> int:
    """A lock of Python's own that is taken, so that the next one who takes it sleeps."""
    make = ctypes.pythonapi.PyThread_allocate_lock
    make.restype, make.argtypes = ctypes.c_void_p, []
    take = ctypes.pythonapi.PyThread_acquire_lock
    take.restype, take.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_int]
    lock = make()
    take(lock, 1)
    return lock


class Crew:
    """So many helping threads, for one run at a time. `close` lets them go; so does dropping the crew."""

    def __init__(self, helpers: int) -> None:
        self.helpers = helpers
        self._words = np.zeros(CREW_WORDS, dtype=np.int64)
        w = self._words
        w[HELPERS], w[FINISHED] = helpers, _new_lock()
        w[ACQUIRE], w[RELEASE] = _lock_function("PyThread_acquire_lock"), _lock_function("PyThread_release_lock")
        SERVE.compile()
        for h in range(helpers):
            w[HELPER_LOCKS + 2 * h] = _new_lock()
            threading.Thread(target=_run_helper, args=(w, h), name=f"helper {h + 1}", daemon=True).start()
        self._dismissal = weakref.finalize(self, dismiss, w)
        self._dismissal.atexit = False  # a process that ends leaves them asleep

    @property
    def address(self) -> int:
        return self._words.ctypes.data

    def close(self) -> None:
        """Ends the threads; call it when no run uses them."""
        self._dismissal()


def dismiss(crew: np.ndarray) -> None:
    """Ends the threads of a crew by its words."""
    release = ctypes.pythonapi.PyThread_release_lock
    release.restype, release.argtypes = None, [ctypes.c_void_p]
    crew[QUIT] = 1
    for h in range(int(crew[HELPERS])):
        if crew[HELPER_LOCKS + 2 * h + 1] == 0:
            crew[HELPER_LOCKS + 2 * h + 1] = 1
            release(int(crew[HELPER_LOCKS + 2 * h]))


def _run_helper(crew: np.ndarray, helper: int) -> None:
    SERVE(crew.ctypes.data, helper)
