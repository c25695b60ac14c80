"""An administrator's browser without scripts: keeps cookies, follows nothing, sends forms."""

import re
from html.parser import HTMLParser
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from workers.admin.page.sessions import make_link
from workers.database.sessions import Database

ORIGIN = "http://ken.test"


class Visitor:
    def __init__(self, app: FastAPI, database: Database, name: str = "ana") -> None:
        self.database = database
        self.name = name
        self.client = TestClient(
            app, base_url=ORIGIN, raise_server_exceptions=False, follow_redirects=False
        )

    def link(self, role: str) -> str:
        return make_link(self.database, self.name, role, actor="test").get_secret_value()

    def sign_in(self, role: str) -> "Visitor":
        answer = self.send("/sign-in", link=self.link(role))
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")
        return self

    def get(self, path: str) -> Any:
        return self.client.get(f"/admin{path}")

    def page(self, path: str) -> str:
        """The text of a page that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def send(self, path: str, *, headers: Any = None, **fields: str) -> Any:
        """Send a form as it is given."""
        return self.client.post(f"/admin{path}", data=fields, headers=headers or {"origin": ORIGIN})

    def post(self, path: str, **fields: str) -> Any:
        """Send a form of the page, with the session's token."""
        return self.send(path, form_token=self.form_token(), **fields)

    def form_token(self) -> str:
        (found, *_) = re.findall(r'name="form_token" value="([0-9a-f]{64})"', self.page("/"))
        return str(found)


class Markup(HTMLParser):
    """What a browser makes of a page: its elements, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data
