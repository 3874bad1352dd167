"""Whether an answer is the page that was asked for: a paywall, consent page, bot check, login or missing page is not.

Pure, on what was parsed and on the status. Such a page must never be quoted as if it were the article, and what keeps
the reader out should be named; but an honest page that speaks of passwords or captchas must be read. So words alone
count only in a short text, and what is long is read whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from tools.page_marks import CHALLENGE, CONSENT, PAID, PASSWORD

BOT_CHECK = "asks for proof that a person is reading (a captcha or bot check)"
CONSENT_PAGE = "shows only a page that asks for consent to cookies"
LOGIN = "is behind a login"
PAYWALL = "is behind a paywall"
MISSING = "says that there is no such page, although it answered 200 OK"

SHORT = 1_500
"""Characters: what is longer is an article, whatever is written above and below it."""
SHORTER = 500
"""What is no longer than this needs no second sign."""
LEAD = 2_500
"""A page that says itself that it is paid shows no more than this as its lead."""

_BOT_TITLE = re.compile(
    r"^(?:just a moment|attention required|access denied|pardon our interruption|are you (?:a )?(?:robot|human)|"
    r"human verification|security check|verify you are human|robot check|ddos-guard|checking your browser)",
    re.IGNORECASE,
)
_BOT = re.compile(
    r"(?:verify|verifying|confirm)(?: that)? you are (?:a )?human|unusual traffic from your|"
    r"checking (?:if the site connection is secure|your browser before)|press (?:&|and) hold to|"
    r"javascript and cookies to continue|complete the captcha|(?:you are|you're) not a (?:ro)?bot",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"before you continue to|we value your privacy|we and our \d*\s*partners|accept all|reject all|"
    r"manage (?:my )?(?:cookies|options|preferences|settings)|use of cookies|uses? cookies|consent to",
    re.IGNORECASE,
)
_LOGIN_TITLE = re.compile(
    r"^(?:log ?in|sign ?in|login|anmelden|einloggen|connexion|iniciar sesi[oó]n|accedi)\b", re.IGNORECASE
)
_LOGIN = re.compile(
    r"(?:log|sign) ?in to (?:continue|view|read|access|see)|you must (?:be logged|log|sign) ?in|"
    r"please (?:log|sign) ?in|(?:log|sign) ?in with your",
    re.IGNORECASE,
)
_PAYWALL = re.compile(
    r"(?:subscribe|register|sign up|log in)(?: now| today)? to (?:continue|keep|finish) reading|"
    r"(?:article|content|story|page) is (?:only |exclusively )?(?:for|available to|reserved for) "
    r"(?:paying |our )?(?:subscribers|members)|unlock (?:this|the full) (?:article|story)|"
    r"(?:reached|used) (?:your|all of your) "
    r"(?:limit of )?free articles|to read the (?:full|rest of the) (?:article|story),? (?:please )?(?:subscribe|buy)",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"^(?:(?:error|http)[ :]*)?404\b|^(?:sorry,? )?(?:the |this )?page (?:you requested )?"
    r"(?:was |is |could )?(?:not (?:be )?found|does ?n[o']t exist|doesn’t exist|no longer (?:exists|available))|"
    r"^(?:not found|seite nicht gefunden|page (?:introuvable|non trouvée)|página no encontrada|pagina non trovata)\b",
    re.IGNORECASE,
)
_BOT_BYTES = re.compile(
    rb"/cdn-cgi/challenge-platform/|cf-chl-|id=\"challenge-(?:form|running|error)|captcha-delivery\.com|px-captcha|"
    rb"_incapsula_resource|awswafcookiedomainlist|g-recaptcha|h-captcha|cf-turnstile|<title>just a moment",
    re.IGNORECASE,
)
LOOKED_AT = frozenset({401, 402, 403, 429, 503})
"""Statuses behind which a bot check, a paywall or a login may stand."""


def page_sign(url: str, title: str, text: str, marks: tuple[str, ...]) -> str:
    """Return what a page is instead of the one asked for, as the end of a sentence; empty for an honest page."""
    if len(text) > LEAD:
        return ""
    if len(text) <= SHORT:
        sign = _closed(url, title, text, marks)
        if sign:
            return sign
    if PAID in marks or (len(text) <= SHORT and _PAYWALL.search(text)):
        return PAYWALL
    if len(text) <= SHORTER and _MISSING.search(title.strip() or text.strip()):
        return MISSING
    return ""


def _closed(url: str, title: str, text: str, marks: tuple[str, ...]) -> str:
    """Return why a short page is a form to be got past. Two signs are wanted, of a very short text one."""
    brief = len(text) <= SHORTER
    bot = (CHALLENGE in marks, bool(_BOT_TITLE.search(title)), bool(_BOT.search(text)))
    if sum(bot) >= 2 or (brief and bot[2]):
        return BOT_CHECK
    asked = len({found.group().lower() for found in _CONSENT.finditer(text)})
    host = (urlsplit(url).hostname or "").startswith("consent.")
    if asked >= 3 or (asked >= 2 and (CONSENT in marks or brief)) or (asked and host):
        return CONSENT_PAGE
    login = (PASSWORD in marks, bool(_LOGIN_TITLE.search(title)), bool(_LOGIN.search(text)))
    return LOGIN if sum(login) >= 2 or (brief and login[2]) else ""


def status_sign(status: int, headers: Mapping[str, str], start: bytes) -> str:
    """Return what stands behind a refusal, by its status, its headers (any case) and the first bytes of its body."""
    if status == 402:
        return PAYWALL
    challenged = (
        headers.get("cf-mitigated", "").lower() == "challenge"
        or headers.get("x-amzn-waf-action", "").lower() in ("challenge", "captcha")
        or "x-datadome" in headers
        or bool(_BOT_BYTES.search(start))
    )
    if challenged:
        return BOT_CHECK
    return LOGIN if status == 401 else ""
