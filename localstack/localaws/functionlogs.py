"""The log lines of the stack's functions, from CloudWatch Logs, wherever the stack runs."""

import contextlib
import datetime
import time
from collections.abc import Iterator

from .aws import Aws

FOLLOW_POLL_S = 1.0
# CloudWatch Logs may show a line some seconds after its timestamp.
LATE_LINES_MS = 15_000


def log_groups(aws: Aws, function_name: str) -> list[str]:
    """The group that the function is configured for, and the default one, which LocalStack uses all the same."""
    configuration = aws.client("lambda").get_function_configuration(FunctionName=function_name)
    configured = configuration.get("LoggingConfig", {}).get("LogGroup")
    return sorted({configured or "", f"/aws/lambda/{function_name}"} - {""})


def events(aws: Aws, groups: list[str], since_ms: int) -> Iterator[dict]:
    logs = aws.client("logs")
    for group in groups:
        # Nothing has been logged to a group that does not exist.
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms):
                yield from page["events"]


def everything(aws: Aws) -> Iterator[str]:
    """All that any function has logged, of whichever stack."""
    for page in aws.client("logs").get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            for event in events(aws, [group["logGroupName"]], 0):
                yield event["message"].rstrip()


def show(aws: Aws, function_names: dict[str, str], since_ms: int, lines: int, follow: bool) -> None:
    groups = {label: log_groups(aws, name) for label, name in function_names.items()}
    seen: set[str] = set()
    recent = _fresh(aws, groups, since_ms, seen)
    for line in recent[-lines:]:
        print(line)
    while follow:
        time.sleep(FOLLOW_POLL_S)
        for line in _fresh(aws, groups, int(time.time() * 1000) - LATE_LINES_MS, seen):
            print(line, flush=True)


def _fresh(aws: Aws, groups: dict[str, list[str]], since_ms: int, seen: set[str]) -> list[str]:
    found = [
        (event["timestamp"], label, event) for label, group in groups.items() for event in events(aws, group, since_ms)
    ]
    fresh = [entry for entry in found if _identity(entry[2]) not in seen]
    seen.update(_identity(event) for _, _, event in fresh)
    return [
        _line(timestamp, label, event["message"])
        for timestamp, label, event in sorted(fresh, key=lambda entry: entry[0])
    ]


def _identity(event: dict) -> str:
    """CloudWatch Logs numbers its events; not every local AWS does."""
    return event.get("eventId") or f"{event['logStreamName']} {event['timestamp']} {event['message']}"


def _line(timestamp_ms: int, label: str, message: str) -> str:
    moment = datetime.datetime.fromtimestamp(timestamp_ms / 1000, datetime.timezone.utc).strftime("%H:%M:%S.%f")[:-3]
    return f"{moment}  {label:<10} {message.rstrip()}"
