"""The home that a command works on, and its settings."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.settings import Settings


def command_settings() -> "Settings":
    """Raises SettingsInvalid."""
    from workers.settings import load_settings

    configure_logs()
    return load_settings()


def configure_logs() -> None:
    """What is logged must not stand between the lines that a command prints."""
    from workers.observe.logs import configure

    configure()


def chosen_data_dir() -> Path:
    return command_settings().home
