"""How much is proven: a little in every `make test`, all of it in `make proof` (RELUME_PROOF=1)."""

from __future__ import annotations

import os

FULL = os.environ.get("RELUME_PROOF") == "1"


def count(quick: int, full: int) -> int:
    """How many cases to try."""
    return full if FULL else quick
