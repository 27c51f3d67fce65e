"""The snippet's tag on a page: is it there, once, can it run, is its token good, do ad blockers let it be."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from relay.cli.check.page.document import Document, Tag
from relay.cli.check.page.findings import Findings
from relay.cli.check.page.policy import policies, stops_request, stops_script
from relay.cli.token.report import EXPLAINED
from relay.compose.edge import make_tokens
from relay.core.clock import Clock
from relay.core.settings import Settings, Site
from relay.identity.tokens import TokenFault

_PRINT: Final = "`personalize-relay snippet --url URL` prints it"
_BLOCKED: Final = frozenset(
    [
        "ads",
        "adserver",
        "analytics",
        "beacon",
        "collect",
        "collector",
        "metrics",
        "pixel",
        "stats",
        "telemetry",
        "track",
        "tracker",
        "tracking",
    ]
)
"""Words that the generic rules of EasyPrivacy and its kin stop in a host or a path."""
_WORD: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The page, as its server gave it."""

    url: str
    policies: list[str]
    """Content security policies, of the answer's headers."""

    @property
    def origin(self) -> str:
        """As a browser sends it."""
        return origin_of(self.url)


def origin_of(url: str) -> str:
    """The origin of a URL, without a port that goes without saying."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port not in (None, usual) else ""
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def look_at_tag(
    document: Document, where: Where, findings: Findings, *, settings: Settings, clock: Clock
) -> tuple[Tag, Site | None] | None:
    """The tag that runs, and the site its token is for; None when there is none that could run."""
    if not document.tags:
        findings.wrong(
            f"tag: the page has none; {_PRINT}, and it goes before </head>"
            " (where a tag manager puts it in, look with --browser)"
        )
        return None
    if len(document.tags) > 1:
        findings.wrong(f"tag: the page has it {len(document.tags)} times; the first counts, take the others out")
    tag = document.tags[0]
    if tag.src is None:
        findings.wrong("tag: it has no src, and nowhere to send to; put it in as it is printed, not as inline script")
        return None
    if tag.attributes.get("type", "").lower() == "module":
        findings.wrong('tag: type="module" keeps it from finding its own attributes; take it off')
        return None
    findings.well(f"tag: {'there, once' if len(document.tags) == 1 else 'there'}, {tag.src}")
    if "async" not in tag.attributes and "defer" not in tag.attributes:
        findings.doubt("tag: without async the page waits for it; add async")
    _look_at_names(tag, where, findings)
    _look_at_policies(document, tag, where, findings)
    return tag, _look_at_token(tag, where, findings, settings=settings, clock=clock)


def _look_at_token(tag: Tag, where: Where, findings: Findings, *, settings: Settings, clock: Clock) -> Site | None:
    sites = settings.all_sites()
    claims = make_tokens(settings, clock).site(tag.token)
    if isinstance(claims, TokenFault):
        why = EXPLAINED[claims].format(setting="RELAY_SITE_TOKENS_NOT_BEFORE, or tokens_not_before of its site")
        findings.wrong(f"token: {why}; {_PRINT} with a good one")
        return None
    site = sites.get(claims.site)
    if site is None:
        findings.wrong(f"token: it is for the site {claims.site}, and there is {', '.join(sites)}; {_PRINT}")
        return None
    findings.well(f"token: good, of the site {claims.site}")
    if where.origin in site.allowed_origins or (settings.dev and "*" in site.allowed_origins):
        findings.well(f"origin: {where.origin} is allowed")
        return site
    others = [name for name, other in sites.items() if where.origin in other.allowed_origins]
    remedy = (
        f"it is one of the site {others[0]}: `personalize-relay snippet --site {others[0]}` prints the tag for it"
        if others
        else "add it to RELAY_ALLOWED_ORIGINS, or to allowed_origins of the site"
    )
    findings.wrong(f"origin: {where.origin} is not among those of the site {claims.site}; {remedy}")
    return site


def _look_at_policies(document: Document, tag: Tag, where: Where, findings: Findings) -> None:
    src, endpoint = tag.src or "", tag.endpoint or ""
    if urlsplit(where.url).scheme == "https" and urlsplit(src).scheme == "http" and not _is_local(src):
        findings.wrong("tag: browsers load no http:// script into an https:// page; serve the relay on https")
    found = policies([*where.policies, *document.policies])
    nonce, integrity = tag.attributes.get("nonce", ""), tag.attributes.get("integrity", "")
    scripts = [stops_script(one, src, where.url, nonce=nonce, integrity=integrity) for one in found]
    requests = [stops_request(one, endpoint, where.url) for one in found]
    for directive in dict.fromkeys(filter(None, scripts)):
        findings.wrong(
            f"CSP: {directive} stops the script; add {origin_of(src)} to it, or the tag's nonce, or its integrity hash"
        )
    for directive in dict.fromkeys(filter(None, requests)):
        findings.wrong(f"CSP: {directive} stops the beacons; add {origin_of(endpoint)} to connect-src")
    if not any([*scripts, *requests]):
        findings.well("CSP: lets script and beacons through" if found else "CSP: the page has none")


def _look_at_names(tag: Tag, where: Where, findings: Findings) -> None:
    own = set(_WORD.findall((urlsplit(where.url).hostname or "").lower()))
    for what, url in (("script", tag.src or ""), ("beacons", tag.endpoint or "")):
        parts = urlsplit(url)
        words = _WORD.findall(f"{parts.hostname} {parts.path}".lower())
        if stopped := sorted(_BLOCKED & (set(words) - own)):
            findings.doubt(
                f"names: ad blockers stop {what} with {', '.join(stopped)} in the address; give the relay another name,"
                " such as events.shop.example, or another RELAY_PREFIX"
            )
    if not _same_site(tag.endpoint or "", where.url):
        findings.doubt(
            f"names: {urlsplit(tag.endpoint or '').hostname} is another site than the page: ad blockers stop such"
            " beacons; serve the relay on a name of the shop's own"
        )


def _same_site(one: str, other: str) -> bool:
    """As far as names tell without a list of all public suffixes."""
    hosts = [(urlsplit(url).hostname or "").split(".") for url in (one, other)]
    return hosts[0] == hosts[1] or (len(hosts[0]) > 1 and hosts[0][-2:] == hosts[1][-2:])


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host.endswith(".localhost") or host.startswith("127.") or host == "::1"
