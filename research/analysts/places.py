"""Names of countries and continents, for a town and the country it lies in are no two answers. Pure.

Common names in English, without those of former states but a few; towns, which may share a name with no country, are
told from them by not being here.
"""

from __future__ import annotations

import re

from research.analysts.wording import bare

_COUNTRIES = """Afghanistan Albania Algeria Andorra Angola Argentina Armenia Australia Austria Azerbaijan Bahrain
    Bangladesh Barbados Belarus Belgium Belize Benin Bhutan Bolivia Bosnia Botswana Brazil Britain Brunei Bulgaria
    Burundi Cambodia Cameroon Canada Chad Chile China Colombia Congo Croatia Cuba Cyprus Czechia Czechoslovakia Denmark
    Ecuador Egypt England Eritrea Estonia Eswatini Ethiopia Fiji Finland France Gabon Gambia Georgia Germany Ghana
    Greece Grenada Guatemala Guinea Guyana Haiti Honduras Hungary Iceland India Indonesia Iran Iraq Ireland Israel Italy
    Jamaica Japan Jordan Kazakhstan Kenya Korea Kosovo Kuwait Kyrgyzstan Laos Latvia Lebanon Lesotho Liberia Libya
    Liechtenstein Lithuania Madagascar Malawi Malaysia Maldives Mali Malta Mauritania Mauritius Mexico Moldova Mongolia
    Montenegro Morocco Mozambique Myanmar Namibia Nepal Netherlands Nicaragua Niger Nigeria Norway Oman Pakistan
    Palestine Panama Paraguay Peru Philippines Poland Portugal Prussia Qatar Romania Russia Rwanda Scotland Senegal
    Serbia Singapore Slovakia Slovenia Somalia Spain Sudan Suriname Sweden Switzerland Syria Taiwan Tajikistan Tanzania
    Thailand Togo Tunisia Turkey Turkmenistan Uganda Ukraine Uruguay USA Uzbekistan Venezuela Vietnam Wales Yemen
    Yugoslavia Zambia Zimbabwe Africa America Antarctica Asia Europe Oceania Bavaria Tuscany Lombardy Sicily Normandy
    Catalonia California Texas Florida Ohio Michigan Virginia Alaska Hawaii Ontario Quebec"""
_KNOWN = frozenset(_COUNTRIES.casefold().split())
_LARGE = re.compile(
    r"(?i)\b(?:united (?:states|kingdom)|new zealand|south africa|north|south|east|west|county|province|region|state"
    r"|district|kingdom|republic|union|shire|islands?|coast|valley|\w+shire)\b"
)


def wide(name: str) -> bool:
    """Return whether ``name`` is that of a country, a continent, or a part of one that has towns in it."""
    return _LARGE.search(name) is not None or not _KNOWN.isdisjoint(bare(name).split())
