"""What the markup of a page says of being closed: a paid article, a form for a password, a bot check, a consent banner.

Facts alone, as short words; what they mean together with the page's text is judged in ``tools.page_signs``. Runs in the
child process that reads pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

PAID, PASSWORD, CHALLENGE, CONSENT = "paid", "password", "challenge", "consent"

LONGEST_SCRIPT = 200_000
MOST_SCRIPTS = 20
MOST_NODES = 5_000

_CHALLENGES = (
    "//*[@id='challenge-form' or @id='challenge-running' or @id='cf-wrapper' or @id='px-captcha']",
    "//*[contains(concat(' ', @class, ' '), ' g-recaptcha ') or contains(concat(' ', @class, ' '), ' h-captcha ')]",
    "//*[contains(concat(' ', @class, ' '), ' cf-turnstile ')]",
    "//script[contains(@src, '/cdn-cgi/challenge-platform/') or contains(@src, 'captcha-delivery.com')]",
    "//iframe[contains(@src, 'captcha') or contains(@src, '_Incapsula_Resource')]",
)
_CONSENTS = (
    "//*[@id='onetrust-banner-sdk' or @id='CybotCookiebotDialog' or @id='didomi-host' or @id='qc-cmp2-container']",
    "//*[starts-with(@id, 'sp_message_container')]",
    "//form[contains(@action, '//consent.')]",
)


def html_marks(tree: Any) -> tuple[str, ...]:
    """Return the marks of an lxml tree, each once."""
    found = {
        PAID: _is_paid(tree),
        PASSWORD: bool(tree.xpath("boolean(//input[@type='password'])")),
        CHALLENGE: any(tree.xpath(f"boolean({path})") for path in _CHALLENGES),
        CONSENT: any(tree.xpath(f"boolean({path})") for path in _CONSENTS),
    }
    return tuple(mark for mark, there in found.items() if there)


def _is_paid(tree: Any) -> bool:
    """Return whether schema.org's ``isAccessibleForFree`` or a meta tag says that the page is not free to read."""
    tiers = tree.xpath("//meta[@property='article:content_tier']/@content")
    if any(tier.strip().lower() == "locked" for tier in tiers):
        return True
    scripts = tree.xpath("//script[@type='application/ld+json']/text()")
    return any(_says_paid(script) for script in scripts[:MOST_SCRIPTS] if len(script) <= LONGEST_SCRIPT)


def _says_paid(script: str) -> bool:
    if "isAccessibleForFree" not in script:
        return False
    try:
        said = json.loads(script)
    except (ValueError, RecursionError):
        return False
    return any(str(value).lower().rpartition("/")[2] == "false" for value in _free(said))


def _free(said: Any) -> Iterator[Any]:
    """Yield what is said of an article as a whole: what is in a ``hasPart`` is only a part of it."""
    waiting, nodes = [said], 0
    while waiting and nodes < MOST_NODES:
        node, nodes = waiting.pop(), nodes + 1
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            if "isAccessibleForFree" in node:
                yield node["isAccessibleForFree"]
            waiting += [value for name, value in node.items() if name != "hasPart" and isinstance(value, list | dict)]
