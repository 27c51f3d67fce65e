"""What the service took is counted as if each event were by itself, whatever is counted together."""

from collections import Counter
from random import Random

import msgspec

from relay.core.model import Batch, Operation, Piece, Record, SessionKey
from relay.insight.delivered import MOST_NAMES, UNNAMED, DeliveredCounts
from relay.insight.minute_rows import OTHER, CountKey

Event = dict[str, object]


def batch_of(session_id: str, *events: Event) -> Batch:
    key = SessionKey(Operation.PUT_EVENTS, "tracker", session_id)
    entries = [msgspec.json.encode(event) for event in events]
    ends = [sum(map(len, entries[:count])) + count - 1 for count in range(1, len(entries) + 1)]
    record = Record(1, key, None, b",".join(entries), tuple(ends), 0, (1 << len(events)) - 1)
    return Batch(key, None, (Piece(record, record.waiting),))


def counted(*batches: Batch) -> Counter[CountKey]:
    counts: Counter[CountKey] = Counter()
    delivered = DeliveredCounts(counts)
    for batch in batches:
        delivered.add(batch)
    delivered.write_out()
    return counts


def test_an_event_counts_by_type_property_and_list_and_its_items_once_a_session() -> None:
    click: Event = {
        "eventType": "Click",
        "itemId": "i",
        "properties": '{"price":1,"no name":2}',
        "recommendationId": "r",
        "impression": ["a", "b"],
    }
    view: Event = {"eventType": "View", "metricAttribution": {"eventAttributionSource": "home"}, "impression": ["a"]}
    assert counted(batch_of("s", click, click), batch_of("t", click, view)) == {
        ("type", "tracker", "Click"): 3,
        ("type", "tracker", "View"): 1,
        ("no_item", "tracker", "View"): 1,
        ("property", "tracker", "price"): 3,
        ("property", "tracker", OTHER): 3,
        ("list", "source", UNNAMED, "events"): 3,
        ("list", "source", UNNAMED, "clicked"): 3,
        ("list", "source", UNNAMED, "seen"): 4,
        ("list", "recommendation", "r", "events"): 3,
        ("list", "recommendation", "r", "clicked"): 3,
        ("list", "recommendation", "r", "seen"): 4,
        ("list", "source", "home", "events"): 1,
        ("list", "source", "home", "seen"): 1,
    }


def test_an_event_of_no_list_counts_for_none_and_a_damaged_batch_for_nothing() -> None:
    damaged = batch_of("s", {"eventType": "Click"})
    damaged = msgspec.structs.replace(
        damaged, pieces=(Piece(msgspec.structs.replace(damaged.pieces[0].record, body=b'{"eventType'), 1),)
    )
    assert counted(batch_of("s", {"eventType": "Click", "itemId": "i", "properties": "no object"}), damaged) == {
        ("type", "tracker", "Click"): 1
    }


def test_many_sorts_of_events_count_as_if_each_batch_were_alone() -> None:
    chance = Random(7)
    batches: list[Batch] = []
    expected: Counter[CountKey] = Counter()
    for number in range(3000):
        event_type, recommendation = f"type-{chance.randrange(40)}", f"r-{chance.randrange(150)}"
        batches.append(
            batch_of(
                f"s-{number}",
                {"eventType": event_type, "itemId": "i", "recommendationId": recommendation, "impression": ["a", "b"]},
            )
        )
        expected["type", "tracker", event_type] += 1
        for table, name in (("source", UNNAMED), ("recommendation", recommendation)):
            expected["list", table, name, "events"] += 1
            expected["list", table, name, "seen"] += 2
    assert counted(*batches) == expected


def test_past_the_bound_what_comes_first_is_told_apart_until_the_hour_ends() -> None:
    counts: Counter[CountKey] = Counter()
    delivered = DeliveredCounts(counts)
    most = MOST_NAMES["recommendation"]
    for number in range(2 * most):
        delivered.add(batch_of("s", {"eventType": "View", "itemId": "i", "recommendationId": f"r-{number}"}))
    delivered.write_out()
    assert counts["list", "recommendation", f"r-{most - 1}", "events"] == 1
    assert counts["list", "recommendation", OTHER, "events"] == most
    delivered.new_hour()
    delivered.add(batch_of("s", {"eventType": "View", "itemId": "i", "recommendationId": "r-late"}))
    delivered.write_out()
    assert counts["list", "recommendation", "r-late", "events"] == 1
