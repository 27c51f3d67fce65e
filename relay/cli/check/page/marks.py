"""What is marked on a page: lists, items, values, and what the service can do with them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable

from relay.cli.check.page.document import Document, ItemList
from relay.cli.check.page.findings import Findings, examples, plural
from relay.core.limits import ATTRIBUTION_SOURCE_PATTERN, MAX_ATTRIBUTION_SOURCE_CHARS
from relay.wire.values import RefusedFieldError, event_value, recommendation_id, text


def look_at_marks(document: Document, findings: Findings, *, event_types: Collection[str] | None) -> None:
    """Say what the attributes of a page come to.

    Args:
        document: The page.
        findings: Where it is said.
        event_types: If given, no other type is taken by the site.
    """
    if not document.item_ids:
        findings.doubt(
            "items: nothing has data-relay-item or data-relay-view, so that only JavaScript calls are recorded;"
            " mark what is shown, or, where scripts put it in, look with --browser"
        )
        return
    shown = sum(len(one.items) for one in document.lists)
    findings.well(
        f"items: {plural(shown, 'item')} in {plural(len(document.lists), 'list')},"
        f" {len(document.outside):,} outside, {plural(len(document.views), 'view')}"
    )
    if bad := _refused(document.item_ids, text):
        findings.wrong(f"items: {bad} cannot be used as item ids; give the id that your items dataset has")
    if document.outside:
        findings.doubt(
            f"items: {examples(document.outside)} in no data-relay-list: clicks on them carry no recommendation and no"
            " impression; put data-relay-list on the element around them"
        )
    _look_at_lists(document.lists, findings)
    if bad := _refused(document.values, event_value):
        findings.wrong(
            f"data-relay-value: {bad} is no number, and is left out of the event; write it as 19.90, without currency"
        )
    _look_at_types(document, findings, event_types)


def _look_at_lists(lists: list[ItemList], findings: Findings) -> None:
    without = [one.name for one in lists if not one.recommendation_id.strip()]
    if without:
        findings.doubt(
            f"lists: {examples(without)} without data-relay-recommendation-id, so that the service cannot tell what its"
            " recommendation led to; write the recommendationId of GetRecommendations there"
        )
    if bad := _refused([one.recommendation_id for one in lists if one.recommendation_id.strip()], recommendation_id):
        findings.wrong(f"lists: {bad} is no recommendation id of the service, and is left out of events")
    sources = [one.source for one in lists if one.source and not _is_source(one.source)]
    if sources:
        findings.wrong(
            f"lists: data-relay-source {examples(sources)} is left out of events: the service takes printable ASCII of"
            f" at most {MAX_ATTRIBUTION_SOURCE_CHARS:,} characters"
        )
    for one in lists:
        twice = [item for item, count in Counter(one.items).items() if count > 1 and item]
        if twice:
            findings.wrong(
                f"lists: {examples(twice)} more than once in {one.name}: an impression names an item once, wherever it"
                " was seen; take the copies out, or data-relay-item off them"
            )
    if empty := [one.name for one in lists if not one.items]:
        findings.doubt(
            f"lists: nothing in {examples(empty)} has data-relay-item; where scripts put it in, look with --browser"
        )


def _look_at_types(document: Document, findings: Findings, event_types: Collection[str] | None) -> None:
    if bad := _refused(document.event_types, text):
        findings.wrong(f"data-relay-event: {bad} is no event type; name what the control does, such as AddToCart")
    if event_types is None:
        return
    used = {*document.event_types, *(["View"] if document.views else ["Click"])}
    if unknown := sorted(used - set(event_types)):
        findings.wrong(
            f"event types: {examples(unknown)} not among those the site takes, so that the events are refused;"
            " add to RELAY_EVENT_TYPES"
        )


def _is_source(source: str) -> bool:
    return len(source) <= MAX_ATTRIBUTION_SOURCE_CHARS and ATTRIBUTION_SOURCE_PATTERN.fullmatch(source) is not None


def _refused(values: Iterable[str], read: Callable[[object], object]) -> str:
    """Those that cannot be read, for a line; empty when all can."""
    refused: list[str] = []
    for value in dict.fromkeys(values):
        try:
            read(value)
        except RefusedFieldError:
            refused.append(repr(value))
    return examples(refused) if refused else ""
