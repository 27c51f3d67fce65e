"""`check` with credentials that may not do one of the things it needs: it names the permission, as policies do."""

import pytest

from relay.cli.check.aws import aws_problems
from relay.emulator.wire.faults import FaultSpec, Rule
from relay.personalize.errors import AccessDeniedError
from tests.deploy.test_iam import allowed
from tests.personalize.command_line import command
from tests.support.emulator import running_emulator
from tests.support.relay import make_settings

NOT_MISSED = {
    "DescribeSolution": "asked only where there is a solution",
    "ListMetricAttributionMetrics": "asked only where there is a metric attribution",
}


def denial(action: str) -> str:
    """As AWS words it."""
    return (
        f"User: arn:aws:sts::123456789012:assumed-role/relay/i-1 is not authorized to perform: {action} on resource: "
        f"arn:aws:personalize:us-east-1:123456789012:* because no identity-based policy allows the {action} action"
    )


@pytest.mark.parametrize("operation", sorted(allowed("check") - NOT_MISSED.keys()))
async def test_check_names_the_permission_that_is_missing(
    operation: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_emulator() as emulator:
        for name, value in emulator.env.items():
            monkeypatch.setenv(name, value)
        rule = Rule(code="AccessDeniedException", message=denial(f"personalize:{operation}"), operations=[operation])
        emulator.emulator.faults.apply(FaultSpec(error=rule))
        problems = await aws_problems(make_settings(tracking_id=emulator.tracking_id), {})
    said = [*problems, *capsys.readouterr().err.splitlines()]
    (line,) = [one for one in said if "not authorized" in one]
    assert f"Allow the action `personalize:{operation}` to this user or role" in line


async def test_check_names_every_permission_that_is_missing_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = {"DescribeDatasetGroup", "DescribeSchema", "ListRecommenders", "ListSolutions", "ListMetricAttributions"}
    async with running_emulator(state_seconds=0) as emulator:
        for name, value in emulator.env.items():
            monkeypatch.setenv(name, value)
        made = await command("setup", "--name", "shop", "--domain", "e-commerce", "--json", env=emulator.env)
        emulator.emulator.faults.apply(FaultSpec(error=Rule(code="AccessDeniedException", operations=[*missing])))
        problems = await aws_problems(make_settings(tracking_id=made.json["eventTracker"]["trackingId"]), {})
    assert problems == []
    lines = capsys.readouterr().err.splitlines()
    assert {line.partition("Allow the action `personalize:")[2].partition("`")[0] for line in lines} == missing
    assert len(lines) == len(missing)


def test_the_permission_is_the_one_the_service_names_which_may_not_be_the_call() -> None:
    denied = AccessDeniedError(denial("iam:PassRole"), operation="CreateMetricAttribution")
    assert denied.action == "iam:PassRole"
    assert "`iam:PassRole`" in str(denied)
    assert AccessDeniedError("no", operation="PutItems").action == "personalize:PutItems"
