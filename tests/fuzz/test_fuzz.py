"""A short run of `make fuzz`, the same each time; and that it finds what it is for."""

from collections.abc import Callable
from typing import Any

import pytest

from relay.core.model import Reason
from relay.web.listener.connection import ClientConnection
from relay.web.routes import beacon_rules
from relay.web.routes.request_body import read_body
from tests.fuzz.answers import alike
from tests.fuzz.run import load, run


async def test_fifteen_hundred_inputs_find_nothing_and_many_reach_intake() -> None:
    figures = await run(seed=20261125, most=1000)
    assert figures.findings == []
    assert figures.share() >= 0.3
    assert figures.accepted > 0
    assert {200, 202, 400, 401, 403, 404, 405, 415} <= figures.by_status.keys()


def test_the_corpus_in_the_tree_names_every_reason_that_can_be_found_without_a_clock() -> None:
    said = {word for seed in load() for word in seed.words}
    assert {reason.value for reason in Reason} - said <= {"duplicate", "unknown_event_type", "denied"}


def _one_way_loses_a_byte(patch: pytest.MonkeyPatch) -> None:
    async def read(*arguments: Any, **options: Any) -> bytes:
        return (await read_body(*arguments, **options))[:-1]

    patch.setattr("relay.web.routes.beacons.read_body", read)


def _a_null_is_not_foreseen(patch: pytest.MonkeyPatch) -> None:
    judge = beacon_rules.admit

    def judged(*arguments: Any) -> Any:
        if b"null" in arguments[-1]:
            raise ZeroDivisionError
        return judge(*arguments)

    patch.setattr("relay.web.routes.beacons.admit", judged)


def _a_backend_s_event_is_not_foreseen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("relay.web.api.handlers.salvage", lambda event, *_, **__: event["eventValue"])


def _a_user_s_row_is_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("relay.intake.from_backend.identifier", str)


def _a_queue_that_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ClientConnection, "turn", lambda _self: None)
    patch.setattr("tests.fuzz.pair.HANG_S", 0.2)


def _any_type_of_event_is_taken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("relay.intake.from_browser.entry", lambda event, **_: b'{"eventType":"%b","sentAt":1e15}' % b"x" * 1)


@pytest.mark.parametrize(
    "fault",
    [
        _one_way_loses_a_byte,
        _a_null_is_not_foreseen,
        _a_backend_s_event_is_not_foreseen,
        _a_user_s_row_is_not_checked,
        _a_queue_that_is_forgotten,
        _any_type_of_event_is_taken,
    ],
)
async def test_it_finds_a_fault_that_is_put_in(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    figures = await run(seed=1, most=300)
    assert figures.findings


def test_two_answers_are_alike_whatever_the_order_of_their_headers() -> None:
    one = b"HTTP/1.1 202 Accepted\r\na: 1\r\nb: 2\r\ndate: x\r\n\r\n{}"
    assert alike(one, b"HTTP/1.1 202 Accepted\r\nb: 2\r\na: 1\r\ndate: y\r\n\r\n{}")
    assert not alike(one, one.replace(b"{}", b"[]"))
    assert not alike(one, one + one)
    assert not alike(one, b"closed")
