"""Runs the producers against a topic that keeps what it gets, and checks their events.

Each matches schemas/envelope-1.json, and is its sample order-created.json, apart from id and time; `cargo test` checks
that the library reads that sample.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from jsonschema import Draft202012Validator, FormatChecker

HERE = Path(__file__).resolve().parent
SCHEMAS = HERE.parents[1] / "schemas"
SAMPLE = json.loads((SCHEMAS / "samples" / "valid" / "order-created.json").read_text())
TOPIC = "arn:aws:sns:eu-west-1:000000000000:orders"
TIMEOUT_S = 60
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-1"}
ANSWER = b"""<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId>
</PublishResult></PublishResponse>"""


class Topic(BaseHTTPRequestHandler):
    """Answers as SNS does, and keeps the requests."""

    received: list[dict[str, str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.received.append({name: values[0] for name, values in parse_qs(body).items()})
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_arguments) -> None:
        pass


def published(command: list[str], *arguments: str) -> tuple[dict[str, str], str]:
    """The request that a producer makes, and what it prints."""
    Topic.received.clear()
    done = subprocess.run(
        [*command, *arguments], env=ENVIRONMENT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if done.returncode:
        sys.exit(f"error: {' '.join(command)} ended with exit code {done.returncode}:\n{done.stderr}")
    if len(Topic.received) != 1:
        sys.exit(f"error: {' '.join(command)} made {len(Topic.received)} requests instead of one")
    return Topic.received[0], done.stdout.strip()


def problems(command: list[str]) -> list[str]:
    request, printed = published(command, TOPIC, SAMPLE["aggregateId"])
    event = json.loads(request["Message"])
    wrong = [f"{'.'.join(map(str, error.path))}: {error.message}" for error in VALIDATOR.iter_errors(event)]
    if printed != event["eventId"]:
        wrong.append("it does not print the id of its event")
    if (request["Action"], request["TopicArn"]) != ("Publish", TOPIC):
        wrong.append(f"it asks for {request['Action']} on {request['TopicArn']}")
    attribute = {name.rpartition(".entry.1.")[2]: value for name, value in request.items() if ".entry.1." in name}
    if attribute != {"Name": "EventType", "Value.DataType": "String", "Value.StringValue": event["eventType"]}:
        wrong.append(f"its attributes are {attribute}, and subscriptions filter on EventType")
    again, _ = published(command, TOPIC, SAMPLE["aggregateId"], SAMPLE["eventId"])
    if (again := json.loads(again["Message"])) | {"timestamp": SAMPLE["timestamp"]} != SAMPLE:
        wrong.append(f"its event is not the sample, apart from the time: {again}")
    return wrong


node = shutil.which("node")
if node is None or not (HERE / "built" / "send.js").is_file():
    sys.exit("error: the producer in TypeScript is not built; `make producers` builds it, and installs node if need be")
PRODUCERS = {"send.py": [sys.executable, str(HERE / "send.py")], "send.ts": [node, str(HERE / "built" / "send.js")]}
VALIDATOR = Draft202012Validator(json.loads((SCHEMAS / "envelope-1.json").read_text()), format_checker=FormatChecker())
server = ThreadingHTTPServer(("127.0.0.1", 0), Topic)
threading.Thread(target=server.serve_forever, daemon=True).start()
# A proxy or a profile of this machine would send the event elsewhere.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.upper().startswith("AWS_")},
    **CREDENTIALS,
    "AWS_DEFAULT_REGION": CREDENTIALS["AWS_REGION"],
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}
found = [f"{name}: {problem}" for name, command in PRODUCERS.items() for problem in problems(command)]
if found:
    sys.exit("\n".join(found))
