"""MiniStack: a local AWS in one process, which runs Lambda functions as processes beside it."""

import sys

from . import ports
from .local_server import LocalServer
from .state import REGION, StateDir

NAME = "ministack"


def _settings(state: StateDir, port: int, _: str) -> dict[str, str]:
    return {
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
        "LOG_LEVEL": "INFO",
    }


_SERVER = LocalServer(
    name=NAME,
    title="MiniStack",
    command=[sys.executable, "-m", "ministack"],
    settings=_settings,
    ready_path="/_ministack/ready",
    ready_timeout_s=300.0,
)
up, is_up, down = _SERVER.up, _SERVER.is_up, _SERVER.down
