"""A function on a `provided` runtime that does what it is asked to. The tests make a `bootstrap` of it."""

import json
import os
import threading
import urllib.error
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"


def post(path: str, body: bytes) -> None:
    try:
        urllib.request.urlopen(urllib.request.Request(f"{API}/{path}", body, method="POST")).close()
    except urllib.error.HTTPError as refusal:
        print("refused with", refusal.code, flush=True)


def answer(wish: str) -> bytes:
    match wish:
        case "environment":
            return json.dumps(dict(os.environ)).encode()
        case "exit":
            os._exit(3)
        case "hang":
            threading.Event().wait()
        case "too much":
            return b"x" * (6 * 1024 * 1024 + 101)
    return json.dumps(os.getpid()).encode()


if "DOES_NOT_START" in os.environ:
    post("init/error", b'{"errorType":"Own","errorMessage":"there is no table"}')
    raise SystemExit(1)
while True:
    with urllib.request.urlopen(f"{API}/invocation/next") as invocation:
        request_id, wish = invocation.headers["Lambda-Runtime-Aws-Request-Id"], json.load(invocation)
    print("asked for", wish, flush=True)
    post(f"invocation/{request_id}/response", answer(wish))
