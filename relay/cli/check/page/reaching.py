"""Whether script and relay can be reached from where this runs, and are what the tag says they are."""

import base64
import hashlib
import re
from typing import Final

from relay.cli.check.page.document import Tag
from relay.cli.check.page.fetching import Fetcher, FetchError
from relay.cli.check.page.findings import Findings
from relay.cli.check.page.tag import origin_of
from relay.web.routes.snippet_shelf import SnippetShelf

_HASHED: Final = re.compile(r"/s\.([^/.]+)\.js$")
_PIN: Final = "`personalize-relay snippet --pin` prints a tag with one that stays"


async def look_at_script(
    fetcher: Fetcher, tag: Tag, page_origin: str, findings: Findings, *, shelf: SnippetShelf
) -> None:
    """Fetch the script, and see whether a browser would run it."""
    src = tag.src or ""
    named = _HASHED.search(src.partition("?")[0])
    try:
        answer = await fetcher.ask(src, headers={"origin": page_origin})
    except FetchError as error:
        findings.wrong(f"script: {error}; is the relay up, and does its name lead to it?")
        return
    if answer.status == 404 and named:
        findings.wrong(f"script: nobody there knows the hash {named[1]}; {_PIN}")
        return
    if answer.status != 200:
        findings.wrong(f"script: HTTP {answer.status}; the way to the relay (proxy, CDN, RELAY_PREFIX) leads elsewhere")
        return
    if "javascript" not in answer.headers.get("content-type", "").lower():
        kind = answer.headers.get("content-type", "nothing")
        findings.wrong(f"script: it is {kind}, no JavaScript; the way to the relay leads elsewhere")
        return
    digest = hashlib.sha256(answer.body).hexdigest()[:16]
    if shelf.find(digest) is None:
        findings.doubt(
            f"script: reachable, but no build that this version knows ({digest}): the relay there is of another"
            " version, or something on the way changes it"
        )
    else:
        findings.well(f"script: reachable, {len(answer.body):,} bytes, hash {digest} is known")
    integrity = tag.attributes.get("integrity", "").split()
    if integrity and not any(_is_digest(one, answer.body) for one in integrity):
        findings.wrong(f"script: integrity is another build's, so that browsers refuse it; {_PIN}")
    if integrity and "crossorigin" not in tag.attributes and origin_of(src) != page_origin:
        findings.wrong('script: with integrity, browsers want crossorigin="anonymous" on the tag, too')


async def look_at_endpoint(fetcher: Fetcher, tag: Tag, page_origin: str, findings: Findings) -> None:
    """Ask, as a browser does before a beacon, whether the page may send; nothing is sent."""
    endpoint = tag.endpoint or ""
    try:
        answer = await fetcher.ask(
            endpoint,
            method="OPTIONS",
            headers={"origin": page_origin, "access-control-request-method": "POST"},
        )
    except FetchError as error:
        findings.wrong(f"beacons: {error}; is the relay up, and does its name lead to it?")
        return
    if answer.headers.get("access-control-allow-origin") == page_origin:
        findings.well(f"beacons: the relay at {endpoint} takes them from {page_origin}")
    elif answer.status == 403:
        findings.wrong(
            f"beacons: the relay at {endpoint} takes none from {page_origin}; add it to RELAY_ALLOWED_ORIGINS there"
        )
    else:
        findings.wrong(
            f"beacons: {endpoint} answers HTTP {answer.status} without CORS for {page_origin}; the way to the relay"
            " (proxy, CDN, RELAY_PREFIX) leads elsewhere"
        )


def _is_digest(integrity: str, body: bytes) -> bool:
    algorithm, _, digest = integrity.partition("?")[0].partition("-")
    if algorithm not in ("sha256", "sha384", "sha512"):
        return False
    return base64.b64encode(hashlib.new(algorithm, body).digest()).decode() == digest
