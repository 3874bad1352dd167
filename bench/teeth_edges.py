"""Defects at the edges of the process, for ``bench.teeth``: sockets, parser, paths, sinks, secrets, memory, people."""

from __future__ import annotations

from bench.mutants import Mutant

SOCKETS = (
    Mutant(
        "cloud metadata is an open address",
        "tools/addresses.py",
        '("169.254.0.0/16", "link-local or cloud metadata"),',
        '("169.254.0.0/32", "link-local or cloud metadata"),',
        "test_addresses",
    ),
    Mutant(
        "an IPv4 address in an IPv6 spelling is a public one",
        "tools/addresses.py",
        "if ip not in _GLOBAL_V6:",
        "if ip not in _GLOBAL_V6 and not ip.ipv4_mapped:",
        "test_addresses",
    ),
    Mutant(
        "any port is one that pages are served on",
        "tools/addresses.py",
        "if target.port not in PORTS:",
        "if not target.port:",
        "test_addresses",
    ),
    Mutant(
        "a name may resolve to an inner address",
        "tools/judged_network.py",
        "                judge(address, host, port, self._allowed)\n",
        "",
        "test_safe_fetch",
    ),
    Mutant(
        "the socket's own peer is not looked at",
        "tools/judged_network.py",
        "            return await self._checked(stream, address, host, port)\n",
        "            return stream\n",
        "test_judged_network",
    ),
    Mutant(
        "only the first address of a chain of redirects is judged by the rules of sites",
        "tools/safe_fetch.py",
        "        for _ in range(self._limits.redirects + 1):\n            url = urldefrag(url).url\n"
        "            self._allow_url(url)\n",
        "        self._allow_url(url)\n        for _ in range(self._limits.redirects + 1):\n"
        "            url = urldefrag(url).url\n",
        "test_safe_fetch",
    ),
    Mutant(
        "redirects have no end",
        "tools/safe_fetch.py",
        "        for _ in range(self._limits.redirects + 1):",
        "        for _ in range(self._limits.redirects + 1000):",
        "test_safe_fetch",
    ),
    Mutant(
        "an address that is a number is only judged when it is connected to",
        "tools/addresses.py",
        '    if ":" in target.host or _ends_in_number(target.host):\n',
        "    if False:\n",
        "test_addresses",
    ),
    Mutant(
        "the environment's proxy is asked",
        "tools/search_endpoint.py",
        "trust_env=False, ",
        "",
        "test_egress",
    ),
    Mutant(
        "a search service may send its key elsewhere",
        "tools/search_endpoint.py",
        "if not location or not same:",
        "if not location:",
        "test_searxng",
    ),
    Mutant(
        "robots.txt is not asked",
        "tools/safe_fetch.py",
        "delay = await robots.check(self._network, url, target, self._allow_url) if robots else 0.0",
        "delay = 0.0",
        "test_robots",
    ),
)

PATHS = (
    Mutant(
        "a symbolic link is followed to the file",
        "tools/inside.py",
        "return _opened(root, name, last, flags | NOFOLLOW | os.O_CLOEXEC, mode, at)",
        "return _opened(root, name, last, flags | os.O_CLOEXEC, mode, at)",
        "test_inside",
    ),
    Mutant(
        "a symbolic link is followed to a folder",
        "tools/inside.py",
        "below = _opened(root, name, step, DIRECTORY | NOFOLLOW, 0, at)",
        "below = _opened(root, name, step, DIRECTORY, 0, at)",
        "test_inside",
    ),
    Mutant(
        "a name may lead out of its folder",
        "tools/inside.py",
        r"""re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,255}", re.ASCII)""",
        r"""re.compile(r"[A-Za-z0-9._-]{1,255}", re.ASCII)""",
        "test_inside",
    ),
    Mutant(
        "a name may be of any letters",
        "tools/inside.py",
        "if len(name) > 1000 or not all(STEP.fullmatch(part) for part in parts):",
        "if len(name) > 1000:",
        "test_inside",
    ),
)

PROCESSES = (
    Mutant(
        "the parser may start programs",
        "tools/parse_child.py",
        'CLOSED = ("socket.", "subprocess.",',
        'CLOSED = ("socket.",',
        "test_parse",
    ),
    Mutant(
        "the parser has the network",
        "tools/parse_child.py",
        "        if libc.unshare(CLONE_NEWNET) != 0:",
        "        if False:",
        "test_parse",
    ),
    Mutant(
        "the parser may take any memory",
        "tools/parse_child.py",
        "        (resource.RLIMIT_AS, MEMORY),\n",
        "",
        "test_parse",
    ),
    Mutant(
        "the parser gets the environment",
        "tools/parse.py",
        '        env={"PYTHONPATH": ROOT},\n',
        "",
        "test_parse",
    ),
)

LINKS = (
    Mutant(
        "a script's address is a link",
        "research/sanitize.py",
        'parts.scheme not in ("http", "https")\n        or',
        'parts.scheme in ("", "file")\n        or',
        "test_sanitize",
    ),
    Mutant(
        "a link may show another host than its own",
        "research/sanitize.py",
        'if "`" not in label and named <= {own.lower().removeprefix("www.")}:',
        'if "`" not in label:',
        "test_sanitize",
    ),
    Mutant(
        "a bracket of a title ends its link",
        "research/sanitize.py",
        r'''r"([\\`*\[\]|])"''',
        r'''r"([\\`*|])"''',
        "test_sanitize",
    ),
    Mutant(
        "an address may name a user",
        "research/sanitize.py",
        'or "@" in parts.netloc\n',
        "",
        "test_sanitize",
    ),
)

CONTROL = (
    Mutant(
        "escape sequences reach the terminal",
        "research/sanitize.py",
        '_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]")',
        '_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1a\\x7f-\\x9f]")',
        "test_sanitize",
    ),
    Mutant(
        "tag characters reach the terminal",
        "research/sanitize.py",
        '_ASTRAL_TAGS = re.compile("[\\U000e0000-\\U000e0fff]")',
        '_ASTRAL_TAGS = re.compile("[\\U000e0fff]")',
        "test_sanitize",
    ),
    Mutant(
        "bidirectional controls reach the terminal",
        "research/sanitize.py",
        'unicodedata.category(char) != "Cf"]',
        'unicodedata.category(char) != "Co"]',
        "test_sanitize",
    ),
    Mutant(
        "HTML is left in Markdown",
        "research/sanitize.py",
        '    text = text.replace("<", "&lt;")\n',
        "",
        "test_sanitize",
    ),
    Mutant(
        "a stored text keeps bidirectional controls",
        "research/clean.py",
        '    "\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\u061c"  # bidirectional controls\n',
        "",
        "test_parse",
    ),
)

SECRETS = (
    Mutant(
        "a search may carry a key",
        "research/withholding.py",
        'name = scanner.found(encode(request)) if scanner else ""',
        'name = ""',
        "test_withholding",
    ),
    Mutant(
        "base64 of a key is let pass",
        "research/scanner.py",
        "self._kept = tuple(form.translate(None, _OTHER) for form in coded)",
        "self._kept = ()",
        "test_scanner",
    ),
    Mutant(
        "a key with escapes in it is let pass",
        "research/scanner.py",
        "ROUNDS = 2",
        "ROUNDS = 0",
        "test_scanner",
    ),
    Mutant(
        "a service's complaint is told with the key that it quotes",
        "research/withholding.py",
        "sentence = scanner.clean(str(failure))",
        "sentence = str(failure)",
        "test_withholding",
    ),
    Mutant(
        "what looks for keys can be pickled",
        "research/scanner.py",
        '        raise TypeError("what looks for secrets cannot be pickled or copied")',
        "        return object.__reduce_ex__(self, protocol)  # type: ignore",
        "test_scanner",
    ),
)

APPROVALS = (
    Mutant(
        "a yes counts for a plan that nobody was shown",
        "graphs/approving.py",
        "elif approve is None or (approve and shown is None):",
        "elif approve is None:",
        "test_approving",
    ),
    Mutant(
        "a yes to one plan is a yes to another",
        "graphs/approving.py",
        'answer == {"action": action, "answer": "yes"}',
        'answer.get("answer") == "yes"',
        "test_approving",
    ),
    Mutant(
        "a plan can be approved at any time",
        "graphs/approving.py",
        "late = shown is not None and before is None and lapsed(shown.at, now, hours)",
        "late = False",
        "test_approving",
    ),
    Mutant(
        "a later answer takes the place of the first",
        "graphs/approving.py",
        '    answer = first.answer if first else "no"\n',
        "",
        "test_approving",
    ),
)

MEMORY = (
    Mutant(
        "a page is added whatever the person says",
        "research/cli/approving.py",
        "    return said_yes(sys.stdin.buffer, SECONDS)",
        "    return said_yes(sys.stdin.buffer, SECONDS) or True",
        "test_corpus_memory",
    ),
    Mutant(
        "what is added need not be what was shown",
        "tools/promotion.py",
        "            if _held(folder.name, store) != seen:\n",
        "            if False:\n",
        "test_promotion",
    ),
    Mutant(
        "pages of the web may enter the index of a folder",
        "tools/promotion.py",
        "    promoted.refuse_pages(name, facts)\n",
        "",
        "test_corpus_memory",
    ),
    Mutant(
        "a copy of what is forgotten stays",
        "research/app/memory.py",
        "pages=tuple(page for page in seen.pages if page.source in texts)",
        "pages=tuple(page for page in seen.pages if page in pages)",
        "test_corpus_memory",
    ),
)
