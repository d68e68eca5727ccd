"""Runs the worker process on the queues of a deployed stack."""

import os
from pathlib import Path
from typing import NoReturn

from .aws import Aws
from .console import note
from .problem import Problem

QUEUES = {
    "standard": ("ConsumerQueueUrl", "ConsumerDlqUrl"),
    "fifo": ("FifoQueueUrl", "FifoDlqUrl"),
}


def run(binary: Path, aws: Aws, outputs: dict[str, str], queue: str) -> NoReturn:
    """Becomes the worker, so that signals reach it and its exit code is this command's."""
    if not binary.is_file():
        raise Problem(f"there is no worker at {binary}", "Build it: make build")
    settings = environment(aws, outputs, queue)
    note(f"the worker takes messages from {settings['CONSUMER_QUEUE_URL']}; end it with Ctrl-C")
    os.execve(binary, [str(binary)], os.environ | settings)


def environment(aws: Aws, outputs: dict[str, str], queue: str) -> dict[str, str]:
    queue_output, dead_letters_output = QUEUES[queue]
    if queue_output not in outputs:
        raise Problem(
            f"the stack has no {queue} queue", "Deploy it: make deploy PARAMETERS=Route=fifo, or take the other queue"
        )
    settings = {
        "CONSUMER_QUEUE_URL": outputs[queue_output],
        "CONSUMER_DLQ_URL": outputs[dead_letters_output],
        "CONSUMER_NAME": "orders-view",
        "LEDGER_TABLE_NAME": outputs["LedgerTableName"],
        "VIEWS_TABLE_NAME": outputs["ViewsTableName"],
        "CLAIM_CHECK_BUCKET": outputs.get("ClaimCheckBucketName", ""),
        "AWS_REGION": aws.region,
        # Nobody else on the network needs to ask a developer's worker how it is.
        "HEALTH_ADDRESS": os.environ.get("HEALTH_ADDRESS", "127.0.0.1:8080"),
        # What the template says: this queue gets only what it asked for, that one gets everything.
        "UNKNOWN_EVENT_TYPES": os.environ.get("UNKNOWN_EVENT_TYPES", "park" if queue == "standard" else "ignore"),
    }
    if aws.endpoint:
        settings |= {
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": "",
            # The developer's own are for other places.
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            **{name: "" for name in os.environ if name.startswith("AWS_ENDPOINT_URL_")},
        }
    return settings
