"""Whether the events of a site suit the dataset they go to, as far as settings and spool tell."""

from collections.abc import Awaitable, Sequence
from typing import Final, NamedTuple, TypeVar

import click

from relay.cli.check.permissions import denied
from relay.cli.check.running import Sent
from relay.cli.screen import harmless
from relay.compose.spool import look_into
from relay.core.clock import SystemClock
from relay.core.errors import SpoolError, SpoolOlderError
from relay.core.settings import Settings, Site
from relay.personalize.connection import Connection
from relay.personalize.errors import AccessDeniedError, PersonalizeError
from relay.personalize.history.interactions_file import Survey, survey
from relay.personalize.metric_attributions import metric_attribution_of, metrics_of
from relay.personalize.schema.datasets import Dataset
from relay.personalize.schema.fit import Target, judged_type, misfits, target_of
from relay.personalize.schema.learners import learners_of
from relay.personalize.trackers.event_trackers import EventTracker
from relay.spool.administration import Kept, Place

Thing = TypeVar("Thing")

_SAMPLE: Final = 5000
"""Events of the spool that are looked at, pending and buried each."""
_ENOUGH: Final = 1000
"""From how many events on a type that is not among them never comes, where the settings name none."""
_MOST_NAMES: Final = 20
"""Names of properties that are judged, the most frequent ones."""
_LOOKED_AT: Final[Sequence[Place]] = ("pending", "buried")


class Fit(NamedTuple):
    """What does not fit, one line each."""

    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()


async def fit_of(connection: Connection, tracker: EventTracker, settings: Settings, site: Site, sent: Sent) -> Fit:
    """What does not fit; the dataset group, the dataset and what learns from it are told on stdout.

    What is known of the events are the types of the setting `event_types`, what waits or is buried in the spool, and
    what the running relay has delivered, if one answers.
    """
    group_arn = tracker.dataset_group_arn
    problems: list[str] = []
    warnings: list[str] = []
    denials: list[AccessDeniedError] = []

    async def looked_at(what: str, asking: Awaitable[Thing]) -> Thing | None:
        """What is found; None, and a warning, where it cannot be asked for."""
        try:
            return await asking
        except AccessDeniedError as error:
            denials.append(error)
        except PersonalizeError as error:
            warnings.append(f"{what} cannot be looked at: {' '.join(str(error).split())}")
        return None

    target = await looked_at("the dataset", target_of(connection, tracker))
    if target is not None:
        problems += _told_of(target, site)
    seen = survey((), {})
    try:
        seen = await _seen(settings, site.tracking_id)
    except SpoolOlderError as error:  # as it is in the middle of every upgrade
        warnings.append(str(error))
    except SpoolError as error:
        problems.append(str(error))
    seen.names.update(sent.properties)
    seen.types.update(sent.types)
    if target is not None:
        types = site.event_types or (tuple(seen.types) if seen.types.total() >= _ENOUGH else ())
        found = misfits(target, event_types=types, property_names=seen.columns(_MOST_NAMES))
        (problems if target.interactions is None else warnings).extend(harmless(line) for line in found)
    warnings += await looked_at("recommenders and solutions", _learned(connection, group_arn, seen)) or ()
    warnings += [
        harmless(f"{count} events of type {name} without an item were delivered in the last day, and teach nothing")
        for name, count in sent.without_item.most_common(_MOST_NAMES)
    ]
    warnings += await looked_at("the metric attribution", _measured(connection, group_arn, site)) or ()
    if denials:
        warnings += [f"not looked at: {line}" for line in await denied(connection, group_arn)]
    return Fit(problems, warnings)


def _told_of(target: Target, site: Site) -> list[str]:
    """What is wrong with where interactions with actions go; group and datasets are told on stdout."""
    group = target.dataset_group
    click.echo(f"  dataset group {group.name!r}, {group.domain or 'custom'}, {group.status}")
    if target.interactions is not None:
        columns = ", ".join(column.name for column in target.columns)
        click.echo(f"  dataset {target.interactions.name!r}, {target.interactions.status}: {columns}")
    return _action_interactions(target.action_interactions, site.action_interactions_tracking_id)


def _action_interactions(dataset: Dataset | None, tracking_id: str | None) -> list[str]:
    """What is wrong with where interactions with actions go; the dataset is told on stdout."""
    if dataset is not None:
        click.echo(harmless(f"  dataset {dataset.name!r}, {dataset.status}: tracking id {dataset.tracking_id}"))
    if tracking_id is None or (dataset is not None and tracking_id == dataset.tracking_id):
        return []
    has = "no dataset of action interactions" if dataset is None else f"{dataset.tracking_id} for them"
    return [f"interactions with actions go to {tracking_id}, and the dataset group has {has}"]


async def _learned(connection: Connection, dataset_group_arn: str, seen: Survey) -> list[str]:
    """Types of events nothing is trained on; what is trained is told on stdout."""
    learners = await learners_of(connection, dataset_group_arn)
    if not learners:
        click.echo("  no recommender and no solution yet: nothing is trained")
        return []
    told = "; ".join(f"{one.name!r} on {', '.join(one.event_types or ('every type',))}" for one in learners)
    click.echo(harmless(f"  trained: {told}"))
    judged = {name: judged_type(learners, name) for name, _ in seen.types.most_common(_MOST_NAMES)}
    return [harmless(f"event type {name}: {one.says}") for name, one in sorted(judged.items()) if not one.is_used]


async def _measured(connection: Connection, dataset_group_arn: str, site: Site) -> list[str]:
    """What is odd about the metric attribution; what it counts is told on stdout."""
    attribution = await metric_attribution_of(connection, dataset_group_arn)
    if attribution is None:
        click.echo("  no metric attribution; `setup --metric-attribution` makes one")
        return []
    metrics = await metrics_of(connection, attribution.metric_attribution_arn)
    counted = ", ".join(f"{one.metric_name} ({one.expression} of {one.event_type})" for one in metrics)
    click.echo(harmless(f"  metric attribution {attribution.name!r}, {attribution.status}: {counted}"))
    odd: list[str] = []
    if attribution.status != "ACTIVE":
        why = " ".join(attribution.failure_reason.split())
        odd.append(f"the metric attribution {attribution.name!r} is {attribution.status}, and counts nothing {why}")
    odd += [
        f"the metric {one.metric_name} counts {one.event_type}, which RELAY_EVENT_TYPES refuses"
        for one in metrics
        if site.event_types and one.event_type not in site.event_types
    ]
    return list(map(harmless, odd))


async def _seen(settings: Settings, tracking_id: str) -> Survey:
    spool = look_into(settings.spool_url, SystemClock(), iam=settings.spool_iam)
    kept: list[Kept] = []
    if spool is not None and await spool.is_there():
        for place in _LOOKED_AT:
            some: list[Kept] = []
            async for page in spool.events(tracking_id, place):
                some += page
                if len(some) >= _SAMPLE:
                    break
            kept += some[:_SAMPLE]
    return survey(kept, {})
