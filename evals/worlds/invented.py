"""Names that nobody bears: of people, towns, companies, instruments, institutions and rivers, each given once.

Words are taken from a shuffled list of combinations. No word of one kind is one of another, so no name stands inside
another; look-alikes (a surname or a coined word with another first or second half) are made on purpose.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import product


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a text."""
    return tuple(text.split())


GIVEN = _words("""
    Ada Aldous Alma Anselm Astrid Benedikt Berit Calder Cosima Dagny Edda Egon Elspeth Emeric Esme Fenna Florian
    Gerda Gideon Hedda Hester Ilse Ingram Isolde Jorun Joss Kasimir Katrin Lavinia Leonie Linus Ludo Maren Margit
    Matthis Merle Milo Nadia Nevin Odile Orrin Oskar Petra Quentin Ragna Rufus Saskia Selwyn Sunniva Tamsin Thea
    Tobiah Ulla Valentin Vera Wanda Wilhelm Ximena Yorick Zelda
""")
HEADS = _words("""
    Bal Ber Bran Brin Cal Car Cor Dal Dar Del Dun Fal Fen Fin Gar Gil Gor Hal Har Hel Hol Jar Kal Kel Kor Lan Lar
    Lin Lor Mal Mar Mel Mor Nar Nel Nor Or Pel Per Pol Quil Ral Ran Ros Sal Sel Sor Stel Tal Tar Tel Thor Tor Val
    Var Vel Ver Vin Wal Wen
""")
LINKS = _words("""
    b d f g k l m n r s t v
""")
MIDDLES = _words("""
    a an e en i in o on u un ar er or as es is
""")
SURNAME_TAILS = _words("""
    bach berg brook croft dahl feld gren heim holt lund mark nes quist rud stad strand thal voll wick zell
""")
TOWN_TAILS = _words("""
    bury by combe dale ford ham haven hurst ley mere minster mouth ness port stead thorpe ton vale wich worth
""")
COINED_TAILS = _words("""
    dra dyne ka lex lis lux mira na nix nova phon ra ris ron sa stra tex tis via vox
""")
RIVER_TAILS = _words("""
    beck bourne burn flow leet rill wash water
""")
TRADES = _words("""
    Instruments Optics Foundry Precision Glassworks Signals Marine Clockworks
""")
DEVICES = _words("""
    altimeter anemometer astrolabe barograph chronometer clinometer dynamometer galvanometer goniometer heliograph
    hygrometer orrery pantograph photometer planimeter pyrometer seismograph spectroscope tachymeter theodolite
""")
HOUSES = _words("""
    Observatory Museum Archive Institute Library Planetarium
""")
REGIONS = ("Northmark", "Eastreach", "Southfold", "Westhollow", "the Midlands of Arn", "the Isle of Corran")
PROFESSIONS = (
    "instrument maker", "surveyor", "astronomer", "engineer", "physicist", "watchmaker", "hydrographer", "glassblower",
    "mathematician", "cartographer",
)  # fmt: skip


class Names:
    """The names of one world, from its seed. Words of the four kinds never meet, and none comes twice."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"names {seed}")
        self._given: set[str] = set()
        self.surnames = self._words("surnames", SURNAME_TAILS)
        self.towns = self._words("towns", TOWN_TAILS)
        self.coined = self._words("coined", COINED_TAILS)
        self.rivers = self._words("rivers", RIVER_TAILS)

    def _words(self, kind: str, tails: tuple[str, ...]) -> Iterator[str]:
        """Yield words with one of the tails, in an order of chance: short ones first, then longer ones without end."""
        chance = random.Random(f"{kind} {self._chance.random()}")
        words = ["".join(parts) for parts in product(HEADS, MIDDLES, tails)]
        chance.shuffle(words)
        while True:
            yield from (word for word in words if not self._known(word))
            words = ["".join(map(chance.choice, (HEADS, MIDDLES, LINKS, MIDDLES, tails))) for _ in range(10_000)]

    def _known(self, word: str) -> bool:
        """Whether a word was given before, to whatever kind, or stammers; if not, it is given now."""
        known = word in self._given or re.search(r"(..)\1", word, re.IGNORECASE) is not None
        self._given.add(word)
        return known

    def person(self) -> str:
        """Return a new person's name."""
        return f"{self._chance.choice(GIVEN)} {next(self.surnames)}"

    def relative(self, name: str) -> str:
        """Return the name of somebody with the surname of ``name`` and another first name."""
        given, surname = name.split()
        return f"{self._chance.choice([other for other in GIVEN if other != given])} {surname}"
