"""What of a web page stands around its text, or is not seen: by the names that it is given."""

import re
from collections.abc import Mapping

_WHERE = (
    r"suite|ms|o365cs|theme|print|vector|mw|site|page|main|global|top|bottom|left|right|header"
    r"|head|wiki|app|docs?|md|bd|side|mobile|user"
    r"|primary|secondary|local|floating|sticky|article|post|blog|section|quick|js|c|l|m|o|u"
)
_AROUND = (
    r"cookies?|consent|gdpr|ccpa|nav|navbar|navigation|navi|menu|submenu|menubar|sidebar|sidenav"
    r"|breadcrumbs?|footer|skip|skip-?links?|skip-?nav|toc|table-of-contents|share|sharing|social"
    r"|related|pagination|pager|newsletter|subscribe|popup|paywall|advert|advertisement|ads?"
    r"|sponsored|promo|comments?|comment-list|disqus|toolbar|masthead|topbar|search-?box"
    r"|search-?form|login-?form|feedback-?widget|page-?metadata|toc-?macro|catlinks"
    r"|site-?notice|site-?sub|jump-?link|jump-to-nav|nav-?box"
    r"|edit-?section|comment-?respond|post-?comments|edit-?this-?page|last-?updated|reading-?time"
    r"|word-?count|back-to-top|edit-?page|print-?hide|no-?print"
)
_PART = (
    r"banner|bar|notice|consent|popup|list|links?|menu|wrapper|wrap|container|inner|content|items?"
    r"|left|right|top|bottom|main|primary|secondary|box|block|widget|panel|overlay|modal|dialog"
    r"|section|area|nav|navigation|buttons?|thread|column|col|footer|header|\d+"
)
_BOILERPLATE = re.compile(
    rf"(?i)(?:(?:{_WHERE})[-_]{{1,2}})*(?:{_AROUND})(?:[-_]{{1,2}}(?:{_PART}))*"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_HIDDEN_NAMES = frozenset(
    "sr-only visually-hidden visuallyhidden screen-reader-text screenreader-only element-invisible"
    " d-none hidden is-hidden hide".split()
)
_STRUCK = frozenset("strike strikethrough line-through struck s-through".split())
_INVISIBLE = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*hidden")
_LINE_THROUGH = re.compile(r"(?i)text-decoration(?:-line)?\s*:[^;]{0,40}line-through")
_OPENS = re.compile(r"(?i)tab-?pane|tab-?panel|tab-?content|tabbed|accordion|collaps|expand")
"""Names of what is hidden until somebody clicks on its title."""
_CONSENT = re.compile(
    r"(?i)accept|agree|allow|got it|\bok\b|akzept|zustimm|verstanden|einverstanden|j['’]accepte"
    r"|autoriser|d['’]accord|acept|permitir|accett|consent|akkoord|toestaan|godk|tillad|godta"
    r"|zgadzam|akceptuj|souhlas|принять|принима|同意|承認|동의|kabul|elfogad"
)
_ON_COOKIES = re.compile(r"(?i)cookie|куки|クッキー|쿠키|çerez|evästei|sütik")
MAIN = frozenset(
    "main-content maincontent mw-content-text deltaplaceholdermain article-body content-body"
    " articlebody".split()
)
"""Names (ids) of the element that holds the text of a page, in wikis and portals."""


def is_around(names: str) -> bool:
    """Whether one of an element's names says that it is a menu, a banner or the like."""
    return any(_BOILERPLATE.fullmatch(_CAMEL.sub("-", name)) for name in names.split()[:12])


def opens(attributes: Mapping[str, str]) -> bool:
    """Whether it is shown when somebody clicks on its title, such as a tab."""
    return attributes.get("role", "").lower() == "tabpanel" or bool(
        _OPENS.search(attributes.get("class", "")[:500])
    )


def is_unseen(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether nobody sees it, or it is struck out."""
    style, names = attributes.get("style", "")[:2000], attributes.get("class", "").lower().split()
    if _LINE_THROUGH.search(style) or not _STRUCK.isdisjoint(names):
        return True
    if opens(attributes):
        return False
    shows_later = any(
        name.startswith(("d-", "sm:", "md:", "lg:", "xl:")) for name in names if name != "d-none"
    )
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden", "").lower() == "true"
        or bool(_INVISIBLE.search(style))
        or (not _HIDDEN_NAMES.isdisjoint(names) and not shows_later)
        or (tag == "dialog" and "open" not in attributes)
    )


def is_about_cookies(text: str) -> bool:
    return len(text) < 1000 and bool(_ON_COOKIES.search(text))


def gives_consent(label: str) -> bool:
    """Whether this is a button that accepts cookies, where it stands below words about them."""
    return len(label) < 60 and bool(_CONSENT.search(label))


def kind_of(attributes: Mapping[str, str]) -> str:
    """What an element is, as publishers of books and papers say it."""
    return f"{attributes.get('role', '')} {attributes.get('epub:type', '')}"


def is_note(attributes: Mapping[str, str]) -> bool:
    """Whether it holds the text of a footnote, as `kind_of` says."""
    return bool(re.search(r"footnote|endnote\b|rearnote\b", kind_of(attributes)[:200]))


def language_in(attributes: Mapping[str, str]) -> str:
    """Return the language of code, as highlighters read it; else empty."""
    found = re.search(
        r"(?:language|lang|brush:|highlight-source)[-: ]+([\w+#-]{1,30})",
        attributes.get("class", ""),
    )
    return found[1] if found else ""
