"""Programs that ask as a person: over HTTP, and with the Model Context Protocol's own client."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import httpx2
from fastapi.testclient import TestClient
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

from policies.described import Permissions
from policies.tables.people import UserStatus
from tests.workers.library import Library
from workers.doors.app import make_app
from workers.people.person_tokens import SCOPES, issue
from workers.services import Services

T = TypeVar("T")


class Programs:
    """The people, their documents and their tokens; and calls with a token."""

    def __init__(self, library: Library, services: Services) -> None:
        self.library = library
        self.services = services
        self.database = library.database
        self.app = make_app(services)
        self.http = TestClient(self.app, raise_server_exceptions=False)

    def person(self, name: str) -> int:
        return self.library.person(name)

    def document(self, name: str, text: str | list[str], *readers: int, **more: Any) -> int:
        """A document that these people may read."""
        allowed = Permissions(allow=frozenset(readers))
        return self.library.document(name, text, allowed, **more)

    def source(self, name: str) -> None:
        """What follows is of this source."""
        with self.library.change() as change:
            self.library.source_id = change.put_source(name)

    def token(
        self,
        user_id: int,
        *scopes: str,
        sources: tuple[str, ...] | None = None,
        good_for: timedelta = timedelta(days=1),
    ) -> str:
        return issue(
            self.database,
            user_id,
            "test",
            by="test",
            scopes=scopes or SCOPES,
            sources=sources,
            good_for=good_for,
        ).get_secret_value()

    def suspend(self, user_id: int, status: UserStatus = UserStatus.SUSPENDED) -> None:
        with self.library.change() as change:
            if status is UserStatus.DELETED:
                change.delete_user(user_id)
            else:
                change.set_status(user_id, status)

    def query(self, token: str | None, *queries: Any, path: str = "/query", **headers: str) -> Any:
        """The response to searches: words, or a whole query."""
        sent = [{"query": one} if isinstance(one, str) else one for one in queries]
        given = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.http.post(path, json={"queries": sent}, headers=given | headers)

    def found(self, token: str, query: Any) -> list[str]:
        """The documents that a search finds, as their source calls them."""
        response = self.query(token, query)
        assert response.status_code == 200, response.text
        (result,) = response.json()["results"]
        return [one["metadata"]["source_id"] for one in result["results"]]

    def tool(self, token: str | None, name: str, **arguments: Any) -> CallToolResult:
        """Call one tool over streamable HTTP."""
        return self.mcp(token, lambda client: client.call_tool(name, arguments))

    def mcp(self, token: str | None, work: Callable[[Client], Awaitable[T]]) -> T:
        """Do something with the official client, connected to this app."""

        async def run() -> T:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            app = make_app(self.services)  # one can be run once
            inside = httpx2.ASGITransport(app=app)
            async with (
                app.router.lifespan_context(app),
                httpx2.AsyncClient(transport=inside, headers=headers) as http,
                Client(streamable_http_client("http://ken/mcp", http_client=http)) as client,
            ):
                return await work(client)

        return asyncio.run(run())


def text_of(result: CallToolResult) -> str:
    """What a model reads of a tool's result, without what the SDK puts before an error."""
    texts = [one.text for one in result.content if isinstance(one, TextContent)]
    return re.sub("^Error executing tool [a-z]+: ", "", "\n".join(texts))
