"""Pages that are not the page that was asked for, through the real fetch and parser, and honest ones beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from research.errors import EffectFailed
from research.ports import Page
from research.requests import FetchRequest
from tools.fakes.web_server import WebPage, WebServer
from tools.page_signs import BOT_CHECK, CONSENT_PAGE, LOGIN, MISSING, PAYWALL, page_sign
from tools.parse import ChildParser
from tools.safe_fetch import SafeFetch

LEAD = "<p>The Danube flows through ten countries, more than any other river in the world, and ends in the sea.</p>"
LONG = "".join(LEAD.replace("ten countries", f"{n} towns of note") for n in range(40))
PAID = (
    '<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [{"@type": "NewsArticle", '
    '"isAccessibleForFree": %s, "hasPart": {"@type": "WebPageElement", "isAccessibleForFree": %s}}]}</script>'
)


def page(body: str, *, title: str = "Rivers", head: str = "", status: int = 200, headers: tuple = ()) -> WebPage:
    text = f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"
    return WebPage(body=text.encode(), status=status, headers=headers)


SITES = {
    "/paid": (page(f"<article>{LEAD}</article>", head=PAID % ("false", "false")), PAYWALL),
    "/paid-string": (page(f"<article>{LEAD}</article>", head=PAID % ('"False"', "true")), PAYWALL),
    "/tier": (page(LEAD, head='<meta property="article:content_tier" content="locked">'), PAYWALL),
    "/subscribe": (page(LEAD + "<p>Subscribe to continue reading. Already a subscriber? Log in.</p>"), PAYWALL),
    "/402": (page("Pay up.", status=402), PAYWALL),
    "/cloudflare": (
        page(
            '<h1>www.example.org</h1><p>Verify you are human by completing the action below.</p><div id="challenge-'
            'running"></div><script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script>',
            title="Just a moment...",
            status=403,
            headers=(("cf-mitigated", "challenge"), ("Server", "cloudflare")),
        ),
        BOT_CHECK,
    ),
    "/503": (page('<form id="challenge-form" action="/?__cf_chl_f_tk=x">', status=503), BOT_CHECK),
    "/datadome": (page("x", status=403, headers=(("X-DataDome", "protected"),)), BOT_CHECK),
    "/waf": (page("x", status=405, headers=(("x-amzn-waf-action", "captcha"),)), None),
    "/human": (
        page('<p>Please confirm you are a human.</p><div class="g-recaptcha" data-sitekey="x"></div>', title="Hm"),
        BOT_CHECK,
    ),
    "/traffic": (page("<p>Our systems have detected unusual traffic from your computer network.</p>"), BOT_CHECK),
    "/consent": (
        page(
            "<h1>Before you continue to Example</h1><p>We use cookies and data to deliver and maintain services.</p>"
            "<p>If you choose to accept all, we will also use cookies to develop new services.</p>"
            "<button>Reject all</button><button>Accept all</button>",
            title="Before you continue",
        ),
        CONSENT_PAGE,
    ),
    "/banner": (
        page(
            '<div id="onetrust-banner-sdk"><p>We value your privacy. We and our 842 partners store information on a '
            "device and process personal data.</p></div>"
        ),
        CONSENT_PAGE,
    ),
    "/login": (
        page("<p>Sign in to continue.</p><form><input name=u><input type=password></form>", title="Sign in"),
        LOGIN,
    ),
    "/401": (page("Who are you?", status=401), LOGIN),
    "/gone": (page("<h1>Page not found</h1><p>Try the search.</p>", title="Page not found"), MISSING),
    "/gone-404": (page("<h1>404</h1><p>Nothing here, try the search.</p>", title="404 | Example"), MISSING),
}

HONEST = {
    "/free": page(f"<article>{LEAD}</article>", head=PAID % ("true", "false")),
    "/paid-but-whole": page(f"<article>{LONG}</article>", head=PAID % ("false", "false")),
    "/asks-below": page(f"<article>{LONG}<p>Already a subscriber? Sign in to continue.</p></article>"),
    "/form": page(f'<article>{LEAD}</article><form><input type=password></form><div class="g-recaptcha"></div>'),
    "/banner-below": page(f'<article>{LONG}</article><div id="onetrust-banner-sdk">We value your privacy</div>'),
    "/on-captchas": page(
        "<article><h1>CAPTCHA</h1><p>A CAPTCHA is a test to tell people and programs apart. It was named in 2003 by "
        "Luis von Ahn, Manuel Blum, Nicholas Hopper and John Langford, and asks to read distorted words.</p></article>",
        title="CAPTCHA",
    ),
    "/on-cookies": page(
        f"<article>{LEAD}<p>The site of the commission makes use of cookies.</p></article>", title="On cookies"
    ),
    "/eip-404": page(f"<article>{LEAD}</article>", title="EIP-404: what is not found"),
    "/on-404": page(f"<article>{LONG}</article>", title="404 Not Found, a history"),
    "/broken-json": page(LEAD, head='<script type="application/ld+json">{"isAccessibleForFree": false,</script>'),
}


@pytest_asyncio.fixture
async def parser() -> AsyncIterator[ChildParser]:
    child = ChildParser(children=1)
    yield child
    await child.aclose()


async def fetched(server: WebServer, path: str, parser: ChildParser) -> Page | EffectFailed:
    fetch = SafeFetch(parser, allow_hosts=[server.host])
    try:
        return await fetch.fetch(FetchRequest(handle="h", url=server.url + path), timeout=20.0)
    except EffectFailed as failure:
        return failure
    finally:
        await fetch.aclose()


async def test_what_keeps_a_reader_out_is_named(parser: ChildParser) -> None:
    """Paywalls, bot checks, consent pages, logins and missing pages are no pages, and asking again would not help."""
    with WebServer({path: site for path, (site, _) in SITES.items()}) as server:
        for path, (_, sign) in SITES.items():
            found = await fetched(server, path, parser)
            assert isinstance(found, EffectFailed), path
            assert sign is None or str(found).endswith(sign), (path, str(found))
            assert str(found).startswith(server.url + path)
            assert not found.retryable, path


async def test_honest_pages_are_read(parser: ChildParser) -> None:
    """Articles about such things, with such forms, or with such words at their end, are pages."""
    with WebServer(HONEST) as server:
        for path in HONEST:
            found = await fetched(server, path, parser)
            assert isinstance(found, Page), (path, str(found))


async def test_an_overloaded_server_is_not_taken_for_a_bot_check(parser: ChildParser) -> None:
    """A plain 503 stays worth another try."""
    with WebServer({"/": page("Down for maintenance.", status=503)}) as server:
        found = await fetched(server, "/", parser)
    assert isinstance(found, EffectFailed)
    assert found.retryable


def test_a_consent_host_is_known_by_its_name() -> None:
    """Where a redirect ended on a host for consent, one such word is enough."""
    text = "Bevor Sie fortfahren: the use of cookies. " + "Ein langer Satz über Daten. " * 30
    assert page_sign("https://consent.example.com/m?continue=x", "Example", text, ()) == CONSENT_PAGE
    assert page_sign("https://www.example.com/m", "Example", text, ()) == ""


META = """<html><head><title>T</title><meta name="author" content="Ann Other"><meta name="author" content="Bo Both">
<meta property="article:published_time" content="2023-04-05T10:00:00Z"></head><body>{}</body></html>"""


@pytest.mark.parametrize(
    ("data", "media", "author"),
    [
        (META.format(f"<article>{LONG}</article>"), "text/html", "Ann Other; Bo Both"),
        (META.format("<div>Closed on Mondays</div>"), "text/html", "Ann Other; Bo Both"),
        ('<html><head><meta name="author" content="https://x.example/ann"></head><p>words', "text/html", ""),
        ("PEP: 1\nTitle: Aim\nAuthor: Ann Other, Bo Both\nCreated: 13-Jun-2000\n\nText", "text/x-rst", "Ann Other, Bo"),
        ('---\ntitle: Fees\nauthor: "Ann Other (@ann)"\n---\n\nText', "text/markdown", "Ann Other (@ann)"),
        ("Just words.", "text/plain", ""),
    ],
)
async def test_the_author_is_kept(parser: ChildParser, data: str, media: str, author: str) -> None:
    """Meta tags, header fields and front matter name who wrote a text; an address in their place does not."""
    found = await parser.parse(data.encode(), media, name="p")
    assert found.author.startswith(author)
    assert bool(found.author) == bool(author)
