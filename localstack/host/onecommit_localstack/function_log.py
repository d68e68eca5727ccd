"""What the processes of one execution environment write, read once."""

from pathlib import Path
from typing import IO


class FunctionLog:
    """A file and not a pipe: what a process wrote before it answered is there when the answer is."""

    def __init__(self, path: Path):
        self._path = path
        self._read_to = 0

    def to_write(self) -> IO[bytes]:
        return self._path.open("ab")

    def fresh(self) -> str:
        """What was written since this was last asked for."""
        if not self._path.exists():
            return ""
        with self._path.open("rb") as written:
            written.seek(self._read_to)
            text = written.read()
        self._read_to += len(text)
        return text.decode(errors="replace")

    def delete(self) -> None:
        self._path.unlink(missing_ok=True)
