"""The one transport, given a network that lies: where a socket really ends is what counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import httpcore
import pytest

from research.errors import EffectFailed
from tools.fakes.web_server import WebServer, html_page
from tools.judged_network import JudgedNetwork

PUBLIC = "93.184.215.14"


class Diverting(httpcore.AsyncNetworkBackend):
    """Connects to one place, whatever it is asked for, as a hostile router or a rule of the firewall may."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._port = port
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.asked.append(host)
        return await self._plain.connect_tcp("127.0.0.1", self._port, timeout)


async def public(host: str, port: int) -> Sequence[str]:
    return [PUBLIC]


async def test_a_socket_that_ends_elsewhere_is_closed_before_a_byte_is_sent() -> None:
    """The name resolves to a public address, the socket ends on an inner one: nothing is asked for there."""
    with WebServer({"/": html_page("Inner", ["The inner page."])}) as server:
        diverting = Diverting(int(server.host.rpartition(":")[2]))
        network = JudgedNetwork(frozenset(), resolve=public, plain=diverting)
        with pytest.raises(EffectFailed, match=r"127\.0\.0\.1"):
            async with network.get("http://a.example/", ()):
                pass
        await network.aclose()
        assert diverting.asked == [PUBLIC]
        assert server.log == []
