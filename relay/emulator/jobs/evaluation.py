"""How good the model is on the data of a dataset group: measured, on each user's last interactions, held back.

Of every user with at least two items the last tenth (at least one) is held back; a model that never saw them is asked
for 25 items, and what it gives is compared with them. The metrics are named as the service names them.
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from relay.emulator.data.events import decode_put_events, item_of
from relay.emulator.runtime.recipes import Recipe
from relay.emulator.runtime.recommendations import best_of
from relay.emulator.runtime.taste import Taste
from relay.emulator.state import Emulator

MAX_INTERACTIONS: Final = 50_000
"""The latest that are looked at."""
MAX_USERS: Final = 100
"""Users whose recommendations are compared; the first by id."""

_DEPTHS: Final = (5, 10, 25)


class Happened(NamedTuple):
    """An interaction of a user."""

    at_s: float
    user_id: str
    item_id: str
    event_type: str


def interactions_of(emulator: Emulator, group_arn: str) -> list[Happened]:
    """Every interaction with an item of a dataset group, of imports and of events that have a user, oldest first."""
    return sorted(_interactions(emulator, group_arn), key=lambda one: one.at_s)


def measured(recipe: Recipe, happened: list[Happened]) -> dict[str, float]:
    """The metrics of a recipe on these interactions."""
    of_user: dict[str, list[Happened]] = {}
    for one in happened[-MAX_INTERACTIONS:]:
        if recipe.event_type is None or one.event_type.lower() == recipe.event_type:
            of_user.setdefault(one.user_id, []).append(one)
    taste, held, last = Taste(), dict[str, set[str]](), dict[str, str]()
    for user, seen in of_user.items():
        back = max(1, len(seen) // 10) if len(seen) > 1 else 0
        for one in seen[: len(seen) - back]:
            taste.learn(one.item_id, user, user, one.event_type)
        if back:
            held[user] = {one.item_id for one in seen[-back:]}
            last[user] = seen[-back - 1].item_id
    items = {one.item_id for one in happened}
    shown: set[str] = set()
    sums = dict.fromkeys(_names(), 0.0)
    asked = sorted(held)[:MAX_USERS]
    for user in asked:
        related_to = last[user] if recipe.style == "related" else None
        scores = taste.scores(recipe, catalogue=items, visitor=user, item_id=related_to)
        best = [item for item, _ in best_of(scores, _DEPTHS[-1])]
        shown.update(best)
        for name, value in _of_one(best, held[user]).items():
            sums[name] += value
    coverage = len(shown) / len(items) if items else 0.0
    return {"coverage": round(coverage, 4)} | {
        name: round(total / len(asked), 4) if asked else 0.0 for name, total in sums.items()
    }


def _interactions(emulator: Emulator, group_arn: str) -> Iterator[Happened]:
    dataset = emulator.dataset_of(group_arn, "INTERACTIONS")
    for row in emulator.bulk.of(dataset.arn) if dataset else ():
        yield Happened(row.timestamp, row.user_id, row.item_id, row.event_type)
    users: dict[str, str] = {}
    calls = [decode_put_events(call.body) for call in emulator.calls.after(0, operation="PutEvents") if call.taken]
    calls = [put for put in calls if emulator.registry.group_of_tracking_id(put.tracking_id) == group_arn]
    for put in calls:
        if put.user_id:
            users.setdefault(put.session_id, put.user_id)
    for put in calls:
        user = put.user_id or users.get(put.session_id)
        for event in put.event_list if user else ():
            item_id = item_of(event)
            if item_id is not None and user:
                yield Happened(event.sent_at, user, item_id, event.event_type)


def _names() -> list[str]:
    return [
        "mean_reciprocal_rank_at_25",
        *(f"normalized_discounted_cumulative_gain_at_{depth}" for depth in _DEPTHS),
        *(f"precision_at_{depth}" for depth in _DEPTHS),
    ]


def _of_one(best: list[str], held: set[str]) -> dict[str, float]:
    hits = [item in held for item in best]
    metrics = {"mean_reciprocal_rank_at_25": 1 / (hits.index(True) + 1) if True in hits else 0.0}
    for depth in _DEPTHS:
        gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(hits[:depth]) if hit)
        ideal = sum(1 / math.log2(place + 2) for place in range(min(depth, len(held))))
        metrics[f"normalized_discounted_cumulative_gain_at_{depth}"] = gain / ideal
        metrics[f"precision_at_{depth}"] = sum(hits[:depth]) / depth
    return metrics
