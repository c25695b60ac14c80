"""What the admin API says when it does not do something: problem details (RFC 9457).

Nothing here repeats what was sent: it may be content. A fault of ours is told as a constant
sentence with a reference, under which our log has the error's class and no more.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import takewhile
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.admin.api_keys import Forbidden, Unauthorized
from workers.errors import InputInvalid, ServerUnavailable

MEDIA_TYPE = "application/problem+json"
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
log = structlog.get_logger()


class Fault(BaseModel):
    """One thing that is wrong with what was sent."""

    place: str = Field(
        description="A JSON pointer into the body (`/lines/0`), or `query.NAME`, `path.NAME`.",
        examples=["/lines/0", "query.limit"],
    )
    message: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(
        description="What happened, and what to do next.", examples=["There is no such run."]
    )
    instance: str = Field(
        description="A name for this one occurrence; our logs have it for a 500.",
        examples=["urn:uuid:6f2b1a52-58ad-4a1e-9d0c-1f1df7d0a0b5"],
    )
    errors: list[Fault] = Field([], description="What is wrong, place by place.")


class NotFound(Exception):
    """There is no such thing, or the caller may not hear of it: both are told alike."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Conflict(Exception):
    """The thing is not in a state in which this can be done."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Invalid(Exception):
    """A value that only the work itself could find wrong."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(place=place, message=message)


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
    reference: str | None = None,
) -> JSONResponse:
    told = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=f"urn:uuid:{reference or uuid4()}",
        errors=list(errors),
    )
    return JSONResponse(
        told.model_dump(), status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


def documented(**details: str) -> dict[int | str, dict[str, Any]]:
    """Responses for OpenAPI: `documented(_404="There is no such run.")`. All have 401 to 503."""
    always = {
        401: "No token, or none that is good.",
        403: "The token lacks the scope.",
        422: "A field is not what it should be; `errors` names each.",
        500: "A fault of ours. Nothing was changed.",
        503: "The database does not answer. Nothing was changed; ask again.",
    }
    told = always | {int(name.removeprefix("_")): detail for name, detail in details.items()}
    return {
        status: {
            "description": detail,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, detail in sorted(told.items())
    }


def answer_with_problems(app: FastAPI) -> None:
    """Every error of this app is a problem, those of the framework too."""
    app.add_exception_handler(Unauthorized, _unauthorized)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(Invalid, _invalid_value)
    app.add_exception_handler(InputInvalid, _invalid_input)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(OperationalError, _unavailable)
    app.add_exception_handler(NoConnection, _unavailable)
    app.add_exception_handler(ServerUnavailable, _unavailable)
    app.add_middleware(LastResort)


class LastResort:
    """An error that nobody expected becomes a 500 that tells nothing; it ends here."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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
            await _fault_of_ours(reference)(scope, receive, send)


def _fault_of_ours(reference: str) -> JSONResponse:
    return problem(
        500,
        "A fault of ours. Nothing was changed. Our log has more under this instance.",
        reference=reference,
    )


def unauthorized() -> JSONResponse:
    return problem(
        401,
        "Send a token: `Authorization: Bearer ken_…`. `ken token create` makes one.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def unavailable() -> JSONResponse:
    return problem(
        503,
        "The database does not answer in time. Nothing was changed; ask again.",
        headers={"Retry-After": "5"},
    )


def _unauthorized(_request: Request, _error: Exception) -> JSONResponse:
    return unauthorized()


def _forbidden(_request: Request, _error: Exception) -> JSONResponse:
    return problem(403, "The token lacks the scope for this.")


def _not_found(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NotFound)
    return problem(404, error.detail)


def _conflict(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Conflict)
    return problem(409, error.detail)


def _invalid_value(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Invalid)
    return problem(422, _INVALID, errors=[error.fault])


def _invalid_input(_request: Request, _error: Exception) -> JSONResponse:
    """Its own words may repeat what was sent."""
    return problem(422, _INVALID)


def _invalid_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem(422, _INVALID, errors=[_fault(one) for one in error.errors()])


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # the framework's word for a body that is too deep or too odd
        return problem(422, _INVALID, errors=[Fault(place="body", message="Cannot be read")])
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := _methods(request)):
        headers["Allow"] = ", ".join(methods)
    detail = _DETAILS.get(error.status_code, "The request was not understood.")
    return problem(error.status_code, detail, headers=headers)


def _methods(request: Request) -> list[str]:
    """What this place does: the framework names the methods of one route of several."""
    return sorted(
        method.upper()
        for place, operations in request.app.openapi()["paths"].items()
        if compile_path(place)[0].match(request.url.path)
        for method in operations
    )


def _unavailable(_request: Request, _error: Exception) -> JSONResponse:
    return unavailable()


def _fault(error: Mapping[str, Any]) -> Fault:
    where, *steps = error["loc"]
    if error["type"] == "json_invalid":
        return Fault(place="body", message=f"No JSON, from character {steps[0]} on")
    message = str(error["msg"]).removeprefix("Value error, ")
    named = [str(step) for step in takewhile(_may_be_said, steps)]
    if where == "body":
        return Fault(place="".join(f"/{step}" for step in named) or "body", message=message)
    return Fault(place=".".join((where, *named)), message=message)


def _may_be_said(step: object) -> bool:
    """A name that nobody expected may be content, as a value may."""
    return isinstance(step, int) or bool(_PLAIN_NAME.fullmatch(str(step)))


_INVALID = "Something in the request is not what it should be. Nothing was changed."
_DETAILS = {
    404: "There is no such place. /openapi.json lists all.",
    405: "This place does not do that.",
    413: "The body is larger than 10 MB. Send it in pages.",
    415: "Send JSON: `Content-Type: application/json`.",
}
