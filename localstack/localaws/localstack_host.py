"""LocalStack without Docker: a process of a Python environment of its own, with `localstack/host` plugged in."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from . import ports
from .local_server import LocalServer
from .problem import Problem
from .state import Instance, StateDir

NAME = "localstack-host"
# Made by the Makefile.
ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venv-localstack"
DYNAMODB_LOCAL = ENVIRONMENT / "dynamodb-local"
LAUNCHER = Path(__file__).resolve().parents[1] / "dynamodb-local" / "LoopbackServer.java"
JAVA_MIN = 17


def up(state: StateDir, port: int) -> Instance:
    _require_environment()
    _require_java()
    return _SERVER.up(state, port)


def _require_environment() -> None:
    if not (ENVIRONMENT / ".installed").exists() or not (DYNAMODB_LOCAL / ".fetched").exists():
        raise Problem(f"LocalStack is not installed in {ENVIRONMENT}", f"Install it: make up LOCAL_AWS={NAME}")


def _require_java() -> None:
    remedy = f"Install Java {JAVA_MIN} or newer (Debian, Ubuntu: apt-get install openjdk-17-jdk-headless)"
    if not shutil.which("java"):
        raise Problem("LocalStack's DynamoDB needs Java, which is not installed", remedy)
    told = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', told)
    if not version or int(version[1]) < JAVA_MIN:
        raise Problem(f"LocalStack's DynamoDB needs Java {JAVA_MIN}; `java -version` says {told.strip()!r}", remedy)
    # It is started by a source file.
    modules = subprocess.run(["java", "--list-modules"], capture_output=True, text=True).stdout
    if "jdk.compiler" not in modules:
        raise Problem("LocalStack's DynamoDB needs a JDK; `java` is a runtime without a compiler", remedy)


def _settings(state: StateDir, port: int, _: str) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(ENVIRONMENT / "bin"), os.environ.get("PATH", os.defpath)]),
        # Functions run whatever is deployed: nobody else on the network may deploy here.
        "GATEWAY_LISTEN": f"{ports.HOST}:{port}",
        # What names of APIs and queues are made of.
        "LOCALSTACK_HOST": f"{ports.HOST}:{port}",
        "FILESYSTEM_ROOT": str(state.scratch),
        # It would answer for all of AWS's names, on a port that needs root.
        "DNS_ADDRESS": "0",
        # Nothing is sent or fetched from the network.
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        # The line that it otherwise writes for every request would bury what the functions write.
        "LS_LOG": "warning",
        "LAMBDA_RUNTIME_EXECUTOR": "host",
        "LAMBDA_IGNORE_ARCHITECTURE": "1",
        # Idle function processes live on for a whole test run.
        "LAMBDA_KEEPALIVE_MS": "3600000",
        # Seconds between two looks at a queue or stream. It rests for up to 10 s when there was nothing.
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.05",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.2",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC": "2",
        # Streams of DynamoDB Local itself; else LocalStack fetches a mock of Kinesis for them.
        "PROVIDER_OVERRIDE_DYNAMODB": "v2",
        "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "v2",
        "DYNAMODB_LOCAL_JARS": str(DYNAMODB_LOCAL),
        "DYNAMODB_LOCAL_LAUNCHER": str(LAUNCHER),
        "DYNAMODB_IN_MEMORY": "1",
        "DYNAMODB_HEAP_SIZE": "512m",
        # Addresses of queues on this host, not on a name below it that nobody resolves.
        "SQS_ENDPOINT_STRATEGY": "path",
        "SQS_DISABLE_CLOUDWATCH_METRICS": "1",
    }


_SERVER = LocalServer(
    name=NAME,
    title="LocalStack",
    command=[str(ENVIRONMENT / "bin" / "python"), "-m", "localstack.runtime.main"],
    settings=_settings,
    ready_path="/_localstack/health",
    ready_timeout_s=300.0,
)
is_up, down = _SERVER.is_up, _SERVER.down
