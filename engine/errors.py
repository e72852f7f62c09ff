"""The one exception that bad input may raise."""


class RelumeError(Exception):
    """What is wrong, where it is, and what to do about it.

    Args:
        what: one sentence on what is wrong.
        where: the place: a file with line and column, or a layer ("layer 2, units").
        fix: one sentence on what to do next.
    """

    def __init__(self, what: str, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(what, where, fix)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head} {self.fix}".strip()
