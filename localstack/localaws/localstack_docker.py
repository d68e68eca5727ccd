"""LocalStack in Docker, through Docker Compose."""

import os
import shutil
import subprocess
from pathlib import Path

from . import ports
from .console import note
from .problem import Problem
from .readiness import wait_until_ready
from .state import Instance, StateDir

NAME = "localstack"
COMPOSE_FILE = Path(__file__).parent.parent / "compose.yaml"
# Newer images ask for an account's token before they start.
LAST_IMAGE_WITHOUT_TOKEN = "localstack/localstack:4.14.0"
READY_TIMEOUT_S = 180.0


def up(state: StateDir, port: int) -> Instance:
    _require_docker()
    port = port or ports.pick_free()
    ports.require_free(port)
    _say_which_image()
    instance = Instance(NAME, f"http://localhost:{port}", port, compose_project=f"onecommit-{port}")
    state.write(instance)
    _compose(instance, "up", "--detach", "--quiet-pull", remedy="Read the lines above; is the image reachable?")
    if not wait_until_ready(_health_url(instance), READY_TIMEOUT_S, lambda: _is_container_running(instance)):
        log = _compose(instance, "logs", "--no-color", "--tail", "15", capture=True)
        down(instance)
        state.forget()
        raise Problem(f"LocalStack did not start on port {port}; the end of its log:\n{log}\n")
    return instance


def is_up(instance: Instance) -> bool:
    return wait_until_ready(_health_url(instance), READY_TIMEOUT_S, lambda: _is_container_running(instance))


def down(instance: Instance) -> None:
    _require_docker()
    _compose(
        instance,
        "down",
        "--volumes",
        "--timeout",
        "10",
        remedy=f"Remove it by hand: docker compose -p {instance.compose_project} down",
    )


def logs_command(instance: Instance, lines: int, follow: bool) -> list[str]:
    return [*_compose_command(instance), "logs", "--no-color", "--tail", str(lines), *(["--follow"] if follow else [])]


def environment(instance: Instance) -> dict[str, str]:
    return {**os.environ, "LOCAL_AWS_PORT": str(instance.port), "LOCALSTACK_IMAGE": _image()}


def _require_docker() -> None:
    if not shutil.which("docker"):
        raise Problem(
            "LOCAL_AWS=localstack needs Docker, which is not installed",
            "Install it, or use the default, which needs none: LOCAL_AWS=ministack",
        )
    if subprocess.run(["docker", "info"], capture_output=True).returncode:
        raise Problem(
            "Docker is installed but its engine does not answer",
            "Start it (and see that you may use it: docker info), or use LOCAL_AWS=ministack",
        )
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        raise Problem(
            "Docker has no `compose` command", "Install the Docker Compose plugin, or use LOCAL_AWS=ministack"
        )


def _say_which_image() -> None:
    image, has_token = _image(), bool(os.environ.get("LOCALSTACK_AUTH_TOKEN"))
    if image == LAST_IMAGE_WITHOUT_TOKEN:
        note(
            f"LocalStack image {image}, the last that starts without a token; "
            "for a newer one: LOCALSTACK_AUTH_TOKEN=... LOCALSTACK_IMAGE=..."
        )
    elif not has_token:
        note(
            f"LocalStack image {image}; images newer than {LAST_IMAGE_WITHOUT_TOKEN} do not start "
            "unless LOCALSTACK_AUTH_TOKEN is set"
        )


def _image() -> str:
    return os.environ.get("LOCALSTACK_IMAGE") or LAST_IMAGE_WITHOUT_TOKEN


def _health_url(instance: Instance) -> str:
    return f"{instance.endpoint}/_localstack/health"


def _is_container_running(instance: Instance) -> bool:
    return bool(_compose(instance, "ps", "--quiet", "--status", "running", capture=True).strip())


def _compose_command(instance: Instance) -> list[str]:
    return ["docker", "compose", "--file", str(COMPOSE_FILE), "--project-name", instance.compose_project]


def _compose(instance: Instance, *arguments: str, capture: bool = False, remedy: str = "") -> str:
    result = subprocess.run(
        [*_compose_command(instance), *arguments],
        env=environment(instance),
        text=True,
        capture_output=capture,
    )
    if result.returncode and not capture:
        raise Problem(f"docker compose {arguments[0]} failed", remedy)
    return result.stdout or ""
