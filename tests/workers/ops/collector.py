"""A receiver of traces, OTLP over HTTP: what was sent to it, as protobuf says it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)


@dataclass(frozen=True)
class Sent:
    service: str
    name: str
    trace: str
    span: str
    parent: str
    attributes: dict[str, Any]
    events: int
    status_text: str


@dataclass
class Collector:
    spans: list[Sent] = field(default_factory=list)
    raw: bytes = b""
    url: str = ""

    def named(self, name: str) -> Sent:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def take(self, body: bytes) -> None:
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [_sent(about["service.name"], span) for span in scope.spans]


def _sent(service: str, span: Any) -> Sent:
    return Sent(
        service=service,
        name=span.name,
        trace=span.trace_id.hex(),
        span=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes={
            one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes
        },
        events=len(span.events),
        status_text=span.status.message,
    )


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
