"""Leads an MCP client that speaks over standard input and output to the doors of a deployment.

It holds no database and no rights: each call goes over HTTP with one person's token, and is checked
there like any other.
"""

from typing import Any

import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)

_PATIENCE_S = 180.0
"""For one call: an answer may take as long as the model."""


async def relaying(url: str, token: str) -> None:
    """Pass the client's calls on until its input ends."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=_PATIENCE_S) as http:
        server = relay_to(f"{url}/mcp", http)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())


def relay_to(address: str, http: httpx2.AsyncClient) -> Server[Any]:
    """Return a server whose tools are those at this address."""

    async def list_tools(
        _ctx: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        async with Client(streamable_http_client(address, http_client=http)) as there:
            return await there.list_tools()

    async def call_tool(
        _ctx: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        try:
            async with Client(streamable_http_client(address, http_client=http)) as there:
                return await there.call_tool(params.name, params.arguments)
        except Exception:  # noqa: BLE001 - the client is told in words of ours, whatever it was
            words = "Ken does not answer, or the token is not valid (any more)."
            return CallToolResult(content=[TextContent(type="text", text=words)], is_error=True)

    return Server("ken", on_list_tools=list_tools, on_call_tool=call_tool)
