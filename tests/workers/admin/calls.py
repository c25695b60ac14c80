"""The admin API as its callers see it: each response is held against our own OpenAPI."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from workers.admin.api_keys import make
from workers.admin.problems import MEDIA_TYPE
from workers.database.sessions import Database

ALL = ("identity", "index", "audit", "sync:*", "push:wiki")


class Api:
    """Calls with a token, and checks what comes back."""

    def __init__(self, app: FastAPI, database: Database) -> None:
        self.app = app
        self.database = database
        self._client = TestClient(app, raise_server_exceptions=False)
        self.openapi: dict[str, Any] = app.openapi()
        self._schemas: dict[str, Draft202012Validator] = {}

    def token(
        self, *scopes: str, name: str = "test", expires: timedelta | None = None
    ) -> dict[str, str]:
        """The header of a new token."""
        secret = make(self.database, name, scopes or ALL, expires).get_secret_value()
        return {"Authorization": f"Bearer {secret}"}

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | Iterable[bytes] | None = None,
    ) -> Any:
        """The response, which must be one that OpenAPI tells of."""
        given: dict[str, Any] = {} if json is None else {"json": json}
        if content is not None:
            given["content"] = content
        response = self.raw(method, path, headers=headers, **given)
        self.check(method, path, response)
        return response

    def raw(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **given: Any
    ) -> Any:
        return self._client.request(method, path, headers=dict(headers or {}), **given)

    def check(self, method: str, path: str, response: Any) -> None:
        media_type = response.headers.get("content-type", "")
        operation = self._operation(method, path)
        if operation is None:
            assert media_type == MEDIA_TYPE, f"{method} {path}: {media_type}"
            self._validate("#/components/schemas/Problem", response.json())
            return
        responses = operation["responses"]
        documented = responses.get(str(response.status_code))
        assert documented is not None, f"{method} {path}: {response.status_code} is not in OpenAPI"
        if "content" not in documented:
            assert response.content == b""
            return
        assert media_type in documented["content"], f"{method} {path}: {media_type}"
        pointer = f"#/paths/{_escaped(operation['place'])}/{method.lower()}/responses"
        self._validate(
            f"{pointer}/{response.status_code}/content/{_escaped(media_type)}/schema",
            response.json(),
        )
        if response.status_code >= 400:
            assert response.json()["status"] == response.status_code

    @staticmethod
    def is_at(path: str, place: str) -> bool:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/?]+", re.escape(place))
        return re.fullmatch(pattern, path.partition("?")[0]) is not None

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for place, operations in self.openapi["paths"].items():
            if self.is_at(path, place) and method.lower() in operations:
                return {**operations[method.lower()], "place": place}
        return None

    def _validate(self, pointer: str, body: Any) -> None:
        if pointer not in self._schemas:
            schema = {**self.openapi, "$ref": pointer}
            self._schemas[pointer] = Draft202012Validator(
                schema, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
        self._schemas[pointer].validate(body)


def _escaped(step: str) -> str:
    for given, written in (("~", "~0"), ("/", "~1"), ("{", "%7B"), ("}", "%7D"), ("+", "%2B")):
        step = step.replace(given, written)
    return step
