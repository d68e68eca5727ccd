"""What a person sees while waiting: one live line on a terminal, few plain lines in a log."""

import sys
import time

LOG_INTERVAL_S = 5.0


class Progress:
    """A line that says how far something is. Use it as a context manager so that the line is always finished."""

    def __init__(self, stream=None):
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._shown = ""
        self._shown_at = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self.clear()

    def show(self, text: str) -> None:
        if text == self._shown:
            return
        if self._live:
            self._stream.write(f"\r\033[K{text}")
        elif time.monotonic() - self._shown_at >= LOG_INTERVAL_S:
            self._stream.write(f"{text}\n")
            self._shown_at = time.monotonic()
        else:
            return
        self._shown = text
        self._stream.flush()

    def clear(self) -> None:
        if self._live and self._shown:
            self._stream.write("\r\033[K")
            self._stream.flush()
        self._shown = ""


def note(text: str) -> None:
    """A remark beside the result, on stderr so that --json output stays clean."""
    print(text, file=sys.stderr)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Aligned columns; numbers to the right."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    right = [
        all(cell.replace("?", "0").isdigit() for cell in column[1:] if cell) and len(column) > 1 for column in columns
    ]

    def line(cells) -> str:
        padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * w for w in widths)
    return "\n".join([line(header), rule, *(line(row) for row in rows)])
