"""Answers the generated questions anew: reads a question's words as a person would, and headers by other means.

It shares no code with the generator: headers are parsed by ``email`` and by plain splitting, and every noun phrase of a
question is taken apart by what it says. What it cannot read, it refuses with ``AssertionError``.
"""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from email import message_from_string
from functools import cached_property

from evals.records import Document


class Reader:
    """The headers of a collection of documents, and the answers they give."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.of: dict[int, Mapping[str, str]] = {}
        self.texts: dict[int, str] = {}
        for document in documents:
            number = int(document.id.split("-")[1])
            self.of[number] = rst(document.text) if document.suffix == ".rst" else markdown(document.text)
            self.texts[number] = document.text
        self.series = "PEP" if document.suffix == ".rst" else "EIP"

    @cached_property
    def mentions(self) -> Mapping[int, list[str]]:
        """The text just before every mention of a number, by the number."""
        found = defaultdict(list)
        for text in self.texts.values():
            for match in re.finditer(r"(?:pep|eip|erc)s?\W{0,3}(\d+)", text, re.IGNORECASE):
                found[int(match[1])].append(text[max(0, match.start() - 60) : match.start()])
        return found

    @cached_property
    def everything(self) -> str:
        """All texts, in lower case."""
        return "\n".join(self.texts.values()).lower()

    def numbers(self, proposal: int, header: str) -> set[int]:
        """The proposals that a header lists."""
        return {int(word) for word in re.findall(r"\d+", self.of[proposal].get(header, ""))}

    def listing(self, proposal: int, header: str) -> set[int]:
        """The proposals whose header lists this one."""
        return {other for other in self.of if proposal in self.numbers(other, header)}

    def authors(self, proposal: int) -> list[str]:
        """The names in the author header."""
        return people(self.of[proposal].get("author", ""))

    def by(self, name: str) -> set[int]:
        """Everything that a name stands over."""
        return {proposal for proposal in self.of if name in self.authors(proposal)}

    def created(self, proposal: int) -> datetime.date:
        """The day of creation."""
        text = self.of[proposal]["created"]
        return datetime.datetime.strptime(text, "%d-%b-%Y" if self.series == "PEP" else "%Y-%m-%d").date()

    def proposal(self, phrase: str) -> int:
        """The one proposal that a noun phrase means."""
        series = self.series
        if match := re.fullmatch(rf"{series}[- ](\d+)", phrase):
            return int(match[1])
        if match := re.fullmatch(rf"the {series} titled “(.*)”", phrase):
            same = [p for p, headers in self.of.items() if plain(headers.get("title", "")) == match[1]]
            return one(same)
        kinds = {
            rf"the {series} that superseded (.+)|the successor of (.+)": self._successors,
            rf"the {series} (?:replaced|that was superseded) by (.+)": self._predecessors,
            rf"the {series} required by (.+)|the {series} that (.+) requires": lambda p: self.numbers(p, "requires"),
            rf"the only {series} that requires (.+)": lambda p: self.listing(p, "requires"),
            rf"the lowest-numbered {series} required by (.+)": lambda p: {min(self.numbers(p, "requires"))},
            rf"the highest-numbered {series} required by (.+)": lambda p: {max(self.numbers(p, "requires"))},
            rf"the only other {series} by the author of (.+)": lambda p: self.by(one(self.authors(p))) - {p},
        }
        for pattern, end in kinds.items():
            if match := re.fullmatch(pattern, phrase):
                return one(end(self.proposal(next(group for group in match.groups() if group))))
        if match := re.fullmatch(rf"the only {series} written by the (delegate|sponsor) (?:for|of) (.+)", phrase):
            return one(self.by(one(self.persons(self.proposal(match[2]), match[1]))))
        raise AssertionError(f"cannot read {phrase!r}")

    def _successors(self, proposal: int) -> set[int]:
        return self.numbers(proposal, "superseded-by") | self.listing(proposal, "replaces")

    def _predecessors(self, proposal: int) -> set[int]:
        return self.numbers(proposal, "replaces") | self.listing(proposal, "superseded-by")

    def persons(self, proposal: int, role: str) -> list[str]:
        """Who has a role in a proposal."""
        headers = self.of[proposal]
        if role == "delegate":
            return people(headers.get("bdfl-delegate") or headers.get("pep-delegate", ""))
        return people(headers.get(role, ""))

    def answer(self, question: str) -> list[str]:
        """The parts of the answer of a question."""
        series, said = self.series, question[:-1]
        for read in (self._attribute, self._link, self._compared, self._of_a_person, self._several):
            found = read(said, series)
            if found is not None:
                return found
        raise AssertionError(f"cannot read {question!r}")

    def _attribute(self, said: str, series: str) -> list[str] | None:
        patterns = {
            r"Who is the author of (.+)|Who wrote (.+)|Who are (?:all )?the authors of (.+)"
            r"|Which people are named as authors of (.+)|Name every author of (.+)": "author",
            r"When was (.+) created|On what date was (.+) created|What is the creation date of (.+)": "created",
            r"What is the status of (.+)|What status does (.+) have": "status",
            rf"What is the type of (.+)|What type of {series} is (.+)": "type",
            r"What is the category of (.+)|Which category does (.+) belong to": "category",
            r"What is the topic of (.+)|Which topic is (.+) filed under": "topic",
            r"Which Python version is the target of (.+)|Which Python version does (.+) target": "python-version",
            r"What is the title of (.+)": "title",
            r"Who sponsored (.+)|Who is the sponsor of (.+)": "sponsor",
            rf"Who was the delegate for (.+)|Who was the {series}-Delegate of (.+)": "delegate",
            r"In which year was (.+) created|What year does (.+) date from": "year",
            r"How many authors does (.+) have|How many people wrote (.+)": "how many",
        }
        for pattern, header in patterns.items():
            if match := re.fullmatch(pattern, said):
                proposal = self.proposal(next(group for group in match.groups() if group))
                if header in ("author", "sponsor", "delegate"):
                    return self.persons(proposal, header)
                if header == "how many":
                    return [str(len(self.authors(proposal)))]
                if header in ("created", "year"):
                    return [self.created(proposal).isoformat()[: 10 if header == "created" else 4]]
                return [plain(self.of[proposal][header]) if header == "title" else self.of[proposal][header]]
        return None

    def _link(self, said: str, series: str) -> list[str] | None:
        forms = {
            rf"Which {series} superseded (.+)": "the {series} that superseded {np}",
            rf"By which {series} was (.+) superseded": "the {series} that superseded {np}",
            rf"Which {series} was replaced by (.+)|Which {series} did (.+) replace": "the {series} replaced by {np}",
            rf"Which {series} is required by (.+)|Which {series} does (.+) require": "the {series} required by {np}",
            rf"Which {series} is the only one to require (.+)": "the only {series} that requires {np}",
            r"Which is (the (?:only|lowest-numbered|highest-numbered).+)": "{np}",
        }
        for pattern, phrase in forms.items():
            if match := re.fullmatch(pattern, said):
                np = next(group for group in match.groups() if group)
                return self.labels([self.proposal(phrase.format(series=series, np=np))])
        return None

    def labels(self, proposals: Iterable[int]) -> list[str]:
        """How proposals are called."""
        return [f"{self.series}{' ' if self.series == 'PEP' else '-'}{proposal}" for proposal in sorted(proposals)]

    def pair(self, said: str, between: str) -> tuple[int, int]:
        """The two proposals of ``A and B``, where a title may hold an ``and`` of its own."""
        halves = [(said[: at.start()], said[at.end() :]) for at in re.finditer(between, said)]
        one_, other = one([half for half in halves if all(half_.count("“") == half_.count("”") for half_ in half)])
        return self.proposal(one_), self.proposal(other)

    def _compared(self, said: str, series: str) -> list[str] | None:
        if match := re.fullmatch(r"Do (.+) and (.+) (share an author|have the same status)", said):
            one_, other = self.pair(f"{match[1]} and {match[2]}", " and ")
            same = self.of[one_]["status"] == self.of[other]["status"]
            shared = bool({*self.authors(one_)} & {*self.authors(other)})
            return ["yes" if (shared if "author" in match[3] else same) else "no"]
        if match := re.fullmatch(r"(?:Was|Is) (.+) (?:created before|older than) (the .+)", said):
            return ["yes" if self.created(self.proposal(match[1])) < self.created(self.proposal(match[2])) else "no"]
        more = "has more authors|names more .*"
        either = rf"(?:Which was created |Which {series} is |Which )(first|older|later|newer|{more}), (.+) or (.+)"
        if match := re.fullmatch(either, said):
            pair = self.pair(f"{match[2]} or {match[3]}", " or ")
            if match[1].startswith(("has", "names")):
                return self.labels([max(pair, key=lambda p: len(self.authors(p)))])
            return self.labels([(min if match[1] in ("first", "older") else max)(pair, key=self.created)])
        several = r"(?:Which of|Of) (.+) and (.+?)(?: was created (first|most recently)|, which is the (oldest|newest))"
        if match := re.fullmatch(several, said):
            three = [self.proposal(name) for name in (*match[1].split(", "), match[2])]
            return self.labels([(min if "first" in said or "oldest" in said else max)(three, key=self.created)])
        return None

    def _of_a_person(self, said: str, series: str) -> list[str] | None:
        before = (
            rf"Which {series} that (.+) wrote or co-wrote was the last to be created before (\d+)"
            rf"|What was the most recent {series} by (.+) created before (\d+)"
        )
        if match := re.fullmatch(before, said):
            name, year = (group for group in match.groups() if group)
            return self.labels([max((p for p in self.by(name) if self.created(p).year < int(year)), key=self.created)])
        if match := re.fullmatch(
            rf"Which was the first {series} that (.+) wrote or co-wrote|What is the earliest {series} by (.+)", said
        ):
            return self.labels([min(self.by(match[1] or match[2]), key=self.created)])
        if match := re.fullmatch(
            rf"Which {series} by (.+) was created last|What is the most recent {series} by (.+)", said
        ):
            return self.labels([max(self.by(match[1] or match[2]), key=self.created)])
        status = (
            rf"(?:Which|How many) {series}s that (?P<a>.+) wrote or co-wrote have the status “(?P<s>.+)”"
            rf"|How many of (?P<b>.+)'s {series}s have the status “(?P<t>.+)”"
            rf"|Which {series}s with the status “(?P<u>.+)” name (?P<c>.+) as an author"
        )
        if match := re.fullmatch(status, said):
            name = match["a"] or match["b"] or match["c"]
            held = [p for p in self.by(name) if self.of[p]["status"] == (match["s"] or match["t"] or match["u"])]
            return [str(len(held))] if said.startswith("How") else self.labels(held)
        year = rf"Which {series}s by (.+) were created in (\d+)|Which {series}s created in (\d+) name (.+) as an author"
        if match := re.fullmatch(year, said):
            name, when = match[1] or match[4], int(match[2] or match[3])
            return self.labels(p for p in self.by(name) if self.created(p).year == when)
        count = (
            rf"How many {series}s did (.+) write or co-write|How many {series}s name (.+) as an author"
            rf"|In how many {series}s is (.+) listed among the authors"
        )
        if match := re.fullmatch(count, said):
            return [str(len(self.by(next(group for group in match.groups() if group))))]
        return None

    def _several(self, said: str, series: str) -> list[str] | None:
        if match := re.fullmatch(rf"Which other {series}s did the author of (.+) write or co-write", said):
            proposal = self.proposal(match[1])
            return self.labels(self.by(one(self.authors(proposal))) - {proposal})
        forms = {
            rf"(?:Which|How many) {series}s does (.+) require": lambda p: self.numbers(p, "requires"),
            rf"(?:Which|How many) {series}s did (.+) replace": self._predecessors,
            rf"Which {series}s list (.+) among the {series}s that they require": lambda p: self.listing(p, "requires"),
            rf"How many {series}s require (.+)": lambda p: self.listing(p, "requires"),
        }
        for pattern, ends in forms.items():
            if match := re.fullmatch(pattern, said):
                found = ends(self.proposal(match[1]))
                return [str(len(found))] if said.startswith("How") else self.labels(found)
        return None


def rst(text: str) -> Mapping[str, str]:
    """The headers of a PEP, as an e-mail parser reads them, by their names in lower case."""
    message = message_from_string(text)
    return {key.lower(): " ".join(str(value).split()) for key, value in message.items()}


def markdown(text: str) -> Mapping[str, str]:
    """The preamble of an EIP."""
    lines = (line.partition(":") for line in text.split("---", 2)[1].strip().splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def people(header: str) -> list[str]:
    """The names of a header, without what is in brackets."""
    bare = re.sub(r"<[^>]*>|\(@[^)]*\)", "", header).replace(", Jr.", " Jr.")
    return [" ".join(name.split()).replace(" Jr.", ", Jr.") for name in bare.split(",") if name.strip()]


def plain(title: str) -> str:
    """A title without markup."""
    quoted = len(title) > 1 and title[0] == title[-1] and title[0] in "'\""
    bare = (title[1:-1] if quoted else title).replace("\\ ", "").replace("\\", "").replace("``", "")
    return re.sub(r"(?<!\w)`|`(?!\w)", "", bare).strip()


def one(found: Iterable[object]) -> object:
    """The only element: a question that means two things is a bad one."""
    listed = list(found)
    assert len(listed) == 1, f"not one but {listed}"
    return listed[0]
