"""What each process of a cell has loaded when it begins: Ken, with a clock that can be moved."""

from tests.survive import clock  # noqa: F401, I001 - before whoever takes the time from its module

import bot.app  # noqa: F401
from tests.workers.cli.forking import load

load()
