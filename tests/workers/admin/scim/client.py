"""A client of the SCIM server for tests: a token that is good, one that is not, JSON both ways."""

import json
from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from workers.admin.api_keys import Forbidden, Unauthorized
from workers.admin.scim.endpoints import scim_app
from workers.database.sessions import Database

HOST = "https://ken.example"
TOKEN = "Bearer ken_good"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
KEN = "urn:ietf:params:scim:schemas:extension:ken:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def authenticate(header: str | None) -> str:
    """As the admin API's: the name of the token, or why not."""
    if header == TOKEN:
        return "token:idp"
    if header == "Bearer ken_other_scope":
        raise Forbidden("identity")
    raise Unauthorized


def application(database: Database) -> Starlette:
    return Starlette(routes=[Mount("/scim/v2", scim_app(database, authenticate))])


@dataclass
class Scim:
    """An identity provider, as it speaks to us."""

    database: Database

    def __post_init__(self) -> None:
        self.client = TestClient(
            application(self.database),
            base_url=HOST,
            headers={"authorization": TOKEN},
            raise_server_exceptions=True,
        )

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            given = {"content-type": "application/scim+json; charset=utf-8", **given}
        return self.client.request(method, f"/scim/v2{path}", content=content, headers=given)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(f"/scim/v2{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def user(self, user_name: str, /, **more: Any) -> str:
        """Makes one; its id."""
        answer = self.send("POST", "/Users", {"schemas": [USER], "userName": user_name, **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def group(self, name: str, *members: str, **more: Any) -> str:
        listed = [{"value": one} for one in members]
        body = {"schemas": [GROUP], "displayName": name, "members": listed, **more}
        answer = self.send("POST", "/Groups", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> httpx2.Response:
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return self.send("PATCH", path, body, **headers)

    def patched(self, path: str, *operations: dict[str, Any]) -> Any:
        answer = self.patch(path, *operations)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def found(self, kind: str, text: str, **query: Any) -> list[str]:
        """The names that a filter selects."""
        name = "userName" if kind == "Users" else "displayName"
        page = self.get(f"/{kind}", filter=text, **query)
        return [one[name] for one in page["Resources"]]
