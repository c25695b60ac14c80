"""The home that a command works on, and its settings."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.settings import Settings


def home_settings() -> "Settings":
    """Raises SettingsInvalid."""
    from workers.observe.logs import configure
    from workers.settings import load_settings

    configure()  # what is logged must not stand between the lines that a command prints
    return load_settings()


def home_folder() -> Path:
    return home_settings().home
