"""Streamed chunks (text, tasks, a plan), and the blocks that they become at the end.

https://docs.slack.dev/reference/methods/chat.appendStream
"""

from bot.playground.blocks.block_kit import check_blocks, check_sources
from bot.playground.blocks.block_parts import BlocksInvalid
from bot.playground.web_api import Refused
from bot.playground.workspace import Json

_STATUSES = ("pending", "in_progress", "complete", "error")
_FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "markdown_text": ({"text"}, set()),
    "task_update": ({"id", "title", "status"}, {"details", "output", "sources"}),
    "plan_update": ({"title"}, set()),
    "blocks": ({"blocks"}, set()),
}
"""Required and optional fields besides `type`."""
_LONGEST_LINE = 256
"""Characters in a title, details or an output."""


def check_chunks(chunks: object) -> list[Json]:
    """Check a list of chunks. Raises Refused."""
    if chunks is None:
        return []
    if not isinstance(chunks, list):
        raise Refused("invalid_chunks", "[ERROR] must provide an array [json-pointer:/chunks]")
    for number, chunk in enumerate(chunks):
        _check(chunk, f"/chunks/{number}")
    return chunks


def add_chunks(shown: list[Json], chunks: list[Json]) -> list[Json]:
    """Add chunks: text at the end; a known task or plan is updated in its place."""
    joined = [dict(chunk) for chunk in shown]
    for chunk in chunks:
        known = next((old for old in joined if _key(old) == _key(chunk) is not None), None)
        if known is not None:
            known.update(chunk)
        elif chunk["type"] == "markdown_text" and joined and joined[-1]["type"] == chunk["type"]:
            joined[-1]["text"] += chunk["text"]
        else:
            joined.append(dict(chunk))
    return joined


def text_of(chunks: list[Json]) -> str:
    """Return the text without tasks and plan."""
    return "".join(chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text")


def as_blocks(chunks: list[Json], *, as_plan: bool) -> list[Json]:
    """Return blocks: tasks between the texts, or all tasks in one plan at the top."""
    blocks: list[Json] = []
    tasks = [_task(chunk) for chunk in chunks if chunk["type"] == "task_update"]
    title = next((chunk["title"] for chunk in chunks if chunk["type"] == "plan_update"), "")
    if as_plan and tasks:
        blocks.append({"type": "plan", "title": title or tasks[0]["title"], "tasks": tasks})
    for chunk in chunks:
        if chunk["type"] == "markdown_text":
            blocks.append({"type": "markdown", "text": chunk["text"]})
        elif chunk["type"] == "blocks":
            blocks += chunk["blocks"]
        elif chunk["type"] == "task_update" and not as_plan:
            blocks.append(_task(chunk))
    return blocks


def _check(chunk: object, place: str) -> None:
    if not isinstance(chunk, dict) or chunk.get("type") not in _FIELDS:
        raise Refused("invalid_chunks", f"[ERROR] unsupported type [json-pointer:{place}/type]")
    required, optional = _FIELDS[chunk["type"]]
    wrong = (required - chunk.keys()) | (chunk.keys() - required - optional - {"type"})
    if wrong:
        raise Refused("invalid_chunks", f"[ERROR] {min(wrong)} [json-pointer:{place}]")
    for name in ("text", "id", "title", "details", "output"):
        text = chunk.get(name, "x")
        longest = _LONGEST_LINE if name != "text" else len(text)
        if not (isinstance(text, str) and text and len(text) <= longest):
            raise Refused("invalid_chunks", f"[ERROR] its length [json-pointer:{place}/{name}]")
    if chunk.get("status", "pending") not in _STATUSES:
        raise Refused("invalid_chunks", f"[ERROR] unknown status [json-pointer:{place}/status]")
    try:
        check_sources(chunk.get("sources", []), f"{place}/sources")
        check_blocks(chunk.get("blocks", []))
    except BlocksInvalid as error:
        raise Refused("invalid_chunks", str(error)) from None


def _key(chunk: Json) -> tuple[str, str] | None:
    if chunk["type"] == "task_update":
        return ("task", str(chunk["id"]))
    return ("plan", "") if chunk["type"] == "plan_update" else None


def _task(chunk: Json) -> Json:
    """Build a task_card block; a chunk's details are text, a block's are rich text."""
    card: Json = {"type": "task_card", "task_id": chunk["id"]}
    card |= {name: chunk[name] for name in ("title", "status", "sources") if name in chunk}
    for name in ("details", "output"):
        if name in chunk:
            leaf = {"type": "text", "text": chunk[name]}
            section = {"type": "rich_text_section", "elements": [leaf]}
            card[name] = {"type": "rich_text", "elements": [section]}
    return card
