"""What happens while the model thinks, and what was said meanwhile."""

from collections.abc import Callable

from tests.workers.slack_company import Company, Write, quote_all
from workers.models.base import Draft, Passage


def during(happening: Callable[[], None], *, times: int = 1, write: Write = quote_all) -> Write:
    """A model that thinks for long enough that something happens meanwhile."""
    left = [times]

    def written(question: str, passages: tuple[Passage, ...]) -> Draft:
        if left[0]:
            left[0] -= 1
            happening()
        return write(question, passages)

    return written


def texts(company: Company, channel: str) -> list[str]:
    return [seen.text for seen in company.posts(channel)]


def everything_posted(company: Company) -> str:
    return "\n".join(repr(call.arguments) for call in company.slack.calls())
