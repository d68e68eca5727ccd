"""The one error that the tools report to a person."""


class Problem(Exception):
    """What is wrong, and what to do about it. Printed without a traceback."""

    def __init__(self, what: str, remedy: str = ""):
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}" if self.remedy else self.what
