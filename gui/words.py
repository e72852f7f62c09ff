"""Sentences that several parts of the window say alike."""

from __future__ import annotations

from engine.errors import RelumeError


def error_words(error: RelumeError) -> str:
    """What is wrong, then where in brackets, then what to do: a sentence begins it, whatever the place is called."""
    head = f"{error.what.removesuffix('.')} ({error.where})." if error.where else error.what
    return f"{head} {error.fix}".strip()
