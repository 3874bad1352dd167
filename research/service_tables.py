"""Tables of the config file that say where search services are: ``[search_urls]`` and ``[mcp.NAME]``. Pure.

They are read by ``research.settings``; what the services are is in ``research.services``.
"""

from __future__ import annotations

import re
from typing import Any

from research.errors import UnknownName, UsageFault
from research.records import Record
from research.services import BY_NAME
from research.spelling import nearest
from research.values import KINDS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
ELSEWHERE = {"searxng": "--searx URL (setting searx)", "tavily": "--tavily URL (setting tavily)"}


class McpServer(Record):
    """An MCP server that searches: the ``command`` that starts it, or its ``url``.

    ``tool`` is called with the query in ``argument``; ``env`` names the environment variables that the command is
    given, which gets no others.
    """

    command: tuple[str, ...] = ()
    url: str = ""
    tool: str = "search"
    argument: str = "query"
    env: tuple[str, ...] = ()


def read_search_urls(place: str, table: Any) -> dict[str, str]:
    """Return addresses by service, for services that are to be asked elsewhere than by default."""
    if not isinstance(table, dict):
        raise UsageFault(f"{place}: search_urls must be a table, written [search_urls], not {table!r}")
    for name, url in table.items():
        if name in ELSEWHERE:
            raise UsageFault(f"{place}: the address of {name} is given by {ELSEWHERE[name]}, not in search_urls")
        if name not in BY_NAME or not BY_NAME[name].address:
            known = [service.name for service in BY_NAME.values() if service.address]
            raise UnknownName(f"{place}: search_urls has {name}, which is no search service{nearest(name, known)}")
        if not _is_url(url):
            raise UsageFault(f"{place}: search_urls.{name} must be {KINDS['url'].wanted}, not {url!r}")
    return {name: url.strip() for name, url in table.items()}


def read_mcp(place: str, table: Any) -> dict[str, McpServer]:
    """Return the MCP servers by name. Raises ``UsageFault`` for one that could not be asked."""
    if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
        raise UsageFault(f"{place}: each MCP server must be a table, written [mcp.NAME]")
    return {name: _server(f"{place}: mcp.{name}", name, row) for name, row in table.items()}


def _server(place: str, name: str, row: dict[str, Any]) -> McpServer:
    fields = McpServer.__struct_fields__
    odd = next((key for key in row if key not in fields), None)
    if not _NAME.fullmatch(name):
        raise UsageFault(f"{place} must have a name of letters, digits, dashes and underscores")
    if odd is not None:
        raise UnknownName(f"{place} has {odd}, which is no part of an MCP server{nearest(odd, fields)}")
    if ("command" in row) == ("url" in row):
        raise UsageFault(f"{place} must have a command, such as ['my-server', '--stdio'], or a url, and not both")
    if "command" in row and not (_texts(row["command"]) and row["command"]):
        raise UsageFault(f"{place}.command must be a list of texts, such as ['my-server', '--stdio']")
    if "url" in row and not _is_url(row["url"]):
        raise UsageFault(f"{place}.url must be {KINDS['url'].wanted}")
    if not all(isinstance(row.get(part, "x"), str) and row.get(part, "x").strip() for part in ("tool", "argument")):
        raise UsageFault(f"{place}: tool and argument must be names")
    env = row.get("env", [])
    if not _texts(env) or not all(_VARIABLE.fullmatch(variable) for variable in env):
        raise UsageFault(f"{place}.env must be a list of names of environment variables; their values stay there")
    if env and "url" in row:
        raise UsageFault(f"{place}.env is for a server that is started by a command")
    return McpServer(**row | {part: tuple(row[part]) for part in ("command", "env") if part in row})


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) and part and "\0" not in part for part in value)


def _is_url(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(KINDS["url"].read("", value))
    except ValueError:
        return False
