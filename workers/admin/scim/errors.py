"""Errors of the SCIM server (RFC 7644, 3.12)."""

import json
from typing import Any
from uuid import uuid4

import structlog
from pydantic import ValidationError
from scim2_models import Error, ForbiddenException, SCIMException, UnauthorizedException
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from workers.admin.api_keys import Forbidden, Unauthorized

MEDIA_TYPE = "application/scim+json"

log = structlog.get_logger()


def fault(error: Exception) -> Response:
    """Answer with a SCIM error that names the field, or for a fault of ours only a reference."""
    headers = {}
    match error:
        case SCIMException(__cause__=ValidationError() as cause):
            answer = Error.from_validation_errors(cause)[0]
        case SCIMException():
            answer = error.to_error()
        case ValidationError():
            answer = Error.from_validation_errors(error)[0]
        case Unauthorized():
            answer = UnauthorizedException().to_error()
            headers = {"www-authenticate": "Bearer"}
        case Forbidden():
            answer = ForbiddenException(
                detail=f"The token lacks the scope {error.scope}"
            ).to_error()
        case OperationalError():
            answer = Error(
                status=503, detail="The database does not answer. Nothing was changed; try again."
            )
            headers = {"retry-after": "10"}
        case _:
            reference = uuid4().hex[:12]
            log.error("scim_failed", reference=reference, error=type(error).__name__)
            answer = Error(
                status=500, detail=f"A fault of Ken's, {reference}. Nothing was changed."
            )
    return json_response(answer.model_dump(mode="json"), answer.status or 500, headers)


async def no_such_place(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    detail = "There is no such address" if status == 404 else "The address has no such method"
    answer = Error(status=status, detail=detail)
    return json_response(answer.model_dump(mode="json"), status, getattr(error, "headers", None))


async def nobody_there(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)


def json_response(body: dict[str, Any], status: int = 200, headers: Any = None) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), status, headers, media_type=MEDIA_TYPE)
