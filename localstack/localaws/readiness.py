"""Waiting until a local AWS answers: for minutes, as the machine may be busy, but only while its process lives."""

import http.client
import time
import urllib.request
from collections.abc import Callable

from .console import Progress

POLL_S = 0.05
ANSWER_TIMEOUT_S = 5.0


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_TIMEOUT_S) as response:
            return response.status == 200
    except (OSError, http.client.HTTPException):
        return False


def wait_until_ready(url: str, timeout_s: float, is_alive: Callable[[], bool], what: str = "the local AWS") -> bool:
    """False when the process died or the time is over."""
    begun = time.monotonic()
    with Progress() as progress:
        while is_alive():
            if answers(url):
                return True
            waited_s = time.monotonic() - begun
            if waited_s > timeout_s:
                return False
            progress.show(f"waiting for {what} ... {waited_s:.0f} s")
            time.sleep(POLL_S)
    return False
