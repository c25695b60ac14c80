"""Encrypts the secrets of others that we store, with KEN_TOKEN_KEY.

Fernet (AES-128-CBC with HMAC-SHA256); https://cryptography.io/en/latest/fernet/
"""

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from workers.errors import SettingsInvalid, SlackRefused
from workers.settings import Settings

log = structlog.get_logger()


def seal(settings: Settings, secret: str) -> bytes:
    """Encrypt with the newest key. Raises SettingsInvalid."""
    return _cipher(settings).encrypt(secret.encode())


def unseal(settings: Settings, sealed: bytes | None) -> str:
    """Decrypt with any key that is set.

    Raises SlackRefused if none fits: nothing can be posted, and a retry changes nothing.
    """
    try:
        return _cipher(settings).decrypt(sealed or b"").decode()
    except (InvalidToken, SettingsInvalid):
        log.error(
            "token_unreadable",
            remedy="KEN_TOKEN_KEY does not contain the key that it was encrypted with",
        )
        raise SlackRefused("token_unreadable") from None


def is_readable(settings: Settings, sealed: bytes) -> bool:
    try:
        _cipher(settings).decrypt(sealed)
    except (InvalidToken, SettingsInvalid):
        return False
    return True


def has_token_key(settings: Settings) -> bool:
    try:
        _cipher(settings)
    except SettingsInvalid:
        return False
    return True


def _cipher(settings: Settings) -> MultiFernet:
    """Raises SettingsInvalid, without showing a key."""
    keys = [key.strip() for key in settings.token_key.get_secret_value().split(",")]
    try:
        return MultiFernet([Fernet(key) for key in keys if key])
    except ValueError:
        raise SettingsInvalid(
            "KEN_TOKEN_KEY is not set or is not a Fernet key; tokens are stored only encrypted.",
            remedy="Generate one with `openssl rand -base64 32 | tr +/ -_`, and set the same one "
            "for the bot and the workers (docs/install.md).",
        ) from None
