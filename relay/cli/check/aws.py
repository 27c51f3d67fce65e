"""What AWS says: credentials, clock, event trackers, and the datasets behind them."""

from collections.abc import Mapping, Sequence

import click

from relay.cli.check.fit import fit_of
from relay.cli.check.running import Sent
from relay.core.settings import Settings
from relay.personalize.clock_skew import MAX_SKEW_S, clock_skew_s
from relay.personalize.connection import Connection, connect, missing_credentials
from relay.personalize.errors import PersonalizeError, RegionError
from relay.personalize.trackers.event_trackers import EventTracker, find_tracker


async def aws_problems(settings: Settings, delivered: Mapping[str, Sent]) -> list[str]:
    """What keeps events from arriving, one line each; what is there goes to stdout, warnings to stderr.

    Args:
        settings: Of the relay.
        delivered: What the running one has delivered, by site.
    """
    problems: list[str] = []
    sites = settings.all_sites()
    for region in sorted({site.region for site in sites.values()} or {None}, key=str):
        names = [name for name, site in sites.items() if site.region == region]
        of_whom = f"AWS ({', '.join(names)})" if names else "AWS"
        try:
            async with connect(region=region) as connection:
                problems += await _of_clock(connection)
                for name in names:
                    problems += [
                        f"site {name}: {line}" for line in await _of_site(connection, settings, name, delivered)
                    ]
        except RegionError as error:
            problems += [f"{of_whom}: {_line(one)}" for one in (error, await missing_credentials()) if one is not None]
        except PersonalizeError as error:
            problems.append(f"{of_whom}: {_line(error)}")
    return problems


async def _of_clock(connection: Connection) -> list[str]:
    skew_s = await clock_skew_s(connection)
    if skew_s is None or abs(skew_s) <= MAX_SKEW_S:
        return []
    return [f"clock: {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} AWS; set it"]


async def _of_site(
    connection: Connection, settings: Settings, name: str, delivered: Mapping[str, Sent]
) -> Sequence[str]:
    site = settings.all_sites()[name]
    tracker = await find_tracker(connection, site.tracking_id)
    if tracker is None:
        has_none = f"{connection.region} has no event tracker with the tracking id {site.tracking_id}"
        return [f"{has_none}; `personalize-relay tracker list` shows those it has"]
    if tracker.status != "ACTIVE":
        return [_not_active(tracker)]
    click.echo(f"site {name}: event tracker {tracker.name!r} is ACTIVE in {connection.region}")
    fit = await fit_of(connection, tracker, settings, site, delivered.get(name, Sent()))
    for line in fit.warnings:
        click.echo(f"warning: site {name}: {line}", err=True)
    return fit.problems


def _line(error: PersonalizeError) -> str:
    return " ".join(str(error).split())


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
