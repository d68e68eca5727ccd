"""Traces in the functions' log lines, and in the form that Zipkin takes."""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator

# Every line of spans begins so (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/).
LINE = '{"resourceSpans":'
KINDS = {2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
ERROR = 2
PLACES_AN_ORDER = "POST /orders"


@dataclasses.dataclass(frozen=True)
class Span:
    service: str
    name: str
    trace_id: str
    span_id: str
    # Empty for the first span of a trace.
    parent_id: str
    kind: str
    start_us: int
    end_us: int
    is_error: bool
    attributes: dict[str, str]
    # Time and words of what happened meanwhile.
    events: list[tuple[int, str]]
    # Trace and span of what it also has to do with.
    links: list[tuple[str, str]]


def spans_in(lines: Iterable[str]) -> Iterator[Span]:
    """The spans in log lines, whatever else these hold."""
    for line in lines:
        found = line.find(LINE)
        if found < 0:
            continue
        try:
            resources = json.loads(line[found:])["resourceSpans"]
        except ValueError:
            # The line of a function that was ended while it wrote.
            continue
        for resource in resources:
            service = _service(_attributes(resource["resource"]).get("service.name", ""))
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    yield _span(service, span)


def last_order(spans: Iterable[Span]) -> list[Span]:
    """All spans of the trace in which the last order was placed, by their beginning; none if there is no order."""
    spans = list(spans)
    placed = [span for span in spans if span.kind == "SERVER" and span.name == PLACES_AN_ORDER]
    if not placed:
        return []
    last = max(placed, key=lambda span: span.start_us)
    return sorted((span for span in spans if span.trace_id == last.trace_id), key=lambda span: span.start_us)


def depth(trace: list[Span]) -> int:
    """How many spans the longest chain from a root to a leaf has."""
    parents = {span.span_id: span.parent_id for span in trace}

    def length(span_id: str) -> int:
        steps = 0
        while span_id in parents:
            steps, span_id = steps + 1, parents[span_id]
        return steps

    return max(map(length, parents), default=0)


def to_zipkin(trace: list[Span]) -> list[dict]:
    """Spans of Zipkin's API, version 2 (https://zipkin.io/zipkin-api/). It shows no links, so they are tags."""
    return [_to_zipkin(span) for span in trace]


def _to_zipkin(span: Span) -> dict:
    tags = dict(span.attributes)
    tags |= {f"link.{number}": f"{trace}/{to}" for number, (trace, to) in enumerate(span.links, 1)}
    if span.is_error:
        tags["error"] = tags.get("error.type", "true")
    known = {
        "traceId": span.trace_id,
        "id": span.span_id,
        "parentId": span.parent_id,
        "kind": span.kind,
        "name": span.name,
        "timestamp": span.start_us,
        # Zipkin takes 0 for a span that has not ended.
        "duration": max(span.end_us - span.start_us, 1),
        "localEndpoint": {"serviceName": span.service},
        "annotations": [{"timestamp": at, "value": words} for at, words in span.events],
        "tags": tags,
    }
    return {name: value for name, value in known.items() if value}


def _span(service: str, span: dict) -> Span:
    return Span(
        service=service,
        name=span["name"],
        trace_id=span["traceId"],
        span_id=span["spanId"],
        parent_id=span.get("parentSpanId", ""),
        kind=KINDS.get(span.get("kind", 0), ""),
        start_us=int(span["startTimeUnixNano"]) // 1000,
        end_us=int(span["endTimeUnixNano"]) // 1000,
        is_error=span.get("status", {}).get("code") == ERROR,
        attributes=_attributes(span),
        events=[(int(event["timeUnixNano"]) // 1000, _words(event)) for event in span.get("events", [])],
        links=[(link["traceId"], link["spanId"]) for link in span.get("links", [])],
    )


def _words(event: dict) -> str:
    attributes = ", ".join(f"{name}={value}" for name, value in _attributes(event).items())
    return f"{event['name']}: {attributes}" if attributes else event["name"]


def _attributes(holder: dict) -> dict[str, str]:
    return {
        attribute["key"]: str(next(iter(attribute["value"].values()), "")) for attribute in holder.get("attributes", [])
    }


def _service(name: str) -> str:
    """CloudFormation names a function after its stack and its resource: only the resource tells them apart."""
    named = re.fullmatch(r".*?([A-Za-z]+)Function(-[A-Za-z0-9]+)?", name)
    return (named[1] if named else name).lower() or "unknown"
