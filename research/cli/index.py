"""``research index`` and ``research setup``: make a corpus, and bring what makes it better."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from research.cli import arguments as take
from research.cli.output import emit, emit_json
from research.cli.progress import IndexLines, Progress
from research.cli.session import session_of
from research.errors import UnknownName, UsageFault

AGAIN = "interrupted; the same command goes on from here"


def index(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of txt, md, rst, html and pdf files.")],
    corpus: Annotated[str, typer.Option("--corpus", metavar="NAME", help="Name of the corpus to make or update.")],
    public: Annotated[
        bool | None,
        typer.Option(
            "--public/--private",
            help="Its text may, or may not, leave the machine in searches [as it was; a new or rebuilt one: private].",
            show_default=False,
        ),
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Forget what was indexed before.")] = False,
    embedder: take.Embedder = None,
    json: take.Json = False,
    quiet: take.Quiet = False,
    home: take.Home = None,
) -> None:
    """Index a folder as a corpus; only what has changed since the last time is read again."""
    session = session_of(context)
    settings = session.load({"home": home, "embedder": embedder, "corpus": [corpus]})
    try:
        found = folder.is_dir()
    except OSError:
        found = False
    if not found:
        raise UnknownName(f"there is no folder “{str(folder)[:200]}”")
    session.open({"home": home, "embedder": embedder}, write=True)
    from research import app
    from research.app.indexing import label_for
    from research.cli.running import Advice, run

    was = next((row.label for row in app.corpora(settings) if row.name == corpus), "")
    label = label_for(was, public=public, rebuild=rebuild)
    lines = IndexLines(Progress(quiet=quiet), monotonic)
    chosen = settings.embedder if embedder else None
    summary = run(
        lambda signals: app.index(
            folder.absolute(),
            corpus,
            settings,
            public=label == "public",
            rebuild=rebuild,
            embedder=chosen,
            progress=lines,
        ),
        Advice(unbegun=AGAIN),
    )
    _tell(corpus, was, label, asked=public is not None)
    for file in summary.skipped:
        Progress().line(f"skipped {file.name}: {file.reason}")
    if json:
        return emit_json(summary)
    return emit(
        f"{summary.corpus}: {summary.files:,} files, {summary.passages:,} passages "
        f"({summary.added:,} added, {summary.changed:,} changed, {summary.removed:,} removed, "
        f"{summary.unchanged:,} unchanged, {len(summary.skipped):,} skipped)\n"
    )


def _tell(corpus: str, was: str, label: str, *, asked: bool) -> None:
    """Say on stderr, also when quiet, what becomes of who may see the texts of a corpus that was there before."""
    if was and was != label:
        leave = "may leave" if label == "public" else "may not leave"
        Progress().line(
            f"the corpus {corpus} was {was} and is {label} from now on: its text {leave} the machine in searches; "
            f"--{was} makes it {was} again"
        )
    elif was == "public" and not asked:
        Progress().line(f"the corpus {corpus} stays public, as it was indexed; --private makes it private")


def setup(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="embeddings|reranker", help="What to set up.")],
    home: take.Home = None,
) -> None:
    """Bring and check a model over the network, each about 90 MB.

    embeddings: the sentence model all-MiniLM-L6-v2; reranker: the cross-encoder ms-marco-MiniLM-L6-v2.
    """
    if what not in ("embeddings", "reranker"):
        raise UsageFault(
            f"there is nothing called {what[:40]} to set up; write: research setup embeddings, or: "
            "research setup reranker"
        )
    settings = session_of(context).open({"home": home}, write=True)
    from research import app
    from research.cli.running import Advice, run

    bring = app.setup_embeddings if what == "embeddings" else app.setup_reranker
    run(lambda signals: bring(settings, Progress().line), Advice(unbegun=AGAIN))
