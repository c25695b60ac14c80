"""Which tokens the double gave out, what each may do, and how long.

https://docs.slack.dev/authentication/using-token-rotation/
"""

import time
from dataclasses import dataclass, field
from uuid import uuid4

KEN_SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "metadata.message:read",
    "mpim:history",
    "mpim:read",
    "users:read",
    "users:read.email",
)
"""As deploy/slack-manifest.yaml asks for them."""
LIFE_S = 12 * 60 * 60


@dataclass(slots=True)
class Token:
    scopes: tuple[str, ...]
    expires_at: float = float("inf")
    """As time.monotonic() counts."""
    error: str = ""
    """What a call with it meets: `token_revoked`, `account_inactive`."""

    @property
    def refusal(self) -> str:
        """Empty while it serves."""
        return self.error or ("token_expired" if time.monotonic() >= self.expires_at else "")


@dataclass(slots=True)
class Tokens:
    known: dict[str, Token]
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """An OAuth code that was not exchanged yet, and the scopes that it stands for."""
    refreshers: dict[str, Token] = field(default_factory=dict)
    """A refresh token that was not used yet, and the token that came with it."""

    def of(self, token: str) -> Token | None:
        return self.known.get(token)

    @property
    def is_installed(self) -> bool:
        """Slack tells an app that was removed nothing more."""
        return any(token.error != "account_inactive" for token in self.known.values())

    def issue(self, scopes: tuple[str, ...]) -> str:
        """One that serves until it is revoked."""
        return self._add(f"xoxb-{uuid4().hex}", Token(scopes))

    def issue_for_a_while(self, scopes: tuple[str, ...]) -> tuple[str, str]:
        """One of twelve hours, and the refresh token, which serves once."""
        token = Token(scopes, time.monotonic() + LIFE_S)
        refresher = f"xoxe-1-{uuid4().hex}"
        self.refreshers[refresher] = token
        return self._add(f"xoxe.xoxb-1-{uuid4().hex}", token), refresher

    def new_code(self, scopes: tuple[str, ...]) -> str:
        """As a person's approval gives one; see oauth.v2.access."""
        code = uuid4().hex
        self.codes[code] = scopes
        return code

    def refuse_all(self, error: str) -> None:
        """Every token so far meets this error; empty lets all of them serve again."""
        for token in self.known.values():
            token.error = error

    def expire_all(self) -> None:
        """As if twelve hours had gone by; tokens that never expire stay."""
        for token in self.known.values():
            if token.expires_at != float("inf"):
                token.expires_at = 0.0

    def _add(self, text: str, token: Token) -> str:
        self.known[text] = token
        return text
