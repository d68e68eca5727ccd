"""Lambda's runtime API, version 2018-06-01, for one process of a function.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import dataclasses
import json
import queue
import threading
from concurrent.futures import Future, InvalidStateError

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server

HOST = "127.0.0.1"
# The most that a function may answer with, in bytes.
RESPONSE_BYTES_MAX = 6 * 1024 * 1024 + 100


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a function made of an invocation."""

    body: bytes
    is_error: bool


@dataclasses.dataclass(frozen=True)
class Invocation:
    request_id: str
    function_arn: str
    trace_id: str
    deadline_ms: int
    payload: bytes
    answer: "Future[Answer]" = dataclasses.field(default_factory=Future)


def error(kind: str, message: str) -> Answer:
    """An answer in the words in which Lambda tells that a function failed."""
    return Answer(json.dumps({"errorType": kind, "errorMessage": message}).encode(), is_error=True)


class RuntimeApi:
    """Serves one process until it is closed."""

    def __init__(self):
        # Done once the process asked for its first invocation.
        self.is_ready: Future[None] = Future()
        self.init_error: Answer | None = None
        self._waiting: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._current: Invocation | None = None
        self._routes = Map(
            [
                Rule("/2018-06-01/runtime/invocation/next", methods=["GET"], endpoint=self._next),
                Rule("/2018-06-01/runtime/invocation/<request_id>/response", methods=["POST"], endpoint=self._response),
                Rule("/2018-06-01/runtime/invocation/<request_id>/error", methods=["POST"], endpoint=self._error),
                Rule("/2018-06-01/runtime/init/error", methods=["POST"], endpoint=self._init_error),
            ]
        )
        self._server = make_server(HOST, 0, Request.application(self._respond), True, request_handler=_Quiet)
        threading.Thread(target=self._server.serve_forever, name="lambda-runtime-api", daemon=True).start()

    @property
    def address(self) -> str:
        return f"{HOST}:{self._server.port}"

    def hand_over(self, invocation: Invocation) -> None:
        """To the process, which asks for it when it is done with the one before."""
        self._waiting.put(invocation)

    def close(self) -> None:
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()

    def _respond(self, request: Request) -> Response:
        try:
            endpoint, arguments = self._routes.bind_to_environ(request.environ).match()
        except HTTPException as refusal:
            return refusal.get_response()
        return endpoint(request, **arguments)

    def _next(self, _: Request) -> Response:
        if not self.is_ready.done():
            self.is_ready.set_result(None)
        invocation = self._waiting.get()
        if invocation is None:
            return _told(410, "Gone", "the process is to end")
        self._current = invocation
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        return Response(invocation.payload, headers=headers, content_type="application/json")

    def _response(self, request: Request, request_id: str) -> Response:
        body = request.get_data()
        if len(body) <= RESPONSE_BYTES_MAX:
            return self._answer(request_id, Answer(body, is_error=False))
        message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
        self._answer(request_id, error("Function.ResponseSizeTooLarge", message))
        return _told(413, "RequestEntityTooLarge", message)

    def _error(self, request: Request, request_id: str) -> Response:
        return self._answer(request_id, Answer(request.get_data(), is_error=True))

    def _init_error(self, request: Request) -> Response:
        self.init_error = Answer(request.get_data(), is_error=True)
        return _accepted()

    def _answer(self, request_id: str, answer: Answer) -> Response:
        """Only the invocation that the process has may be answered, and only once: it may have timed out meanwhile."""
        invocation = self._current
        if invocation is None or invocation.request_id != request_id:
            return _told(400, "InvalidRequestID", f"{request_id} is not the invocation under way")
        try:
            invocation.answer.set_result(answer)
        except InvalidStateError:
            return _told(400, "InvalidRequestID", f"{request_id} has had its answer")
        return _accepted()


def _accepted() -> Response:
    return Response('{"status":"OK"}', 202, content_type="application/json")


def _told(status: int, kind: str, message: str) -> Response:
    return Response(error(kind, message).body, status, content_type="application/json")


class _Quiet(WSGIRequestHandler):
    """One line per request would bury what the functions log."""

    def log(self, *_) -> None:
        pass
