"""The data folder that a command works on, and its settings."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.settings import Settings


def command_settings() -> "Settings":
    """Read the settings of the data folder. Raises SettingsInvalid."""
    from workers.settings import load_settings

    configure_logs()
    return load_settings()


def configure_logs() -> None:
    """Send logs to standard error, so that they do not mix with what a command prints."""
    from workers.observe.logs import configure

    configure()


def chosen_data_dir() -> Path:
    return command_settings().home
