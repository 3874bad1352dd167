"""``research corpus``: what the corpora hold, and the pages of runs that a person adds to one or takes out again.

What is added or forgotten is shown first, on stderr, and done when a person says yes; what was done goes to stdout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from research.cli import arguments as take
from research.cli.output import emit, emit_json, say, table
from research.cli.session import session_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from research.app.memory import Adding, Forgetting, Offer
    from tools.promotion import Changed

UNDONE = 1
"""Exit code when the answer was no."""
UNBEGUN = "interrupted; the corpus is as it was, or the whole change is made: `research corpus show NAME` tells"

corpus = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="List corpora; add pages of runs to one, and forget them."
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The corpus.")]
Yes = Annotated[bool, typer.Option("--yes", help="Approve without being asked.")]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who approves [the user of the system].")]


@corpus.command("list")
def list_corpora(context: typer.Context, json: take.Json = False, home: take.Home = None) -> None:
    """List the corpora."""
    settings = session_of(context).open({"home": home})
    from research import app

    rows = app.corpora(settings)
    if json:
        return emit_json(rows)
    if not rows:
        return say("no corpora yet: research index FOLDER --corpus NAME")
    cells = [
        (row.name, row.state, f"{row.files:,}", f"{row.passages:,}", row.label, row.embedder, row.problem or row.folder)
        for row in rows
    ]
    return emit(table(("CORPUS", "STATE", "FILES", "PASSAGES", "LABEL", "EMBEDDER", "HOLDS"), cells))


@corpus.command("show")
def show_corpus(
    context: typer.Context,
    name: Name,
    source: Annotated[
        str | None, typer.Option("--source", metavar="SOURCE", help="Only this file, address or hash, with its text.")
    ] = None,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """Show what a corpus holds, and of pages where they came from and who added them."""
    settings = session_of(context).open({"home": home})
    from research.app.corpora import held_in

    rows = held_in(name, source, settings)
    if json:
        return emit_json(rows)
    cells = [(row.name, row.source[:12] or "-", f"{row.passages:,}", row.added or row.reason) for row in rows]
    emit(table(("FILE OR PAGE", "SHA256", "PASSAGES", "HOW IT CAME THERE"), cells))
    if source:
        _print_passages(rows[0].texts)
    return None


def _print_passages(texts: tuple[str, ...]) -> None:
    from research.sanitize import one_line

    for text in texts:
        emit(f"\n{one_line(text)}\n")


@corpus.command("add")
def add(
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A finished run; its first characters are enough.")],
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Cited pages, by hash or address [all].")
    ] = None,
    name: Annotated[str, typer.Option("--corpus", metavar="NAME", help="The corpus.")] = "web",
    public: Annotated[
        bool | None,
        typer.Option(
            "--public/--private",
            help="Its text may, or may not, leave the machine in searches [as it was; a new one: private].",
            show_default=False,
        ),
    ] = None,
    embedder: take.Embedder = None,
    approver: As = None,
    yes: Yes = False,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """Add pages that a run cited to a corpus, after showing what they are; nothing else of the web ever enters one."""
    settings = session_of(context).open({"home": home, "embedder": embedder})
    from research.app import memory
    from research.cli.approving import approved

    who = memory.named(approver or _user())
    adding = memory.what_to_add(run, name, sources or (), settings, public)
    if yes and not sources:
        adding = _without_signs(adding)
    for number, offer in enumerate(adding.offers, 1):
        _show_offer(number, offer)
    if not adding.new:
        say("nothing of it is new")
        return emit_json({"corpus": name, "pages": 0, "passages": 0, "left": len(adding.seen.pages)}) if json else None
    _tell_label(adding)
    if not approved(_question(adding, who), yes=yes):
        say("nothing was added")
        raise typer.Exit(UNDONE)
    chosen = settings.embedder if embedder else None
    return _changed(memory.add(adding, who, settings, chosen), "added", json=json)


@corpus.command("forget")
def forget(
    context: typer.Context,
    name: Name,
    what: Annotated[str, typer.Argument(metavar="SOURCE|URL|RUN|SITE", help="What is to be forgotten.")],
    approver: As = None,
    yes: Yes = False,
    json: take.Json = False,
    home: take.Home = None,
) -> None:
    """Take pages out of a corpus again: one text, all that a run added, or all of a site, with everything of them."""
    settings = session_of(context).open({"home": home})
    from research.app import memory
    from research.cli.approving import approved

    who = memory.named(approver or _user())
    forgetting = memory.what_to_forget(name, what, settings)
    _show_forgetting(forgetting)
    if not approved(f"Forget {_pages(len(forgetting.pages))} of the corpus {name}?", yes=yes):
        say("nothing was forgotten")
        raise typer.Exit(UNDONE)
    say("their stored texts stay in the library, so that reports that cite them can still be verified")
    return _changed(memory.forget(forgetting, who, settings), "forgotten", json=json)


def _user() -> str:
    from research.settings import user_name

    return user_name()


def _pages(number: int) -> str:
    from research.records import counted

    return counted(number, "page")


def _without_signs(adding: Adding) -> Adding:
    """Leave out pages that try to instruct who reads them: unseen, such a one is only added when it was named."""
    from msgspec.structs import replace

    for offer in adding.offers:
        if offer.signs:
            say(f"left out, because of its signs: {offer.url} ({_signs(offer)}); name it to add it")
    return replace(adding, offers=tuple(offer for offer in adding.offers if not offer.signs))


def _show_offer(number: int, offer: Offer) -> None:
    """Show what a page is, and where it is from; a line each, safe for the terminal."""
    from research.records import counted
    from research.sanitize import one_line

    cited = f"{counted(offer.quotes, 'quote')} of the report {'is' if offer.quotes == 1 else 'are'} from it"
    lines = [
        ("page", offer.url),
        ("host", offer.host),
        ("fetched", offer.retrieved),
        ("text", f"{counted(offer.characters, 'character')}, sha256 {offer.source[:12]}, {cited}"),
        ("signs", _signs(offer)),
        ("corpus", offer.state),
        ("forgotten", offer.forgotten),
        ("begins", offer.opening),
    ]
    say(f"{number}. {one_line(offer.title or offer.url, 200)}")
    for label, fact in lines:
        if fact:
            say(f"   {label}: {one_line(fact, 400)}")


def _signs(offer: Offer) -> str:
    return ", ".join(f"{name} ({count})" for name, count in offer.signs.items()) or "none"


def _tell_label(adding: Adding) -> None:
    """Say who may see what the corpus holds, where that is not as it was or not private."""
    was, now = adding.seen.label, adding.label
    if was and was != now:
        say(f"the corpus {adding.corpus} was {was} and is {now} from then on, with all that it holds")
    elif now == "public":
        say(f"the corpus {adding.corpus} is public: what it holds may word searches of the web")


def _question(adding: Adding, who: str) -> str:
    signs = sum(bool(offer.signs) for offer in adding.new)
    warned = f" {_pages(signs)} of them bear{'s' if signs == 1 else ''} signs of instructions." if signs else ""
    return f"Add {_pages(len(adding.new))} to the {adding.label} corpus {adding.corpus}, as {who}?{warned}"


def _show_forgetting(forgetting: Forgetting) -> None:
    say(f"to be forgotten: {forgetting.named}, and whatever has the same text")
    for page in forgetting.pages:
        say(f"   {page.url} (sha256 {page.source[:12]}), {page.spoken}")


def _changed(work: Coroutine[Any, Any, Changed], done: str, *, json: bool) -> None:
    """Make the change and say what it came to."""
    from research.cli.running import Advice, run

    made = run(lambda signals: work, Advice(unbegun=UNBEGUN))
    if json:
        return emit_json(made)
    passages = f"{made.passages:,} passage{'' if made.passages == 1 else 's'}"
    return emit(f"{made.corpus}: {_pages(made.pages)} {done} ({passages}); it holds {_pages(made.left)} now\n")
