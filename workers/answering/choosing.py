"""Asks back what is meant, with pages to choose among, and names the page that is close.

Which pages is decided from passages that all readers may read; whether one may be named is checked
like the use of its text: before the prompt, before the post, and whenever rights change.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from policies import Audience, readable_documents
from policies.tables.content import Document
from workers.answering.preferring import document_facets
from workers.models.base import Passage, Sites
from workers.models.facets import country_name
from workers.models.quotes import words
from workers.models.stop_words import says_something
from workers.replies.inert import inert_excerpt, web_address
from workers.replies.pages import Page, label_of
from workers.services import Services
from workers.wording.text import spoken

_LONGEST_SOURCE = 100
_END = " ?.!"


def pages_of(numbers: Sequence[int], passages: Sequence[Passage], sites: Sites) -> tuple[Page, ...]:
    """Return the pages of these passages, counted from 1; none if a reader could not tell them
    apart.
    """
    found = [passages[number - 1] for number in numbers if 1 <= number <= len(passages)]
    pages = [_page(passage) for passage in found]
    titles = Counter(page.title for page in pages)
    distinct = tuple(
        page if titles[page.title] == 1 else replace(page, title=_with_place(page, passage, sites))
        for page, passage in zip(pages, found, strict=True)
    )
    names = {page.title for page in distinct}
    return distinct if "" not in names and len(names) == len(found) else ()


def about_page(asked: str, title: str) -> str:
    """Return the question with the page that it is about: the page alone, if its title says all."""
    said = [word for word in words(asked) if says_something(word)]
    if set(said) <= set(words(title)):
        return f"{title.rstrip(_END)}?"
    return f"{asked.rstrip(_END)}: {title.rstrip(_END)}?"


def title_of(services: Services, document_id: int, audience: Audience) -> str:
    """Return the title of a page that was chosen; empty if some of the audience may not read it."""
    with services.database.reading_for(audience) as session:
        titled = readable_documents(audience).with_only_columns(Document.title)
        return session.scalar(titled.where(Document.id == document_id)) or ""


def _page(passage: Passage) -> Page:
    return Page(
        label_of(passage.title),
        web_address(passage.url, passage.anchor),
        inert_excerpt(passage.source, _LONGEST_SOURCE, hosts=True),
        passage.document,
        passage.document_id,
    )


def _with_place(page: Page, passage: Passage, sites: Sites) -> str:
    """Return the title with the country, else the source, that tells it apart."""
    named = document_facets(passage.document, passage.title, passage.heading, sites)
    countries = [country_name(one, spoken()) for one in sorted(named.all_countries)]
    return label_of(f"{page.title} ({', '.join(countries) or page.source})")
