"""Runs the storefront's front door as a process before the contexts of a deployed stack, with something to buy."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from .console import note
from .problem import Problem

PORT = 8700
USER = "ada"
TIMEOUT_S = 30
READY_WITHIN_S = 20
# As the template has it: known to all, and believed on a local AWS only.
LOCAL_ISSUER_SECRET = "local-stage-only-and-known-to-everybody"
CURRENCY = "EUR"
PRODUCTS = [
    ("TEAPOT-RED", "Red teapot", "teapots", 1_250, "Holds a litre."),
    ("TEAPOT-IRON", "Iron teapot", "teapots", 4_900, "Stays warm for an hour."),
    ("CUP-WHITE", "White cup", "cups", 450, "Porcelain, dishwasher-safe."),
    ("CUP-BLUE", "Blue cup", "cups", 550, "Stoneware."),
    ("KETTLE", "Kettle", "kettles", 3_200, "For any stove."),
]
STOCK = 100
OPENERS = ("xdg-open", "open")


def run(binary: Path, outputs: dict[str, str], port: int, opens_browser: bool) -> None:
    """Seeds the shop, serves until it is interrupted, and ends what it began."""
    if not binary.is_file():
        raise Problem(f"there is no front door at {binary}", "Build it: make build")
    seed(outputs)
    address = f"http://127.0.0.1:{port}/"
    process = subprocess.Popen([str(binary)], env=os.environ | environment(outputs, port))
    try:
        _wait_until_open(address, process)
        note(f"the storefront is open at {address}; sign in as {USER}, and end it with Ctrl-C")
        note(f"its graph is asked at {outputs['GraphqlApiUrl']}/graphiql")
        opener = next(filter(None, map(shutil.which, OPENERS)), None)
        if opens_browser and opener and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            subprocess.Popen([opener, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.wait()
    finally:
        process.terminate()
        process.wait()


def environment(outputs: dict[str, str], port: int) -> dict[str, str]:
    return {
        "BFF_LISTEN": f"127.0.0.1:{port}",
        "STAGE": "local",
        "LOCAL_ISSUER_SECRET": LOCAL_ISSUER_SECRET,
        "TOKEN_AUDIENCE": "onecommit",
        **{
            f"{name.upper()}_API_URL": outputs[f"{name}ApiUrl"]
            for name in ("Catalog", "Orders", "Users", "Notifications", "Recommendations")
        },
    }


def seed(outputs: dict[str, str]) -> None:
    """Some products and a person. The same again changes nothing."""
    catalog = f"{outputs['CatalogApiUrl']}/catalog/products"
    for sku, name, category, minor_units, description in PRODUCTS:
        price = {"minorUnits": minor_units, "currency": CURRENCY}
        product = {"name": name, "category": category, "price": price, "description": description}
        _send("PUT", f"{catalog}/{sku}", product)
        _send("POST", f"{catalog}/{sku}/stock", {"additionId": "storefront", "quantity": STOCK})
    _send("PUT", f"{outputs['UsersApiUrl']}/users/{USER}", {"displayName": "Ada"})


def _send(method: str, url: str, body: dict) -> None:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    try:
        urllib.request.urlopen(request, timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        said = error.read(500).decode(errors="replace")
        raise Problem(f"{method} {url} was answered {error.code}: {said}") from error
    except OSError as error:
        raise Problem(f"{method} {url} was not answered: {error}", "See make status") from error


def _wait_until_open(address: str, process: subprocess.Popen) -> None:
    begun = time.monotonic()
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}assets/shop.css", timeout=1).close()
            return
        except OSError as error:
            if time.monotonic() - begun > READY_WITHIN_S:
                raise Problem(f"the front door did not open at {address}: {error}") from error
            time.sleep(0.1)
    raise Problem(f"the front door ended with {process.returncode}", "Its last line says why; another port: --port")
