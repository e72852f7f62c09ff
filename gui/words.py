"""Sentences that several parts of the window say alike."""

from __future__ import annotations

import html

from engine.errors import RelumeError


def error_words(error: RelumeError) -> str:
    """What is wrong, then where in brackets, then what to do: a sentence begins it, whatever the place is called."""
    head = f"{error.what.removesuffix('.')} ({error.where})." if error.where else error.what
    return f"{head} {error.fix}".strip()


def tip(words: str) -> str:
    """Words that may come from a file as a tooltip: Qt would take what looks like HTML for such."""
    if "<" not in words and "&" not in words:
        return words
    return f"<span>{html.escape(words, quote=False)}</span>".replace("\n", "<br>")


def unmarked(words: str) -> str:
    """A file's name on a button or in a menu, where an ampersand marks a key."""
    return words.replace("&", "&&")
