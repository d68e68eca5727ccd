"""TCP ports of this machine."""

import shutil
import socket
import subprocess

from .problem import Problem

HOST = "127.0.0.1"


def pick_free() -> int:
    """A port that is free now. Someone may take it before it is used: be ready to pick again."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def require_free(port: int) -> None:
    if is_taken(port):
        raise Problem(
            f"port {port} is taken{_by_whom(port)}",
            f"Stop that, or choose another port: LOCAL_AWS_PORT={port + 1} (0 picks a free one)",
        )


def _by_whom(port: int) -> str:
    """' by NAME (process N)' when a tool of this machine can tell; only root sees other users' processes."""
    finders = (
        (["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"], _parse_lsof),
        (["ss", "-Hltnp", f"sport = :{port}"], _parse_ss),
    )
    for command, parse in finders:
        if shutil.which(command[0]):
            found = parse(subprocess.run(command, capture_output=True, text=True).stdout)
            if found:
                return f" by {found}"
    return ""


def _parse_lsof(output: str) -> str:
    fields = {line[0]: line[1:] for line in output.splitlines() if line}
    return f"{fields['c']} (process {fields['p']})" if {"c", "p"} <= fields.keys() else ""


def _parse_ss(output: str) -> str:
    """users:(("python3",pid=123,fd=7))"""
    _, found, rest = output.partition('(("')
    if not found:
        return ""
    name, _, rest = rest.partition('",pid=')
    return f"{name} (process {rest.split(',')[0]})"
