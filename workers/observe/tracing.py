"""Traces: one for each question, across bot, queue and worker. Off unless KEN_OTLP_ENDPOINT is set.

A span holds ids, counts and states; never a text, a name or an error's message. The question's row
stores the trace (W3C traceparent), so a question stays in its trace whatever Redis loses. Without
an endpoint, no tracing library is imported here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workers.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

Attribute = str | int | float | bool

_EXPORT_S = 2.0
"""How long a collector that is down may delay anything, including the end of the process."""

_tracer: "Tracer | None" = None
_provider: "TracerProvider | None" = None


class Work:
    """The work that a span covers; `set` adds what is only known later."""

    __slots__ = ("_span",)

    def __init__(self, span: "Span | None" = None) -> None:
        self._span = span

    def set(self, **attributes: Attribute | None) -> None:
        """Add attributes; None is left out."""
        if self._span is not None:
            for name, value in attributes.items():
                if value is not None:
                    self._span.set_attribute(f"ken.{name}", value)


_UNTRACED = Work()


def configure(settings: Settings, process: str) -> None:
    """Send this process's spans to the endpoint, if there is one. Call once, and after any fork."""
    global _tracer, _provider
    if not settings.otlp_endpoint or _provider is not None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    _provider = TracerProvider(
        resource=Resource({"service.name": f"ken-{process}", "service.namespace": "ken"}),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint, timeout=_EXPORT_S)
    _provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    _tracer = _provider.get_tracer("ken")


def close() -> None:
    """Send what is left, and stop tracing."""
    global _tracer, _provider
    provider, _provider, _tracer = _provider, None, None
    if provider is not None:
        provider.shutdown()


@contextmanager
def span(name: str, **attributes: Attribute | None) -> Iterator[Work]:
    """Trace a part of the work; if an error ends it, the span has the name of its class."""
    if _tracer is None:
        yield _UNTRACED
        return
    from opentelemetry.trace import Status, StatusCode

    # Not by OpenTelemetry itself: it would send the error's text and its traceback.
    with _tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    ) as made:
        work = Work(made)
        work.set(**attributes)
        try:
            yield work
        except BaseException as error:
            made.set_status(Status(StatusCode.ERROR))
            work.set(error=type(error).__name__)
            raise


def current() -> str | None:
    """Return this thread's place in a trace, as a W3C traceparent; None if there is none.

    https://www.w3.org/TR/trace-context/#traceparent-header
    """
    if _tracer is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carried: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carried)
    return carried.get("traceparent")


def trace_id() -> str | None:
    """Return the trace id for log lines."""
    traceparent = current()
    return traceparent.split("-")[1] if traceparent else None


@contextmanager
def continued(traceparent: str | None) -> Iterator[None]:
    """Continue that trace inside the block; begin a new one if it cannot be read."""
    if _tracer is None or not traceparent:
        yield
        return
    from opentelemetry import context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carried = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    token = context.attach(carried)
    try:
        yield
    finally:
        context.detach(token)
