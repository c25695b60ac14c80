"""Answers what no handler of an app has caught, in words that reveal nothing."""

from collections.abc import Callable
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()


class LastResort:
    """Answers an unexpected error with a constant answer; our log has its class and a reference.

    `answer` makes the answer, and may name the reference. What has begun to be answered is cut off.
    """

    def __init__(self, app: ASGIApp, answer: Callable[[str], ASGIApp]) -> None:
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            reference = str(uuid4())
            log.error("request_failed", reference=reference, error=type(error).__name__)
            if started or scope["type"] != "http":
                raise
            await self.answer(reference)(scope, receive, send)
