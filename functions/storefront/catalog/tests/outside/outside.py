"""Strangers on either side of the catalog over gRPC: `make grpc-outside`.

`grpcio` and `@grpc/grpc-js` call our server, and our client calls theirs. What both servers are asked to do is the
same, and so is what has to come of it: STRANGERS lists it once.
"""

import json
import os
import subprocess
import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

HERE = Path(__file__).parent
PROTO = HERE.parents[2] / "catalog-proto"
SERVICE = "catalog.CatalogService"
LARGE = "x" * (5 << 20)
# Not every reader of JSON reads this number exactly.
STOCK = 2**53 + 1


def messages() -> dict:
    """The messages of catalog.proto, from the description that reflection serves."""
    described = descriptor_pb2.FileDescriptorSet.FromString((PROTO / "src/catalog.bin").read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.Add(file)
    return message_factory.GetMessageClassesForFiles([file.name for file in described.file], pool)


MESSAGES = messages()


def message(name: str, **fields):
    return MESSAGES[f"catalog.{name}"](**fields)


def is_so(what: str, seen, wanted) -> None:
    if seen != wanted:
        raise SystemExit(f"{what}: {seen!r}, and not {wanted!r}")
    print(f"  {what}")


# ---------------------------------------------------------------- their clients, our server


class Catalog:
    """What generated code would be."""

    def __init__(self, address: str, token: str | None = None) -> None:
        limits = [("grpc.max_send_message_length", -1)]
        self.channel = grpc.insecure_channel(address, options=limits)
        self.metadata = [("authorization", f"Bearer {token}")] if token else []

    def call(self, method: str, request, answer: str, timeout: float = 10, kind: str = "unary_unary"):
        make = getattr(self.channel, kind)(
            method if "/" in method[1:] else f"/{SERVICE}/{method}",
            request_serializer=lambda it: it if isinstance(it, bytes) else it.SerializeToString(),
            response_deserializer=MESSAGES[f"catalog.{answer}"].FromString if answer else None,
        )
        return make(request, timeout=timeout, metadata=self.metadata)

    def product(self, sku: str, **options):
        return self.call("GetProduct", message("GetProductRequest", sku=sku), "Product", **options)


def refused(call) -> grpc.RpcError:
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise SystemExit("a call was answered that had to be refused")


def python_calls(addresses: dict) -> None:
    print("grpcio calls our server")
    catalog = Catalog(addresses["open"])
    teapot = catalog.product("TEAPOT")
    is_so(
        "a product", (teapot.sku, teapot.stock, teapot.available, teapot.price.minor_units), ("TEAPOT", 7, True, 1250)
    )
    unknown = refused(lambda: catalog.product("KETTLE"))
    is_so("NOT_FOUND", unknown.code(), grpc.StatusCode.NOT_FOUND)
    details = dict(unknown.trailing_metadata())["grpc-status-details-bin"]
    is_so("its reason in the details", b"unknownProduct" in details and b"google.rpc.ErrorInfo" in details, True)
    is_so("INVALID_ARGUMENT", refused(lambda: catalog.product("")).code(), grpc.StatusCode.INVALID_ARGUMENT)
    batch = message("BatchGetProductsRequest", skus=["P-001", "NONE", "P-000"])
    batch = catalog.call("BatchGetProducts", batch, "BatchGetProductsResponse")
    is_so("a batch", ([it.sku for it in batch.products], list(batch.unknown_skus)), (["P-001", "P-000"], ["NONE"]))
    listing = message("ListProductsRequest", category="tea")
    listed = [it.sku for it in catalog.call("ListProducts", listing, "Product", kind="unary_stream")]
    is_so("a stream over three pages", listed, [f"P-{number:03}" for number in range(120)])
    given_up = catalog.call("ListProducts", listing, "Product", kind="unary_stream")
    next(given_up)
    given_up.cancel()
    is_so("a stream that is cancelled", given_up.code(), grpc.StatusCode.CANCELLED)
    late = refused(lambda: catalog.product("SLOW", timeout=0.2))
    is_so("DEADLINE_EXCEEDED", late.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
    large = refused(lambda: catalog.product("x" * (4 << 20)))
    is_so("RESOURCE_EXHAUSTED", large.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
    more = message("GetProductRequest", sku="TEAPOT").SerializeToString() + b"\x9a\x06\x03abc"
    is_so("a field that is not known", catalog.call("GetProduct", more, "Product").stock, 7)
    other = refused(lambda: catalog.call("/catalogue.CatalogService/GetProduct", b"", "Product"))
    is_so("UNIMPLEMENTED", other.code(), grpc.StatusCode.UNIMPLEMENTED)
    asked = b"\x0a" + bytes([len(SERVICE)]) + SERVICE.encode()
    is_so("the health: SERVING", catalog.call("/grpc.health.v1.Health/Check", asked, ""), b"\x08\x01")
    reflection = catalog.channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
    is_so("reflection names the service", SERVICE.encode() in next(reflection(iter([b"\x3a\x00"]), timeout=10)), True)
    is_so("still there", catalog.product("TEAPOT").stock, 7)
    stranger = Catalog(addresses["guarded"])
    is_so("UNAUTHENTICATED", refused(lambda: stranger.product("TEAPOT")).code(), grpc.StatusCode.UNAUTHENTICATED)
    known = Catalog(addresses["guarded"], addresses["token"])
    is_so("with a token", known.product("TEAPOT").stock, 7)


def node_calls(addresses: dict) -> None:
    print("@grpc/grpc-js calls our server", flush=True)
    subprocess.run(["node", HERE / "outside.mjs", "call", json.dumps(addresses)], check=True)


def drains(server: subprocess.Popen, addresses: dict) -> None:
    print("our server ends")
    catalog = Catalog(addresses["open"])
    catalog.product("TEAPOT")
    server.stdin.close()
    ended = json.loads(server.stdout.readline())
    is_so("drained", ended, {"ended": ["Drained", "Drained"]})
    gone = refused(lambda: catalog.product("TEAPOT", timeout=5))
    is_so("UNAVAILABLE after the end", gone.code(), grpc.StatusCode.UNAVAILABLE)
    is_so("exit code", server.wait(60), 0)


# ---------------------------------------------------------------- our client, their servers

# What has to come of our client's calls, whoever serves.
STRANGERS = {
    "TEAPOT": {
        "sku": "TEAPOT",
        "stock": str(STOCK),
        "available": True,
        "description": "",
        "imageUrl": None,
        "price": [1250, "EUR"],
    },
    "NONE": {"error": "NotFound", "attempts": 1},
    "DENIED": {"error": "PermissionDenied", "attempts": 1},
    # The first attempt is told UNAVAILABLE.
    "FLAKY": {"sku": "2", "stock": "0", "available": False, "description": "", "imageUrl": None, "price": [0, ""]},
    "ECHO": {
        "sku": "visit-7",
        "stock": "0",
        "available": True,
        "description": "Bearer",
        "imageUrl": None,
        "price": [0, ""],
    },
    "LARGE": {"error": "Unreadable", "attempts": 1},
    "batch": {"skus": ["B", "A"], "unknown": ["NONE"]},
    "tea": {"skus": ["A", "B", "C"], "ended": "complete"},
    "broken": {"skus": ["A"], "ended": {"error": "Aborted", "attempts": 1}},
}


def our_calls(program: str, address: str) -> None:
    called = subprocess.run([program, "call", f"http://{address}"], stdout=subprocess.PIPE, text=True, check=True)
    came = {line["call"]: line["came"] for line in map(json.loads, called.stdout.splitlines())}
    slow = came.pop("SLOW")
    is_so("a call that is too late", slow["error"] in ("TimedOut", "DeadlineExceeded"), True)
    for name, wanted in STRANGERS.items():
        is_so(f"{name}", came.pop(name), wanted)
    is_so("nothing else", came, {})


class Stranger(grpc.GenericRpcHandler):
    """A catalog in grpcio."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def service(self, details):
        methods = {
            f"/{SERVICE}/GetProduct": (grpc.unary_unary_rpc_method_handler, self.product, "GetProductRequest"),
            f"/{SERVICE}/BatchGetProducts": (
                grpc.unary_unary_rpc_method_handler,
                self.batch,
                "BatchGetProductsRequest",
            ),
            f"/{SERVICE}/ListProducts": (grpc.unary_stream_rpc_method_handler, self.list, "ListProductsRequest"),
        }
        make, answer, request = methods[details.method]
        read = MESSAGES[f"catalog.{request}"].FromString
        return make(answer, request_deserializer=read, response_serializer=lambda it: it.SerializeToString())

    def product(self, request, context):
        told = dict(context.invocation_metadata())
        match request.sku:
            case "TEAPOT":
                price = message("Money", minor_units=1250, currency="EUR")
                return message("Product", sku="TEAPOT", stock=STOCK, available=True, price=price)
            case "NONE":
                context.abort(grpc.StatusCode.NOT_FOUND, "there is none")
            case "DENIED":
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you")
            case "FLAKY" if told["x-retry-attempt"] == "1":
                context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
            case "FLAKY":
                return message("Product", sku=told["x-retry-attempt"])
            case "ECHO":
                kind = told["authorization"].split(" ")[0]
                has_time = 0 < context.time_remaining() <= 2.1
                return message("Product", sku=told["x-correlation-id"], description=kind, available=has_time)
            case "LARGE":
                return message("Product", description=LARGE)
            case "SLOW":
                context.add_callback(self.cancelled.set)
                self.cancelled.wait(60)
        return message("Product")

    def batch(self, request, _context):
        known = [message("Product", sku=sku) for sku in request.skus if sku != "NONE"]
        return message("BatchGetProductsResponse", products=known, unknown_skus=["NONE"])

    def list(self, request, context):
        yield message("Product", sku="A")
        if request.category == "broken":
            context.abort(grpc.StatusCode.ABORTED, "it breaks here")
        yield message("Product", sku="B")
        yield message("Product", sku="C")


def python_serves(program: str) -> None:
    print("our client calls grpcio")
    stranger = Stranger()
    limits = [("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(4), options=limits)
    server.add_generic_rpc_handlers((stranger,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    our_calls(program, f"127.0.0.1:{port}")
    is_so("the call that was given up ended there", stranger.cancelled.wait(10), True)
    server.stop(0).wait()


def node_serves(program: str) -> None:
    print("our client calls @grpc/grpc-js")
    node = ["node", HERE / "outside.mjs", "serve"]
    server = subprocess.Popen(node, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        our_calls(program, server.stdout.readline().strip())
        is_so("the call that was given up ended there", server.stdout.readline().strip(), "cancelled")
    finally:
        server.stdin.close()
        server.wait(60)


def main(program: str) -> None:
    server = subprocess.Popen([program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        addresses = json.loads(server.stdout.readline())
        python_calls(addresses)
        node_calls(addresses)
        drains(server, addresses)
    finally:
        server.kill()
    python_serves(program)
    node_serves(program)


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    main(sys.argv[1])
