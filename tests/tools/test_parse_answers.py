"""What the parser's child may answer: one that was taken over costs its own page and no memory of the program."""

from __future__ import annotations

import struct
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE

import pytest

from research.errors import EffectFailed
from tools.parse import LONGEST_BODY, ChildParser, _Child

FLOOD = "import sys\nwhile True: sys.stdout.buffer.write(bytes(65536))"


async def child(answer: bytes, then: str = "") -> _Child:
    """Start a process that says ``answer`` to whatever it is asked."""
    code = f"import sys; sys.stdout.buffer.write({answer!r}); sys.stdout.flush()\n{then}"
    return _Child(await create_subprocess_exec(sys.executable, "-c", code, stdin=PIPE, stdout=PIPE))


async def test_a_child_that_claims_gigabytes_is_not_listened_to() -> None:
    """The claim alone ends it, before a byte of the rest is held."""
    lying = await child(struct.pack(">II", 2, LONGEST_BODY + 1) + b"{}", FLOOD)
    with pytest.raises(EOFError, match="so much"):
        await lying.ask(b"{}", b"<p>text</p>")
    await lying.end()


@pytest.mark.parametrize(("head", "body"), [(b"not json", b"text"), (b'{"pages": "x"}', b"text"), (b"{}", b"\xff\xfe")])
async def test_an_answer_that_cannot_be_read_ends_its_own_page(head: bytes, body: bytes) -> None:
    """What is no answer is a page that failed, with a sentence, and the run goes on."""
    parser = ChildParser()
    parser._idle.append(await child(struct.pack(">II", len(head), len(body)) + head + body, "sys.stdin.read()"))
    with pytest.raises(EffectFailed, match="a page broke the parser"):
        await parser.parse(b"<p>text</p>", "text/html", name="a page")
    await parser.aclose()
