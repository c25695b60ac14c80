"""Checks a message's content: text, blocks, attachments and metadata."""

import json

from bot.playground.blocks.block_kit import (
    LARGEST_TEXT,
    LONGEST_MARKDOWN,
    check_blocks,
    text_length,
)
from bot.playground.blocks.block_parts import BlocksInvalid
from bot.playground.web_api import Refused
from bot.playground.workspace import Json, Workspace

LONGEST_TEXT, LONGEST_UPDATE = 40_000, 4_000
"""Bytes, to be on the safe side: Slack's pages say characters, one report says bytes."""
_LARGEST_METADATA = 4_000
"""Bytes; not documented. https://github.com/seratch/ChatGPT-in-Slack/pull/17"""


def with_ids(workspace: Workspace, blocks: list[Json]) -> list[Json]:
    """Add a block_id to blocks without one, as Slack does."""
    return [{"block_id": workspace.next_id("b"), **block} for block in blocks]


def check_content(
    arguments: Json, *, blocks_too_long: str = "msg_too_long", longest: int = LONGEST_TEXT
) -> None:
    """chat.postMessage answers msg_too_long as well, though its page does not list it.

    https://github.com/metabase/metabase/pull/79908
    """
    text, blocks = arguments.get("text", ""), arguments.get("blocks") or []
    markdown = arguments.get("markdown_text", "")
    if markdown and (text or blocks):
        raise Refused("markdown_text_conflict")
    if not (text.strip() or blocks or arguments.get("attachments") or markdown.strip()):
        raise Refused("no_text")
    if len(text.encode()) > longest or len(markdown) > LONGEST_MARKDOWN:
        raise Refused("msg_too_long")
    check_blocks_of(blocks)
    if text_length(blocks) > LARGEST_TEXT:
        raise Refused(blocks_too_long)
    check_metadata(arguments.get("metadata"))
    _check_attachments(arguments.get("attachments"))


def check_blocks_of(blocks: object) -> None:
    """Check a message's blocks. Raises Refused."""
    try:
        check_blocks(blocks)
    except BlocksInvalid as error:
        raise Refused("invalid_blocks", str(error)) from None


def check_metadata(metadata: object) -> None:
    if not metadata:
        return
    if not isinstance(metadata, dict):
        raise Refused("invalid_metadata_format")
    payload, event_type = metadata.get("event_payload"), metadata.get("event_type")
    if not (isinstance(payload, dict) and isinstance(event_type, str) and event_type):
        raise Refused("invalid_metadata_schema")
    if metadata.keys() - {"event_type", "event_payload", "entities"}:
        raise Refused("invalid_metadata_schema")
    if len(json.dumps(metadata)) > _LARGEST_METADATA:
        raise Refused("metadata_too_large")


def _check_attachments(attachments: object) -> None:
    if attachments is not None and not isinstance(attachments, list):
        raise Refused(
            "invalid_arguments", "[ERROR] must provide an array [json-pointer:/attachments]"
        )
    if isinstance(attachments, list) and len(attachments) > 100:
        raise Refused("too_many_attachments")
