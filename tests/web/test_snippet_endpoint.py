"""`GET /r/s.js` and `GET /r/s.HASH.js`."""

import base64
import gzip
import hashlib
from collections.abc import AsyncGenerator

import pytest

from relay.core.bundled import bundled
from tests.support.relay import RunningEdge, running_edge

SOURCE = (bundled("snippet") / "s.js").read_bytes()


@pytest.fixture
async def relay() -> AsyncGenerator[RunningEdge]:
    async with running_edge() as running:
        yield running


async def test_the_snippet_is_served_for_an_hour_to_every_origin(relay: RunningEdge) -> None:
    answer = await relay.http.get(f"{relay.url}/r/s.js", headers={"accept-encoding": "identity"})
    assert (answer.status_code, answer.content) == (200, SOURCE)
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_hashed_name_is_immutable_and_matches_the_integrity(relay: RunningEdge) -> None:
    file = relay.edge.snippets.current
    answer = await relay.http.get(f"{relay.url}/r/{file.name}", headers={"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    digest = base64.b64encode(hashlib.sha384(answer.content).digest()).decode()
    assert file.integrity == f"sha384-{digest}"
    assert (await relay.http.get(f"{relay.url}/r/s.0123456789abcdef.js")).status_code == 404


async def test_what_shows_the_snippet_at_work_is_beside_it_and_cached_like_it(relay: RunningEdge) -> None:
    source = (bundled("snippet") / "inspect.js").read_bytes()
    for encoding in ("identity", "br", "gzip"):
        answer = await relay.http.get(f"{relay.url}/r/inspect.js", headers={"accept-encoding": encoding})
        assert (answer.status_code, answer.headers.get("content-encoding", "identity")) == (200, encoding)
        assert answer.headers["cache-control"] == "public, max-age=3600"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["content-type"].startswith("text/javascript")
        assert encoding == "br" or answer.content == source
    etag = answer.headers["etag"]
    again = {"accept-encoding": "gzip", "if-none-match": etag}
    assert (await relay.http.get(f"{relay.url}/r/inspect.js", headers=again)).status_code == 304


async def test_gzip_holds_the_same_bytes(relay: RunningEdge) -> None:
    async with relay.http.stream("GET", f"{relay.url}/r/s.js", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == SOURCE


async def test_who_has_it_already_gets_304(relay: RunningEdge) -> None:
    url, plain = f"{relay.url}/r/s.js", {"accept-encoding": "identity"}
    etag = (await relay.http.get(url, headers=plain)).headers["etag"]
    for known in (etag, f'"x", W/{etag}', "*"):
        answer = await relay.http.get(url, headers={**plain, "if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert answer.headers["access-control-allow-origin"] == "*"
    other = await relay.http.get(url, headers={"accept-encoding": "gzip", "if-none-match": etag})
    assert other.status_code == 200


async def test_head_has_the_headers_and_no_body(relay: RunningEdge) -> None:
    answer = await relay.http.head(f"{relay.url}/r/s.js", headers={"accept-encoding": "identity"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(SOURCE))


async def test_hostile_headers_cost_nothing(relay: RunningEdge) -> None:
    for name, value in {
        "range": "bytes=" + "0-0," * 5000,
        "if-none-match": '"a",' * 5000,
        "accept-encoding": "gzip;q=1," * 3000,
    }.items():
        answer = await relay.http.get(f"{relay.url}/r/s.js", headers={name: value})
        assert answer.status_code == 200


async def test_health_and_readiness(relay: RunningEdge) -> None:
    assert (await relay.http.get(f"{relay.url}/healthz")).status_code == 200
    ready = await relay.http.get(f"{relay.url}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": [], "problems": []})
    relay.edge.readiness.draining = True
    for url in (relay.url, relay.admin_url):
        ready = await relay.http.get(f"{url}/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["draining"])
