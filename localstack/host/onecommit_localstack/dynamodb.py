"""LocalStack's DynamoDB on a DynamoDB Local that is on this machine already, instead of one that it downloads."""

import os

from localstack.runtime import hooks

# The folder with DynamoDB Local's jars.
JARS = os.environ.get("DYNAMODB_LOCAL_JARS", "")
# Starts it on 127.0.0.1, which it has no setting for.
LAUNCHER = os.environ.get("DYNAMODB_LOCAL_LAUNCHER", "")


@hooks.on_infra_start(should_load=bool(JARS))
def use_dynamodb_local():
    from localstack.services.dynamodb.server import DynamodbServer

    DynamodbServer.do_start_thread = _start


def _start(server):
    from localstack.utils.run import ShellCommandThread
    from localstack.utils.threads import TMP_THREADS

    thread = ShellCommandThread(_command(server.port, server.heap_size), auto_restart=False, name="dynamodb-local")
    TMP_THREADS.append(thread)
    thread.start()
    return thread


def _command(port: int, heap_size: str) -> list[str]:
    return [
        "java",
        # One collector thread: on a small machine a concurrent collector competes with everything else.
        "-XX:+UseSerialGC",
        f"-Xmx{heap_size}",
        f"-Djava.library.path={JARS}",
        "-classpath",
        f"{JARS}/*",
        LAUNCHER,
        *("-port", str(port), "-inMemory", "-disableTelemetry"),
    ]
