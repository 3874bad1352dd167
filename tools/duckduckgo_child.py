"""The child that asks DuckDuckGo: ``python -m tools.duckduckgo_child``, started by ``tools.duckduckgo`` for one query.

It reads one JSON object from standard input (``url``, ``query``, ``seconds``), sends the query with the package
``ddgs`` and its HTTP library ``primp``, and writes one JSON object: the rows, or the status or the sentence of a
failure. Both read what the service sends in this process, which has an empty environment (no key, no proxy) and little
memory: ``primp`` unpacks without a bound. No redirect is followed, because ``primp`` would follow it to any address.
"""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from typing import Any

import msgspec

NONE_FOUND = "no-results"
"""What a page without results says in its markup; another page without results is a captcha, or an error."""
MEMORY = 1_000_000_000
"""Bytes of address space: a body that unpacks to more ends this process and nothing else."""


def ask(url: str, query: str, seconds: float) -> dict[str, Any]:
    """Send one query and return what came of it: ``rows``, ``status`` or ``failed``."""
    from ddgs.engines.duckduckgo import Duckduckgo
    from ddgs.exceptions import DDGSException, TimeoutException

    engine = Duckduckgo(proxy=None, timeout=max(1, int(seconds)), verify=True)
    payload = engine.build_payload(query, "us-en", "moderate", None)
    once = {"data": payload, "follow_redirects": False}
    try:
        response = engine.http_client.request("POST", url or engine.search_url, **once)
    except TimeoutException:
        return {"failed": "gave no answer in time", "again": True}
    except DDGSException as error:
        return {"failed": f"cannot be reached: {error}"[:300], "again": True}
    if response.status_code != 200:
        return {"status": response.status_code}
    text = response.text
    found = engine.post_extract_results(engine.extract_results(text)) if text.strip() else []
    if not found and NONE_FOUND not in text:
        return {"failed": "answered with a page that holds no results and does not say that there are none"}
    return {"rows": [{"url": row.href, "title": row.title, "snippet": row.body} for row in found]}


def main() -> None:
    """Answer the one query on standard input."""
    for limit, value in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        with suppress(OSError, ValueError):  # a lower limit is set already, or the system has no such limit
            resource.setrlimit(limit, (value, value))
    request = msgspec.json.decode(sys.stdin.buffer.read(100_000))
    answer = ask(request["url"], request["query"], request["seconds"])
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
