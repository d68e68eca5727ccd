"""Background processes that outlive the command which started them, and are ended only if they are still the same."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from .problem import Problem

TERMINATE_TIMEOUT_S = 10.0
POLL_S = 0.02


def identity(pid: int) -> str | None:
    """When the process started, which tells it from a later one of the same number. None when it is gone."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            state, *rest = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        # A zombie is gone, only not collected yet.
        return None if state == "Z" else rest[18]
    started = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return started or None


def is_running(pid: int, expected_identity: str) -> bool:
    return identity(pid) == expected_identity


def start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen:
    """Starts a process in a session of its own, so that it survives this one and can be ended with its children."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end(pid: int, expected_identity: str) -> None:
    """Ends the process and the children it left in its group: asks first, insists after ten seconds."""
    if not is_running(pid, expected_identity):
        return
    _signal_group(pid, signal.SIGTERM)
    if not _gone_within(pid, expected_identity, TERMINATE_TIMEOUT_S):
        _signal_group(pid, signal.SIGKILL)
        if not _gone_within(pid, expected_identity, TERMINATE_TIMEOUT_S):
            raise Problem(f"process {pid} does not end", f"End it by hand: kill -9 {pid}")
    # The group outlives its leader while children are left in it.
    _signal_group(pid, signal.SIGKILL)


def _signal_group(pid: int, signal_number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal_number)


def _gone_within(pid: int, expected_identity: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid, expected_identity):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
