"""Faults on the wire: functions reach the local AWS through microburst, a proxy that fails some of their requests.

Which requests it fails, and how, it is told over its control API while it runs; until then it only hands on.
"""

import dataclasses
import os
import sys

from . import ports, processes
from .problem import Problem
from .readiness import wait_until_ready
from .state import Instance, StateDir

READY_TIMEOUT_S = 300.0
# microburst throws dice without a seed of its own; and a line of log for each request would cost more than the request.
LAUNCH = """
import logging, random, sys
random.seed(int(sys.argv.pop(1)))
logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
from microburst.cli import main
sys.exit(main())
"""
# How long functions wait for an answer: a fault that keeps them waiting shall not keep the whole run waiting.
REQUEST_TIMEOUT_MS = 2000


@dataclasses.dataclass(frozen=True)
class FaultProxy:
    """A place for the proxy, which the local AWS has to know before it is up, and the proxy after."""

    seed: int
    port: int

    @classmethod
    def on_free_port(cls, seed: int) -> "FaultProxy":
        return cls(seed, ports.pick_free())

    @property
    def endpoint(self) -> str:
        return f"http://{ports.HOST}:{self.port}"

    def function_environment(self) -> dict[str, str]:
        """What functions have to be told to go through it."""
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_REQUEST_TIMEOUT_MS": str(REQUEST_TIMEOUT_MS)}

    def start(self, state: StateDir, instance: Instance) -> Instance:
        """Starts it before a local AWS, and gives the instance that both of them are."""
        arguments = ["--upstream", instance.endpoint, "--host", ports.HOST, "--port", str(self.port)]
        command = [sys.executable, "-I", "-c", LAUNCH, str(self.seed), *arguments]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONUNBUFFERED": "1"}
        process = processes.start(command, environment, state.fault_log)
        identity = processes.identity(process.pid) or ""
        both = dataclasses.replace(
            instance, functions_endpoint=self.endpoint, faults_pid=process.pid, faults_pid_identity=identity
        )
        # As with the local AWS itself: known before it is ready, so that `down` ends it in any case.
        state.write(both)
        if not wait_until_ready(_ready_url(self.endpoint), READY_TIMEOUT_S, lambda: process.poll() is None):
            end(both)
            raise Problem(f"microburst did not start on port {self.port}; see {state.fault_log}")
        return both


def is_up(instance: Instance) -> bool:
    """Whether the proxy is, where there is to be one."""
    return not instance.functions_endpoint or wait_until_ready(
        _ready_url(instance.functions_endpoint),
        READY_TIMEOUT_S,
        lambda: processes.is_running(instance.faults_pid, instance.faults_pid_identity),
    )


def end(instance: Instance) -> None:
    if instance.faults_pid:
        processes.end(instance.faults_pid, instance.faults_pid_identity)


def _ready_url(endpoint: str) -> str:
    return f"{endpoint}/_microburst/health"
