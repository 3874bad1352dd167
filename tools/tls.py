"""The TLS context of connections to the open web: one a process, for it holds every certificate that is trusted.

Making it takes some hundredths of a second and three megabytes, which each of many runs would take anew.
"""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def web_tls() -> ssl.SSLContext:
    """Return the context; the environment has no say in whom it trusts."""
    return httpx.create_ssl_context(trust_env=False)
