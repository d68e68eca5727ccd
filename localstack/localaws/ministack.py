"""MiniStack: a local AWS in one process, which runs Lambda functions as processes beside it."""

import os
import sys

from . import ports, processes
from .problem import Problem
from .readiness import answers, wait_until_ready
from .state import REGION, Instance, StateDir

NAME = "ministack"
READY_TIMEOUT_S = 60.0
# The port is free when it is picked and may be gone when it is bound.
FREE_PORT_ATTEMPTS = 3


def up(state: StateDir, port: int, for_functions: dict[str, str] | None = None) -> Instance:
    """Starts it; `for_functions` replaces what its functions are told otherwise."""
    if port:
        ports.require_free(port)
        return _start(state, port, for_functions or {})
    for attempt in range(1, FREE_PORT_ATTEMPTS + 1):
        candidate = ports.pick_free()
        try:
            return _start(state, candidate, for_functions or {})
        except Problem:
            if attempt == FREE_PORT_ATTEMPTS or not ports.is_taken(candidate):
                raise
    raise AssertionError("the last attempt returns or raises")


def is_up(instance: Instance) -> bool:
    return processes.is_running(instance.pid, instance.pid_identity) and answers(_ready_url(instance.endpoint))


def down(instance: Instance) -> None:
    processes.end(instance.pid, instance.pid_identity)


def _start(state: StateDir, port: int, for_functions: dict[str, str]) -> Instance:
    endpoint = f"http://{ports.HOST}:{port}"
    state.scratch.mkdir(parents=True, exist_ok=True)
    environment = _environment(state, port, endpoint) | for_functions
    process = processes.start([sys.executable, "-m", "ministack"], environment, state.log)
    instance = Instance(NAME, endpoint, port, pid=process.pid, pid_identity=processes.identity(process.pid) or "")
    # Written before it is ready: an `up` that is interrupted here must not leave a process that `down` does not know.
    state.write(instance)
    if not wait_until_ready(_ready_url(endpoint), READY_TIMEOUT_S, lambda: process.poll() is None):
        down(instance)
        state.forget()
        raise Problem(f"MiniStack did not start on port {port}; the end of {state.log}:\n{state.log_tail()}\n")
    return instance


def _ready_url(endpoint: str) -> str:
    return f"{endpoint}/_ministack/ready"


def _environment(state: StateDir, port: int, endpoint: str) -> dict[str, str]:
    """Functions inherit this environment, as MiniStack starts them. So it is made from nothing: no credentials, profile
    or proxy of the developer must reach them, and the AWS they call must be this one."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(state.scratch),
        "TMPDIR": str(state.scratch),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "GATEWAY_PORT": str(port),
        # Functions run whatever is deployed: nobody else on the network may deploy here.
        "BIND_HOST": ports.HOST,
        "MINISTACK_HOST": ports.HOST,
        "MINISTACK_REGION": REGION,
        "S3_DATA_DIR": str(state.scratch / "s3"),
        "STATE_DIR": str(state.scratch / "state"),
        # Listeners on fixed ports that nothing here uses; a second instance would fight for them.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # Idle function processes live on for a whole test run.
        "LAMBDA_WARM_TTL_SECONDS": "3600",
        "PYTHONUNBUFFERED": "1",
        "LOG_LEVEL": "INFO",
    }
