"""A local AWS that is a process of this machine, with its functions as processes beside it."""

import dataclasses
import os
from collections.abc import Callable

from . import ports, processes
from .problem import Problem
from .readiness import wait_until_ready
from .state import REGION, Instance, StateDir

# How long functions wait for an answer: one process on a machine that may be busy is slower than AWS.
REQUEST_TIMEOUT_MS = 15_000
# The port is free when it is picked and may be gone when it is bound.
FREE_PORT_ATTEMPTS = 3


@dataclasses.dataclass(frozen=True)
class LocalServer:
    # What LOCAL_AWS says, and what people call it.
    name: str
    title: str
    command: list[str]
    # Added to what every local server gets: of its state directory, port and endpoint.
    settings: Callable[[StateDir, int, str], dict[str, str]]
    ready_path: str
    ready_timeout_s: float

    def up(self, state: StateDir, port: int, for_functions: dict[str, str] | None = None) -> Instance:
        """Starts it; `for_functions` replaces what its functions inherit otherwise."""
        if port:
            ports.require_free(port)
            return self._start(state, port, for_functions or {})
        for attempt in range(1, FREE_PORT_ATTEMPTS + 1):
            candidate = ports.pick_free()
            try:
                return self._start(state, candidate, for_functions or {})
            except Problem:
                if attempt == FREE_PORT_ATTEMPTS or not ports.is_taken(candidate):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def is_up(self, instance: Instance) -> bool:
        """A server that is busy answers late: it is up as long as its process lives and gets round to it."""
        return wait_until_ready(
            self._ready_url(instance.endpoint),
            self.ready_timeout_s,
            lambda: processes.is_running(instance.pid, instance.pid_identity),
        )

    def down(self, instance: Instance) -> None:
        processes.end(instance.pid, instance.pid_identity)

    def _start(self, state: StateDir, port: int, for_functions: dict[str, str]) -> Instance:
        endpoint = f"http://{ports.HOST}:{port}"
        state.scratch.mkdir(parents=True, exist_ok=True)
        environment = _environment(state, endpoint) | self.settings(state, port, endpoint) | for_functions
        process = processes.start(self.command, environment, state.log)
        instance = Instance(
            self.name, endpoint, port, pid=process.pid, pid_identity=processes.identity(process.pid) or ""
        )
        # Written before it is ready: an interrupted `up` must not leave a process that `down` does not know.
        state.write(instance)
        if not wait_until_ready(self._ready_url(endpoint), self.ready_timeout_s, lambda: process.poll() is None):
            self.down(instance)
            state.forget()
            raise Problem(f"{self.title} did not start on port {port}; the end of {state.log}:\n{state.log_tail()}\n")
        return instance

    def _ready_url(self, endpoint: str) -> str:
        return f"{endpoint}{self.ready_path}"


def _environment(state: StateDir, endpoint: str) -> dict[str, str]:
    """Made from nothing, as functions may inherit it: no credentials, profile or proxy of the developer must reach
    them, and the AWS they call must be this one."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(state.scratch),
        "TMPDIR": str(state.scratch),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REQUEST_TIMEOUT_MS": str(REQUEST_TIMEOUT_MS),
        "PYTHONUNBUFFERED": "1",
    }
