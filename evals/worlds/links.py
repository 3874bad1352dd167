"""The graph of a collection of proposals: its headers as edges, with every place that states them as evidence.

An edge is made only where its value is the only one, by the headers of both ends and by what the prose says. Questions
that compare, list and count are in ``evals.worlds.questions``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evals.records import GoldSpan
from evals.worlds import prose, wordings
from evals.worlds.facts import Edge, Graph, Parts, Relation
from evals.worlds.proposals import LINKS, Collection, Proposal

AUTHORS_AT_ONCE = 3
"""More authors make the question one for a list."""


def relations(name: str) -> dict[str, Relation]:
    """Return how each edge is spoken of; ``name`` is PEP or EIP. Each has a question that ends in its source."""
    made = (
        ("author", ("Who is the author of {}?", "Who wrote {}?"), ()),
        ("authors", ("Who are the authors of {}?", "Who wrote {}?", "Which people are named as authors of {}?"), ()),
        ("created", ("When was {} created?", "On what date was {} created?", "What is the creation date of {}?"), ()),
        ("status", ("What is the status of {}?", "What status does {} have?"), ()),
        ("type", ("What is the type of {}?", f"What type of {name} is {{}}?"), ()),
        ("category", ("What is the category of {}?", "Which category does {} belong to?"), ()),
        ("topic", ("What is the topic of {}?", "Which topic is {} filed under?"), ()),
        ("version", ("Which Python version is the target of {}?", "Which Python version does {} target?"), ()),
        ("title", ("What is the title of {}?",), ()),
        ("sponsor", ("Who sponsored {}?", "Who is the sponsor of {}?"), ("the sponsor of {}",)),
        (
            "delegate",
            ("Who was the delegate for {}?", f"Who was the {name}-Delegate of {{}}?"),
            ("the delegate for {}",),
        ),
        (
            "superseded-by",
            (f"Which {name} superseded {{}}?", f"By which {name} was {{}} superseded?"),
            (f"the {name} that superseded {{}}", "the successor of {}"),
        ),
        (
            "replaced",
            (f"Which {name} was replaced by {{}}?", f"Which {name} did {{}} replace?"),
            (f"the {name} replaced by {{}}", f"the {name} that was superseded by {{}}"),
        ),
        (
            "requires",
            (f"Which {name} is required by {{}}?", f"Which {name} does {{}} require?"),
            (f"the {name} required by {{}}",),
        ),
        (
            "required-by",
            (f"Which is the only {name} that requires {{}}?", f"Which {name} is the only one to require {{}}?"),
            (f"the only {name} that requires {{}}",),
        ),
        (
            "lowest",
            (f"Which is the lowest-numbered {name} required by {{}}?",),
            (f"the lowest-numbered {name} required by {{}}",),
        ),
        (
            "highest",
            (f"Which is the highest-numbered {name} required by {{}}?",),
            (f"the highest-numbered {name} required by {{}}",),
        ),
        ("only", (f"Which is the only {name} written by {{}}?",), (f"the only {name} written by {{}}",)),
        (
            "other",
            (f"Which is the only other {name} by the author of {{}}?",),
            (f"the only other {name} by the author of {{}}",),
        ),
    )
    return {key: Relation(name=key, asks=asks, phrases=phrases) for key, asks, phrases in made}


def graph(collection: Collection) -> Graph:
    """Return the graph of the sound proposals, and of the persons that a chain can pass; it starts at no stub."""
    edges: dict[str, tuple[Edge, ...]] = {}
    for proposal in collection.sound:
        edges[_key(proposal.number)] = (*_attributes(collection, proposal), *_links(collection, proposal))
    for person, proposals in collection.written.items():
        if len(proposals) == 1 and proposals[0].sound and collection.certain(person):
            evidence = (collection.evidence(proposals[0].number, "Author"),)
            edges[person] = (_edge(collection, "only", person, proposals[0].number, evidence),)
    names = {_key(proposal.number): collection.names(proposal.number) for proposal in collection.titled}
    return Graph(names=names, relations=relations(collection.series.name), edges=edges)


def _key(number: int) -> str:
    """Return the entity that a proposal is."""
    return str(number)


def _attributes(collection: Collection, proposal: Proposal) -> Iterator[Edge]:
    """Yield the edges to a proposal's persons and literal values."""
    number, source = proposal.number, _key(proposal.number)
    authors = proposal.values("Author")
    if 1 <= len(authors) <= AUTHORS_AT_ONCE:
        yield _named(collection, "author" if len(authors) == 1 else "authors", number, "Author")
    for relation, key in (("sponsor", "Sponsor"), ("delegate", "Delegate")):
        if len(proposal.values(key)) == 1:
            yield _named(collection, relation, number, key)
    if created := proposal.values("Created"):
        yield _literal(collection, "created", number, "Created", (wordings.date(created[0]),))
    if proposal.values("Status"):
        header = collection.evidence(number, "Status")
        spans = (header, *prose.status(proposal, header.fact))
        yield Edge(relation="status", source=source, answers=(proposal.values("Status"),), evidence=spans)
    for relation, header_name in (("type", "Type"), ("category", "Category"), ("topic", "Topic")):
        if values := proposal.values(header_name):
            yield _literal(collection, relation, number, header_name, (values,))
    if len(version := proposal.values("Python-Version")) == 1:
        parts = (wordings.unique(version[0], f"Python {version[0]}"),)
        yield _literal(collection, "version", number, "Python-Version", parts)
    if proposal.plain:
        parts = (wordings.unique(proposal.plain, proposal.values("Title")[0]),)
        yield _literal(collection, "title", number, "Title", parts)


def _named(collection: Collection, relation: str, number: int, header: str) -> Edge:
    """Return the edge to the persons of a header; a single one can be passed on the way to what they wrote."""
    persons = [collection.person(name) for name in collection.proposals[number].values(header)]
    return Edge(
        relation=relation,
        source=_key(number),
        target=persons[0] if len(persons) == 1 else "",
        answers=tuple(collection.people.wordings(person) for person in persons),
        evidence=(collection.evidence(number, header),),
    )


def _literal(collection: Collection, relation: str, number: int, header: str, answers: Parts) -> Edge:
    """Return the edge to a value that nothing follows from."""
    return Edge(
        relation=relation, source=_key(number), answers=answers, evidence=(collection.evidence(number, header),)
    )


def _links(collection: Collection, proposal: Proposal) -> Iterator[Edge]:
    """Yield the edges to other proposals, each where it is the only one of its kind."""
    number = proposal.number
    succeeded, replaced = collection.successors(number), collection.predecessors(number)
    if len(succeeded) == 1 and prose.alluded(collection, number, "Superseded-By") <= {*succeeded}:
        evidence = succession(collection, number, succeeded[0])
        yield _edge(collection, "superseded-by", _key(number), succeeded[0], evidence)
    if len(replaced) == 1 and prose.alluded(collection, number, "Replaces") <= {*replaced}:
        yield _edge(collection, "replaced", _key(number), replaced[0], succession(collection, replaced[0], number))
    required, dependents = proposal.numbers("Requires"), collection.dependents(number)
    if len(required) == 1:
        yield _edge(collection, "requires", _key(number), required[0], requirement(collection, number, required[0]))
    if len(dependents) == 1:
        evidence = requirement(collection, dependents[0], number)
        yield _edge(collection, "required-by", _key(number), dependents[0], evidence)
    if len(required) > 1:
        header = (collection.evidence(number, "Requires"),)
        yield _edge(collection, "lowest", _key(number), min(required), header)
        yield _edge(collection, "highest", _key(number), max(required), header)
    yield from _others(collection, proposal)


def _others(collection: Collection, proposal: Proposal) -> Iterator[Edge]:
    """Yield the edge to the one other proposal of the sole author, which takes two facts."""
    authors = proposal.values("Author")
    person = collection.person(authors[0]) if len(authors) == 1 else ""
    others = [other for other in collection.written.get(person, ()) if other.number != proposal.number]
    if len(others) == 1 and others[0].sound and collection.certain(person):
        evidence = tuple(collection.evidence(number, "Author") for number in (proposal.number, others[0].number))
        yield _edge(collection, "other", _key(proposal.number), others[0].number, evidence, hops=2)


def _edge(
    collection: Collection, relation: str, source: str, to: int, evidence: Sequence[GoldSpan], hops: int = 1
) -> Edge:
    """Return the edge to a proposal, which need not be in the collection."""
    header = _as_written(collection, evidence, to)
    return Edge(
        relation=relation,
        source=source,
        target=_key(to) if to in collection.proposals else "",
        answers=(wordings.unique(*collection.wordings(to), *header),),
        evidence=tuple(evidence),
        hops=hops,
    )


def _as_written(collection: Collection, evidence: Sequence[GoldSpan], to: int) -> tuple[str, ...]:
    """Return the header that ends in the number, which says what it is a number of (``Superseded-By: 101``)."""
    spelled = (f"{key}: {to}" for key in (*LINKS, *(link.lower() for link in LINKS)))
    texts = [collection.text(span) for span in evidence]
    return tuple(header for header in spelled if any(" ".join(text.split()) == header for text in texts))


def succession(collection: Collection, old: int, new: int) -> tuple[GoldSpan, ...]:
    """Return every place that says ``new`` superseded ``old``: headers of either, then sentences of either."""
    name = f"{collection.label(old)}: Superseded-By"
    spans: list[GoldSpan] = []
    for number, other, header in ((old, new, "Superseded-By"), (new, old, "Replaces")):
        if number in collection.proposals and other in collection.proposals[number].numbers(header):
            spans.append(collection.proposals[number].facts[header].span(name))
    for number, other, relation in ((old, new, "Superseded-By"), (new, old, "Replaces")):
        if number in collection.proposals:
            spans.extend(prose.linking(collection, number, other, relation, name))
    return tuple(spans)


def requirement(collection: Collection, number: int, required: int) -> tuple[GoldSpan, ...]:
    """Return every place of ``number`` that says it requires ``required``."""
    header = collection.evidence(number, "Requires")
    return (header, *prose.linking(collection, number, required, "Requires", header.fact))
