"""The measure of honest pages: a sample of it is under the bar, and it notices what is lost."""

from __future__ import annotations

from pathlib import Path

from bench.honest_pages import BAR, Text, documents, kept, lost


async def test_no_honest_page_of_a_sample_is_lost(shared_data: Path) -> None:
    """Of every thirtieth page of the worlds none gives an error or less than half of its words."""
    chosen = list(documents(shared_data))[::30]
    assert len(chosen) > 50
    assert len(await lost(chosen)) <= BAR * len(chosen)


async def test_a_lost_page_is_counted() -> None:
    """A document that reads as a bot check, and one without a word, are losses and are named."""
    bot = Text("bot", "Just a moment...", "Verify you are human to go on.")
    empty = Text("empty", "", "")
    good = Text("good", "Rivers", "The Danube flows through ten countries, more than any other river in the world.")
    assert {loss.name for loss in await lost([bot, empty, good])} == {"bot", "empty"}
    assert kept("one two three four", "Four, three!") == 0.5
