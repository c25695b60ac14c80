"""Tokens that the double has issued, with their scopes and their expiry.

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
"""The scopes of deploy/slack-manifest.yaml."""
LIFE_S = 12 * 60 * 60


@dataclass(slots=True)
class Token:
    scopes: tuple[str, ...]
    expires_at: float = float("inf")
    """As time.monotonic() counts."""
    error: str = ""
    """Error of every call with this token: `token_revoked`, `account_inactive`."""

    @property
    def refusal(self) -> str:
        """Error of a call with this token now; empty if it is valid."""
        return self.error or ("token_expired" if time.monotonic() >= self.expires_at else "")


@dataclass(slots=True)
class Tokens:
    known: dict[str, Token]
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """OAuth codes that were not exchanged yet, with the scopes of each."""
    refreshers: dict[str, Token] = field(default_factory=dict)
    """Refresh tokens that were not used yet, with the token that came with each."""

    def of(self, token: str) -> Token | None:
        return self.known.get(token)

    @property
    def is_installed(self) -> bool:
        """Whether the app is installed; Slack sends no events to a removed app."""
        return any(token.error != "account_inactive" for token in self.known.values())

    def issue(self, scopes: tuple[str, ...]) -> str:
        """Issue a token that is valid until it is revoked."""
        return self._add(f"xoxb-{uuid4().hex}", Token(scopes))

    def issue_rotating(self, scopes: tuple[str, ...]) -> tuple[str, str]:
        """Issue a token for twelve hours and a refresh token, which can be used once."""
        token = Token(scopes, time.monotonic() + LIFE_S)
        refresher = f"xoxe-1-{uuid4().hex}"
        self.refreshers[refresher] = token
        return self._add(f"xoxe.xoxb-1-{uuid4().hex}", token), refresher

    def new_code(self, scopes: tuple[str, ...]) -> str:
        """Create the code of a person's approval; see oauth.v2.access."""
        code = uuid4().hex
        self.codes[code] = scopes
        return code

    def refuse_all(self, error: str) -> None:
        """Make every token so far fail with this error; empty makes them valid again."""
        for token in self.known.values():
            token.error = error

    def expire_all(self) -> None:
        """Expire all tokens that rotate, as if twelve hours had passed."""
        for token in self.known.values():
            if token.expires_at != float("inf"):
                token.expires_at = 0.0

    def _add(self, text: str, token: Token) -> str:
        self.known[text] = token
        return text
