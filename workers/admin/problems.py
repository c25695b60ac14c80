"""Errors of the admin API, as problem details (RFC 9457).

No error repeats what was sent, which may be content. A fault of ours is a constant sentence with
a reference; our log has the error's class under that reference, and no more.
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

from workers.admin.api_keys import Forbidden, Unauthorized
from workers.errors import InputInvalid, ServerUnavailable
from workers.web.last_resort import LastResort

MEDIA_TYPE = "application/problem+json"
# A call may do several transactions, and a commit whose answer was lost may have counted.
_FAULT = "A fault of Ken's. What was asked may have been done in part."
_UNAVAILABLE = (
    "The database or a model does not answer. What was asked may have been done in part; try again."
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
log = structlog.get_logger()


class Fault(BaseModel):
    """One mistake in the request."""

    place: str = Field(
        description="A JSON pointer into the body (`/lines/0`), or `query.NAME`, `path.NAME`.",
        examples=["/lines/0", "query.limit"],
    )
    message: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(description="The name of the status.", examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(
        description="What happened, and what to do next.", examples=["There is no such run."]
    )
    instance: str = Field(
        description="An id of this occurrence; for a 500, Ken's log has it too.",
        examples=["urn:uuid:6f2b1a52-58ad-4a1e-9d0c-1f1df7d0a0b5"],
    )
    errors: list[Fault] = Field([], description="Each mistake, with its place.")


class NotFound(Exception):
    """The object does not exist, or the caller may not know of it: the answer is the same."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Conflict(Exception):
    """The object is not in a state that allows this; perhaps it is in some seconds."""

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s


class Invalid(Exception):
    """A value that only the work itself could find to be wrong."""

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
    """Return a refusal as RFC 9457 describes it; `reference` finds it in the log."""
    answer = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=f"urn:uuid:{reference or uuid4()}",
        errors=list(errors),
    )
    return JSONResponse(
        answer.model_dump(), status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


def documented(**details: str) -> dict[int | str, dict[str, Any]]:
    """Build responses for OpenAPI: `documented(_404="There is no such run.")` adds to the usual."""
    always = {
        401: "The token is missing or not valid.",
        403: "The token lacks the scope.",
        422: "A field is not valid; `errors` names each.",
        500: _FAULT,
        503: _UNAVAILABLE,
    }
    every = always | {int(name.removeprefix("_")): detail for name, detail in details.items()}
    return {
        status: {
            "description": detail,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, detail in sorted(every.items())
    }


def answer_with_problems(app: FastAPI) -> None:
    """Answer every error of this app, also the framework's, with a problem."""
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
    app.add_middleware(LastResort, answer=_fault_of_ours)


def _fault_of_ours(reference: str) -> JSONResponse:
    return problem(
        500,
        f"{_FAULT} Its log has more under this instance.",
        reference=reference,
    )


def unauthorized() -> JSONResponse:
    return problem(
        401,
        "Send a token: `Authorization: Bearer ken_…`. `ken token create` creates one.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def unavailable() -> JSONResponse:
    return problem(
        503,
        _UNAVAILABLE,
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
    wait = error.retry_after_s
    return problem(409, error.detail, headers={"Retry-After": str(wait)} if wait else {})


def _invalid_value(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Invalid)
    return problem(422, _INVALID, errors=[error.fault])


def _invalid_input(_request: Request, _error: Exception) -> JSONResponse:
    """Answer without the error's own text, which may repeat what was sent."""
    return problem(422, _INVALID)


def _invalid_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem(422, _INVALID, errors=[fault_of(one) for one in error.errors()])


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # the framework's status for a body that it cannot parse
        return problem(422, _INVALID, errors=[Fault(place="body", message="It cannot be read")])
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := _methods(request)):
        headers["Allow"] = ", ".join(methods)
    detail = _DETAILS.get(error.status_code, "The request was not understood.")
    return problem(error.status_code, detail, headers=headers)


def _methods(request: Request) -> list[str]:
    """List the methods of this path; the framework names only those of one route."""
    return sorted(
        method.upper()
        for place, operations in request.app.openapi()["paths"].items()
        if compile_path(place)[0].match(request.url.path)
        for method in operations
    )


def _unavailable(_request: Request, _error: Exception) -> JSONResponse:
    return unavailable()


def fault_of(error: Mapping[str, Any]) -> Fault:
    """Return a mistake as it is shown: its place, and what is wrong, without what was sent."""
    where, *steps = error["loc"]
    if error["type"] == "json_invalid":
        return Fault(place="body", message=f"Not JSON, from character {steps[0]} on")
    message = str(error["msg"]).removeprefix("Value error, ")
    named = [str(step) for step in takewhile(_is_safe_to_show, steps)]
    if where == "body":
        return Fault(place="".join(f"/{step}" for step in named) or "body", message=message)
    return Fault(place=".".join((where, *named)), message=message)


def _is_safe_to_show(step: object) -> bool:
    """Return whether it is an index or a plain name; any other name may be content."""
    return isinstance(step, int) or bool(_PLAIN_NAME.fullmatch(str(step)))


_INVALID = "The request is not valid: see `errors`. Nothing was changed."
_DETAILS = {
    404: "There is nothing at this path. /openapi.json lists all paths.",
    405: "This path does not have that method.",
    413: "The body is too large: at most 10 MB, or for documents as docs/connectors/push.md says. "
    "Send less at once.",
    415: "Send JSON: `Content-Type: application/json`.",
}
