"""What AWS says: credentials, clock, event trackers, and the datasets behind them."""

from collections.abc import Mapping

import click

from relay.cli.check.fit import fit_of
from relay.cli.check.running import Sent
from relay.core.settings import Settings
from relay.personalize.clock_skew import MAX_SKEW_S, clock_skew_s
from relay.personalize.connection import connect
from relay.personalize.errors import PersonalizeError
from relay.personalize.trackers.event_trackers import EventTracker, find_tracker


async def aws_problems(settings: Settings, delivered: Mapping[str, Sent]) -> list[str]:
    """What keeps events from arriving, one line each; what is there goes to stdout, warnings to stderr.

    Args:
        settings: Of the relay.
        delivered: What the running one has delivered, by site.
    """
    problems: list[str] = []
    for region in sorted({site.region for site in settings.all_sites().values()}, key=str):
        names = [name for name, site in settings.all_sites().items() if site.region == region]
        try:
            async with connect(region=region) as connection:
                skew_s = await clock_skew_s(connection)
                if skew_s is not None and abs(skew_s) > MAX_SKEW_S:
                    problems.append(f"clock: {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} AWS; set it")
                for name in names:
                    tracking_id = settings.all_sites()[name].tracking_id
                    tracker = await find_tracker(connection, tracking_id)
                    if tracker is None:
                        problems.append(
                            f"site {name}: {connection.region} has no event tracker with the tracking id {tracking_id};"
                            " `personalize-relay tracker list` shows those it has"
                        )
                    elif tracker.status != "ACTIVE":
                        problems.append(f"site {name}: {_not_active(tracker)}")
                    else:
                        click.echo(f"site {name}: event tracker {tracker.name!r} is ACTIVE in {connection.region}")
                        fit = await fit_of(
                            connection, tracker, settings, settings.all_sites()[name], delivered.get(name, Sent())
                        )
                        problems += [f"site {name}: {line}" for line in fit.problems]
                        for line in fit.warnings:
                            click.echo(f"warning: site {name}: {line}", err=True)
        except PersonalizeError as error:
            problems.append(f"AWS ({', '.join(names)}): {' '.join(str(error).split())}")
    return problems


def _not_active(tracker: EventTracker) -> str:
    arn = tracker.event_tracker_arn
    if tracker.status.endswith("FAILED"):
        remedy = f"it stays so: `personalize-relay tracker delete {arn} --wait`, then `tracker create`"
    elif tracker.status.startswith("DELETE"):
        remedy = (
            "it takes no events any more: `personalize-relay tracker create` makes another, with another tracking id"
        )
    else:
        remedy = f"`personalize-relay tracker wait {arn}`"
    return f"the event tracker {tracker.name!r} is {tracker.status}, not ACTIVE; {remedy}"
