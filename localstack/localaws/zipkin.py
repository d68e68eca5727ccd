"""Zipkin, which shows a trace in a browser: a process of this machine that nobody else on the network can reach."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from . import ports, processes
from .problem import Problem
from .readiness import wait_until_ready

READY_TIMEOUT_S = 120.0
ACCEPT_TIMEOUT_S = 30.0
# Chromium counts time that scripts wait for, not time that passes.
PICTURE_BUDGET_MS = 20_000
PICTURE_TIMEOUT_S = 120.0
PICTURE_WIDTH = 1500
# What stands above the spans, and a row for each.
PICTURE_HEAD, PICTURE_ROW, PICTURE_HEIGHT_MIN = 300, 30, 900
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@contextlib.contextmanager
def running(jar: Path, port: int) -> Iterator[str]:
    """Starts Zipkin and gives its address; ends it."""
    if not shutil.which("java"):
        raise Problem("Zipkin needs Java, which is not installed", "Install Java 17 (apt-get install openjdk-17-jre)")
    port = port or ports.pick_free()
    ports.require_free(port)
    address = f"http://{ports.HOST}:{port}"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "zipkin.log"
        process = processes.start(_command(jar, port), {"PATH": os.environ.get("PATH", os.defpath)}, log)
        identity = processes.identity(process.pid) or ""
        try:
            if not wait_until_ready(f"{address}/health", READY_TIMEOUT_S, lambda: process.poll() is None, "Zipkin"):
                raise Problem("Zipkin does not start", f"Its last words: {log.read_text(errors='replace')[-2000:]}")
            yield address
        finally:
            processes.end(process.pid, identity)
            process.wait()


def show(address: str, spans: list[dict]) -> str:
    """Hands a trace over, and gives the address of its page."""
    body = json.dumps(spans).encode()
    request = urllib.request.Request(
        f"{address}/api/v2/spans", data=body, headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=ACCEPT_TIMEOUT_S):
        pass
    return f"{address}/zipkin/traces/{spans[0]['traceId']}"


def assembled(address: str, trace_id: str) -> list[dict]:
    """The spans that Zipkin itself finds in a trace."""
    with urllib.request.urlopen(f"{address}/api/v2/trace/{trace_id}", timeout=ACCEPT_TIMEOUT_S) as answer:
        return json.load(answer)


def take_picture(page: str, picture: Path, spans: int) -> bool:
    """Saves the page of a trace as Chromium shows it, with all its spans. False when there is no Chromium."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        return False
    picture.parent.mkdir(parents=True, exist_ok=True)
    height = max(PICTURE_HEAD + PICTURE_ROW * spans, PICTURE_HEIGHT_MIN)
    with tempfile.TemporaryDirectory() as profile:
        command = [
            chromium,
            "--headless",
            # Root, as in a container, gets no sandbox; the page is our own.
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
            f"--window-size={PICTURE_WIDTH},{height}",
            f"--virtual-time-budget={PICTURE_BUDGET_MS}",
            f"--screenshot={picture.absolute()}",
            page,
        ]
        told = subprocess.run(command, capture_output=True, text=True, timeout=PICTURE_TIMEOUT_S)
    if told.returncode or not picture.exists():
        raise Problem("Chromium took no picture", told.stderr.strip()[-500:] or "It does not say why")
    return True


def _command(jar: Path, port: int) -> list[str]:
    # By default it listens on every address of the machine.
    listening = [("ip", ports.HOST), ("port", str(port)), ("protocols[0]", "http")]
    settings = [f"--armeria.ports[0].{name}={value}" for name, value in listening]
    return ["java", "-Xmx256m", "-jar", str(jar), *settings]
