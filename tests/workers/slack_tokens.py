"""Slack's end of an installation: codes and refresh tokens that serve once, tokens that end."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from pydantic import SecretStr

from workers.settings import Settings

Json = dict[str, Any]

CLIENT = ("client-1", "canary-client-secret")
KEY = "aGVyZS1hcmUtdGhpcnR5LXR3by1ieXRlcy1vZi1rZXk="
OTHER_KEY = "YW5vdGhlci1rZXktdGhhdC1oYXMtdGhpcnR5LXR3by0="


@dataclass
class SlackTokens:
    """`oauth.v2.access`, `auth.test` and `auth.revoke`; every token begins with `canary-`."""

    url: str = ""
    refreshers: set[str] = field(default_factory=lambda: {"canary-refresh-0"})
    codes: set[str] = field(default_factory=lambda: {"canary-code"})
    given: Json = field(default_factory=dict)
    """What stands in the answer instead."""
    status: int = 200
    calls: list[tuple[str, Json]] = field(default_factory=list)
    served: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    @contextmanager
    def open(self) -> Iterator["SlackTokens"]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _receiver(self))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/api/"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, method: str, asked: Json) -> Json:
        with self._lock:
            self.calls.append((method, asked))
            match method:
                case "oauth.v2.access":
                    return self._access(asked)
                case "auth.test":
                    return {"ok": True, "bot_id": "BKEN", "user_id": "UKEN", "team_id": "T1"}
                case "auth.revoke":
                    return {"ok": True, "revoked": True}
            return {"ok": False, "error": "unknown_method"}

    def _access(self, asked: Json) -> Json:
        if asked["client"] != ":".join(CLIENT):
            return {"ok": False, "error": "bad_client_secret"}
        if asked.get("grant_type") == "refresh_token":
            if asked["refresh_token"] not in self.refreshers:
                return {"ok": False, "error": "invalid_refresh_token"}
            self.refreshers.remove(asked["refresh_token"])
        elif asked.get("code") not in self.codes:
            return {"ok": False, "error": "invalid_code"}
        else:
            self.codes.remove(asked["code"])
        self.served += 1
        self.refreshers.add(f"canary-refresh-{self.served}")
        answer: Json = {
            "ok": True,
            "app_id": "A1",
            "token_type": "bot",
            "scope": "chat:write,im:write",
            "bot_user_id": "UKEN",
            "team": {"id": "T1", "name": "Acme"},
            "enterprise": None,
            "is_enterprise_install": False,
            "authed_user": {"id": "UALICE"},
            "access_token": f"canary-token-{self.served}",
            "refresh_token": f"canary-refresh-{self.served}",
            "expires_in": 43200,
        }
        return answer | self.given


def _receiver(slack: SlackTokens) -> type[BaseHTTPRequestHandler]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            asked: Json = {name: values[0] for name, values in parse_qs(body).items()}
            kind, _, credentials = (self.headers["Authorization"] or "").partition(" ")
            if kind == "Basic":
                asked["client"] = base64.b64decode(credentials).decode()
            elif kind == "Bearer":
                asked["token"] = credentials
            answer = slack.answer(self.path.rpartition("/")[2], asked)
            self.send_response(slack.status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return Receiver


def by_oauth(settings: Settings, **more: Any) -> Settings:
    """The same, installed by OAuth in T1, and in the organisation E1."""
    return settings.model_copy(
        update={
            "slack_bot_token": SecretStr(""),
            "slack_client_id": CLIENT[0],
            "slack_client_secret": SecretStr(CLIENT[1]),
            "slack_workspaces": ("T1", "E1"),
            "token_key": SecretStr(KEY),
            "public_url": "https://ken.example",
            **more,
        }
    )
