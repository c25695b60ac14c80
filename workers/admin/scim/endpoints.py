"""SCIM 2.0 (RFC 7643, 7644): an identity provider manages the users and groups.

The holder of the token decides who is who, and can read no document with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scim2_models import (
    Context,
    ForbiddenException,
    ListResponse,
    NotFoundException,
    NotImplementedException,
    PatchOp,
    PayloadTooLargeException,
    ResponseParameters,
    SCIMException,
    SearchRequest,
)
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from workers.admin.scim.dialects import NothingOfOurs, filter_in_rfc_words
from workers.admin.scim.errors import MEDIA_TYPE, fault, json_response, no_such_place, nobody_there
from workers.admin.scim.filter import check_filter
from workers.admin.scim.members import patch_group
from workers.admin.scim.payload import parse
from workers.admin.scim.read import find, search, version_in
from workers.admin.scim.schema import (
    CONFIG,
    LARGEST_BODY,
    MODELS,
    POLICY,
    RESOURCE_TYPES,
    SCHEMAS,
    KenUser,
    about,
)
from workers.admin.scim.store import (
    change_group,
    change_user,
    create_group,
    create_user,
    members_in,
    remove,
)
from workers.database.sessions import Database
from workers.web.limits import declared_length

_JSON = (MEDIA_TYPE, "application/json")
_QUERY = ("filter", "sortBy", "sortOrder", "startIndex", "count")
_SHOWN = ("attributes", "excludedAttributes")


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request of `actor`, with its body read."""

    database: Database
    actor: str
    request: Request
    body: bytes
    base: str
    """The address with which the resources' addresses begin."""

    @property
    def scim_id(self) -> str:
        return str(self.request.path_params["id"])

    @property
    def if_match(self) -> str | None:
        return self.request.headers.get("if-match")

    def payload(self, kind: str) -> dict[str, Any]:
        """Parse the body. Raises SCIMException."""
        declared = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if declared not in _JSON:
            raise _WrongType(detail=f"Content-Type: send {MEDIA_TYPE}")
        return parse(self.body, kind)

    def shown(self, kind: str) -> ResponseParameters[Any]:
        """Return which attributes to answer with. Raises ValidationError."""
        shown: ResponseParameters[Any] = about(ResponseParameters, MODELS[kind]).model_validate(
            self.parameters(_SHOWN)
        )
        return shown

    def parameters(self, names: Sequence[str]) -> dict[str, str]:
        given = self.request.query_params
        return {name: given[name] for name in names if name in given}


class _WrongType(SCIMException):
    status = 415


Answer = Callable[[Call], Response]


def scim_app(database: Database, authenticate: Callable[[str | None], str]) -> Starlette:
    """Return the app to be mounted at `/scim/v2`.

    `authenticate` gets the header Authorization and gives the name of who may say who is who;
    it raises Unauthorized or Forbidden.
    """

    def route(path: str, **answers: Answer) -> Route:
        async def respond(request: Request) -> Response:
            answer = answers["GET" if request.method == "HEAD" else request.method]
            return await _respond(request, database, authenticate, answer)

        return Route(path, respond, methods=list(answers))

    routes = [
        route("/ServiceProviderConfig", GET=_show_config),
        *_discovery(route, "ResourceTypes", RESOURCE_TYPES),
        *_discovery(route, "Schemas", SCHEMAS),
        *_resources(route, "User"),
        *_resources(route, "Group"),
        route("/", GET=_Listing("User", "Group").by_query),
        route("/.search", POST=_Listing("User", "Group").by_body),
        *(
            route(path, GET=_refuse, POST=_refuse, PUT=_refuse, PATCH=_refuse, DELETE=_refuse)
            for path in ("/Bulk", "/Me")
        ),
    ]
    slashed = [
        Route(f"{one.path}/", one.endpoint, methods=list(one.methods or ()))
        for one in routes
        if one.path != "/"
    ]
    app = Starlette(
        routes=[*routes, *slashed],
        exception_handlers={HTTPException: no_such_place, ClientDisconnect: nobody_there},
    )
    app.router.redirect_slashes = False
    return app


def _discovery(route: Callable[..., Route], name: str, known: dict[str, Any]) -> list[Route]:
    def show_all(call: Call) -> Response:
        if "filter" in call.request.query_params:  # RFC 7644, 4
            raise ForbiddenException(detail="filter: not supported at this address")
        return _page(len(known), [_described(one, name, call) for one in known.values()])

    def show(call: Call) -> Response:
        if call.scim_id not in known:
            raise NotFoundException(detail=f"There is none of {name} with this id")
        return json_response(_described(known[call.scim_id], name, call))

    return [route(f"/{name}", GET=show_all), route(f"/{name}/{{id}}", GET=show)]


def _resources(route: Callable[..., Route], kind: str) -> list[Route]:
    one = _Resource(kind)
    return [
        route(f"/{kind}s", GET=_Listing(kind).by_query, POST=one.create),
        route(f"/{kind}s/.search", POST=_Listing(kind).by_body),
        route(
            f"/{kind}s/{{id}}", GET=one.show, PUT=one.replace, PATCH=one.patch, DELETE=one.remove
        ),
    ]


# -- what each address answers -----------------------------------------------------------------


@dataclass(frozen=True)
class _Listing:
    kinds: tuple[str, ...]

    def __init__(self, *kinds: str) -> None:
        object.__setattr__(self, "kinds", kinds)

    def by_query(self, call: Call) -> Response:
        return self._answer(call, call.parameters((*_QUERY, *_SHOWN)))

    def by_body(self, call: Call) -> Response:
        return self._answer(call, call.payload("SearchRequest"))

    def _answer(self, call: Call, asked: dict[str, Any]) -> Response:
        asked = {name: one for name, one in asked.items() if str(one).strip()}
        for name, text in asked.items():
            if name.lower() == "filter" and isinstance(text, str):
                check_filter(text)
                asked = {**asked, name: filter_in_rfc_words(text)}
        model: Any = MODELS[self.kinds[0]]
        for kind in self.kinds[1:]:
            model = model | MODELS[kind]
        request = about(SearchRequest, model).model_validate(asked)
        with call.database.session("syncer") as session:
            total, found = search(
                session, self.kinds, request, call.base, members=_wants_members(request)
            )
        shown = [
            one.model_dump(
                mode="json",
                scim_ctx=Context.RESOURCE_QUERY_RESPONSE,
                response_parameters=request,
            )
            for one in found
        ]
        return _page(total, shown, start=request.start_index or 1)


@dataclass(frozen=True)
class _Resource:
    kind: str

    def show(self, call: Call) -> Response:
        return self._answer(call, call.scim_id)

    def create(self, call: Call) -> Response:
        shown = call.shown(self.kind)
        made = MODELS[self.kind].model_validate(
            call.payload(self.kind), scim_ctx=Context.RESOURCE_CREATION_REQUEST
        )
        create = create_user if self.kind == "User" else create_group
        with call.database.session("syncer") as session:
            scim_id = create(session, call.actor, made)
        return self._answer(call, scim_id, shown, status=201)

    def replace(self, call: Call) -> Response:
        shown = call.shown(self.kind)
        wanted = MODELS[self.kind].model_validate(
            call.payload(self.kind), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST
        )
        if self.kind == "User":
            self._change_user(call, lambda before: _replaced(wanted, before))
        else:
            ids = members_in(wanted.members or [])
            self._change_group(call, lambda before, _: (_replaced(wanted, before), ids))
        return self._answer(call, call.scim_id, shown)

    def patch(self, call: Call) -> Response:
        shown = call.shown(self.kind)
        try:
            payload = call.payload(self.kind)
        except NothingOfOurs:
            return self._answer(call, call.scim_id, shown)
        patch = about(PatchOp, MODELS[self.kind]).model_validate(
            payload, scim_ctx=Context.RESOURCE_PATCH_REQUEST
        )
        if self.kind == "User":
            self._change_user(call, lambda user: _patched(patch, user))
        else:
            self._change_group(call, lambda group, ids: patch_group(patch, group, ids))
        return self._answer(call, call.scim_id, shown)

    def remove(self, call: Call) -> Response:
        with call.database.session("syncer") as session:
            remove(session, call.actor, self.kind, call.scim_id, call.if_match)
        return Response(status_code=204)

    def _change_user(self, call: Call, alter: Callable[[Any], Any]) -> None:
        with call.database.session("syncer") as session:
            change_user(session, call.actor, call.scim_id, alter, call.if_match)

    def _change_group(self, call: Call, alter: Callable[[Any, list[int]], Any]) -> None:
        with call.database.session("syncer") as session:
            change_group(session, call.actor, call.scim_id, alter, call.if_match)

    def _answer(
        self,
        call: Call,
        scim_id: str,
        shown: ResponseParameters[Any] | None = None,
        status: int = 200,
    ) -> Response:
        shown = shown or call.shown(self.kind)
        with call.database.session("syncer") as session:
            found = find(session, self.kind, scim_id, call.base, members=_wants_members(shown))
        headers = {"etag": found.meta.version, "location": found.meta.location}
        known = call.request.headers.get("if-none-match")
        version = int(found.meta.version.strip('W/"'))
        if call.request.method == "GET" and known and version_in(known, version):
            return Response(status_code=304, headers=headers)
        body = found.model_dump(
            mode="json", scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=shown
        )
        return json_response(body, status, headers)


def _replaced(wanted: Any, before: Any) -> Any:
    """RFC 7644, 3.5.1; what a PUT says nothing of does not widen access."""
    wanted.replace(before)
    if hasattr(wanted, "active"):
        if wanted.active is None:
            wanted.active = before.active
        if wanted[KenUser] is None:
            wanted[KenUser] = before[KenUser]
    return wanted


def _patched(patch: Any, user: Any) -> Any:
    patch.patch(user)
    return user


def _wants_members(shown: ResponseParameters[Any]) -> bool:
    named = [
        str(path).rpartition(":")[2].partition(".")[0].lower() for path in shown.attributes or ()
    ]
    left_out = [str(path).rpartition(":")[2].lower() for path in shown.excluded_attributes or ()]
    return (not named or "members" in named) and "members" not in left_out


def _show_config(call: Call) -> Response:
    return json_response(_described(CONFIG, "ServiceProviderConfig", call))


def _described(one: Any, name: str, call: Call) -> dict[str, Any]:
    location = f"{call.base}/{name}" + (f"/{one.id}" if one.id else "")
    kind = "Schema" if name == "Schemas" else name.removesuffix("s")
    shown: dict[str, Any] = one.model_dump(mode="json", scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return {**shown, "meta": {"resourceType": kind, "location": location}}


def _refuse(_call: Call) -> Response:
    raise NotImplementedException(detail="Not supported; see /ServiceProviderConfig")


# -- HTTP --------------------------------------------------------------------------------------


async def _respond(
    request: Request,
    database: Database,
    authenticate: Callable[[str | None], str],
    answer: Answer,
) -> Response:
    """Check the token before reading the body, and the length before its content."""
    try:
        actor = await run_in_threadpool(authenticate, request.headers.get("authorization"))
        body = await _body(request)
    except (HTTPException, ClientDisconnect):
        raise
    except Exception as error:  # noqa: BLE001 - answered as SCIM's errors are
        return fault(error)

    def work() -> Response:
        try:
            base = str(request.url.replace(path=request.scope["root_path"], query=""))
            with POLICY:
                return answer(Call(database, actor, request, body, base))
        except Exception as error:  # noqa: BLE001 - answered as SCIM's errors are
            return fault(error)

    return await run_in_threadpool(work)


async def _body(request: Request) -> bytes:
    """Raises PayloadTooLargeException, at the header or as soon as more has come."""
    parts: list[bytes] = []
    size = declared_length(request.scope)
    if size <= LARGEST_BODY:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > LARGEST_BODY:
                break
            parts.append(part)
    if size > LARGEST_BODY:
        raise PayloadTooLargeException(detail=f"Larger than {LARGEST_BODY} bytes")
    return b"".join(parts)


def _page(total: int, shown: list[dict[str, Any]], *, start: int = 1) -> Response:
    return json_response(
        {
            "schemas": [str(ListResponse.__schema__)],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": len(shown),
            "Resources": shown,
        }
    )
