"""A walk along every bound of botocore's models: each call is answered as the model has it, none with a 5xx."""

from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from relay.emulator.operations import NAMES
from relay.emulator.wire.errors import STATUS_OF
from tests.emulator.raw_client import Answer, RawClient, raw_client
from tests.emulator.service_models import Case, cases, modelled_errors, operations, service_model, whole_input
from tests.support.emulator import running_emulator

_REFUSALS = frozenset(
    {"InvalidInputException", "SerializationException", "TooManyTagsException", "TooManyTagKeysException"}
)


@pytest.fixture(scope="module")
async def raw() -> AsyncGenerator[RawClient]:
    options: dict[str, Any] = {"state_seconds": 0, "quotas": {}, "max_dataset_groups": 10_000}
    async with running_emulator(**options) as running, raw_client(running) as client:
        yield client


async def _call(raw: RawClient, case: Case) -> Answer:
    operation = service_model(case.service).operation_model(case.operation)
    path = str(operation.http["requestUri"])
    return await raw.call(path, case.body, target=case.operation if path == "/" else None)


def test_the_emulator_has_every_operation_and_no_other() -> None:
    assert sorted(NAMES) == sorted(operation.name for _, operation in operations())


async def test_every_bound_is_held_and_every_refusal_has_a_code(raw: RawClient) -> None:
    wrong: list[str] = []
    walked: Counter[bool] = Counter()
    for case in cases():
        answer = await _call(raw, case)
        walked[case.is_refused] += 1
        told = f"{case.operation} {case.what}: {answer.status} {answer.code} {answer.body[:200]!r}"
        is_coded = answer.status < 400 or (answer.status < 500 and answer.code in STATUS_OF)
        is_as_it_should = answer.code in _REFUSALS if case.is_refused else answer.code != "SerializationException"
        if not (is_coded and is_as_it_should):
            wrong.append(told)
    assert not wrong, "\n".join(wrong)
    assert walked[True] > 500
    assert walked[False] > 200


async def test_at_a_bound_nothing_is_said_to_break_a_constraint(raw: RawClient) -> None:
    wrong: list[str] = []
    for case in cases():
        if case.is_refused:
            continue
        answer = await _call(raw, case)
        if b"failed to satisfy constraint" in answer.body:
            wrong.append(f"{case.operation} {case.what}: {answer.body!r}")
    assert not wrong, "\n".join(wrong)


async def test_what_an_operation_refuses_with_is_an_error_it_models(raw: RawClient) -> None:
    for service, operation in operations():
        answer = await _call(raw, Case(service, operation.name, "whole", whole_input(operation), is_refused=False))
        assert answer.status == 200 or answer.code in modelled_errors(operation), (operation.name, answer.body)
