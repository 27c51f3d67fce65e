"""CORS: SDKs in a browser work, on the three services and nowhere else."""

import pytest

from tests.emulator.raw_client import RawClient

PAGE = "https://shop.example"


@pytest.mark.parametrize("path", ["/", "/events", "/recommendations", "/personalize-ranking", "/nothing"])
async def test_a_preflight_is_answered_without_a_signature(raw: RawClient, path: str) -> None:
    answer = await raw.options(
        path,
        Origin=PAGE,
        **{
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-amz-date,amz-sdk-request",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "content-type", "x-amz-date", "x-amz-target", "amz-sdk-request"} <= set(allowed)
    assert "POST" in answer.headers["access-control-allow-methods"]


async def test_answers_and_errors_may_be_read_by_any_page(raw: RawClient) -> None:
    for body, status in ((raw.put_events_body(), 200), (raw.put_events_body(itemId=""), 400)):
        answer = await raw.call("/events", body, headers={"Origin": PAGE})
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "x-amzn-requestid" in answer.headers["access-control-expose-headers"]
    unsigned = await raw.call("/events", {}, sign=False, headers={"Origin": PAGE})
    assert (unsigned.status, unsigned.headers["access-control-allow-origin"]) == (403, "*")


async def test_without_an_origin_nothing_is_said_of_origins(raw: RawClient) -> None:
    assert "access-control-allow-origin" not in (await raw.put_event()).headers


@pytest.mark.parametrize("path", ["/_emulator/calls", "/_emulator/faults", "/_emulator/nothing", "/_emulatorx"])
async def test_under_emulator_no_page_may_read_or_change(raw: RawClient, path: str) -> None:
    preflight = await raw.options(path, Origin=PAGE, **{"Access-Control-Request-Method": "PUT"})
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in (await raw.get(path, Origin=PAGE)).headers
