"""Whatever a client sends, over real HTTP: never a 5xx, never a miscount, never a user nobody signed."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.relay import ORIGIN, SESSION, RunningEdge, running_edge

TEXT = st.text(max_size=8) | st.sampled_from(
    ["\ud800", "\0", "null", "é" * 300, "😀", "__proto__", "\u2028", "</script>"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
ANY_JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
FIELDS = [
    "eventType",
    "eventId",
    "itemId",
    "sentAt",
    "eventValue",
    "properties",
    "recommendationId",
    "impression",
    "userId",
]
EVENT = st.dictionaries(st.sampled_from([*FIELDS, "metricAttribution"]), ANY_JSON, max_size=6)
CHANGES = st.dictionaries(
    st.sampled_from(["v", "token", "sessionId", "identity", "sentAt", "seq", "lost", "eventList", "userId"]),
    ANY_JSON,
    max_size=3,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["origin", "content-type", "cookie", "x-forwarded-for", "sec-fetch-site", "content-encoding", "referer"]
    ),
    st.sampled_from(
        [ORIGIN, "null", "", "text/plain", "application/json", "a=b", "\xff\xfe", "1.2.3.4, <script>", "gzip"]
    ),
    max_size=3,
)


async def post(relay: RunningEdge, body: bytes, headers: dict[str, str]) -> int:
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    answer = await relay.http.post(f"{relay.url}/r/e", content=body, headers=raw)
    decoded: Any = answer.json()
    assert answer.status_code < 500, (body, headers, decoded)
    if answer.status_code == 202:
        assert set(decoded) - {"dropped"} == {"accepted", "rejected", "identity"}
    else:
        assert set(decoded) - {"field"} == {"error", "detail"}
        assert "\n" not in decoded["detail"]
    return answer.status_code


SLOWLY = settings(max_examples=150, suppress_health_check=list(HealthCheck))


async def test_no_json_makes_it_fail_and_no_user_gets_in() -> None:
    async with running_edge(
        identity_cookie="id", client_ip_header="X-Forwarded-For", trusted_proxies="127.0.0.0/8"
    ) as relay:
        cases: list[tuple[bytes, dict[str, str]]] = []

        @SLOWLY
        @given(st.lists(EVENT | ANY_JSON, max_size=5), CHANGES, HEADERS)
        def collect(events: list[Any], changes: dict[str, Any], headers: dict[str, str]) -> None:
            cases.append((json.dumps({**relay.beacon(*events), **changes}).encode(), headers))

        collect()
        statuses = {await post(relay, body, headers) for body, headers in cases}
        assert {202, 400, 403} <= statuses
        assert all(record.user_id is None for record in await relay.records())


async def test_no_bytes_make_it_fail() -> None:
    async with running_edge() as relay:
        good = json.dumps(
            relay.beacon({"eventType": "View", "properties": {"a": [1, "ü"]}}), ensure_ascii=False
        ).encode()
        bodies: list[bytes] = []

        @SLOWLY
        @given(st.binary(max_size=64), st.integers(0, len(good)), st.integers(0, 40))
        def collect(junk: bytes, place: int, cut: int) -> None:
            bodies.append(good[:place] + junk + good[place + cut :])

        collect()
        for body in bodies:
            await post(relay, body, {"origin": ORIGIN})


async def test_every_answer_balances_with_what_is_stored() -> None:
    async with running_edge() as relay:
        lists: list[list[Any]] = []

        @settings(SLOWLY, max_examples=100)
        @given(st.lists(EVENT | st.just({"eventType": "View"}), min_size=1, max_size=20))
        def collect(events: list[Any]) -> None:
            lists.append(events)

        collect()
        accepted = 0
        for number, events in enumerate(lists):
            answer = await relay.send(*events, session=f"{SESSION}{number}")
            assert answer["accepted"] + len(answer["rejected"]) == len(events)
            assert [one["index"] for one in answer["rejected"]] == sorted(one["index"] for one in answer["rejected"])
            accepted += answer["accepted"]
        assert relay.spool.stats().accepted == accepted
