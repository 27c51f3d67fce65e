"""Batch inference and batch segment jobs: JSON Lines of the folder in, JSON Lines of the folder out.

`NAME` becomes `NAME.out`, a line for each line, in the formats of the developer guide; a line that can't be answered
has its reason in `error`, and does not fail the job.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import msgspec

from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Resource
from relay.emulator.data.properties import folded
from relay.emulator.filters.apply import Asked
from relay.emulator.jobs.folder import read_all, write
from relay.emulator.runtime.knowledge import Knowledge
from relay.emulator.runtime.ranking import rank
from relay.emulator.runtime.recipes import Recipe
from relay.emulator.runtime.recommendations import DEFAULT_RESULTS, best_of
from relay.emulator.runtime.sources import recipe_of_version
from relay.emulator.state import Emulator
from relay.emulator.wire.errors import AwsError, invalid

_ATTRIBUTE: Final = re.compile(
    r"""\s*ITEMS\.(?P<column>\w+)\s*=\s*(?:"(?P<text>[^"]*)"|(?P<number>[+-]?\d+(?:\.\d+)?))\s*""", re.IGNORECASE
)
_AND: Final = re.compile(r"\s+AND\s+", re.IGNORECASE)
_DEFAULT_USERS: Final = 25

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode

T = TypeVar("T")
Answer = Callable[[dict[str, Any]], dict[str, Any]]


def run_batch(emulator: Emulator, job: Resource) -> None:
    """Do one job of either kind; `S3Error` when the folder can't be read or written."""
    version = emulator.registry.get(Kind.SOLUTION_VERSION, job.parent_arn or "")
    recipe = recipe_of_version(emulator, version)
    knowledge = Knowledge(emulator, version.dataset_group_arn or "")
    if job.kind is Kind.BATCH_SEGMENT_JOB:
        answer = _segments(knowledge, job, recipe)
    elif recipe is not None and recipe.style == "ranking":
        answer = _ranking(knowledge, job)
    else:
        answer = _recommendations(knowledge, job, recipe)
    source = job.details["jobInput"]["s3DataSource"]["path"]
    destination = job.details["jobOutput"]["s3DataDestination"]["path"]
    for name, content in read_all(emulator, source):
        write(emulator, destination, f"{name}.out", _answered(content, answer))


def _answered(content: bytes, answer: Answer) -> Iterator[bytes]:
    for line in content.splitlines():
        if line.strip():
            yield _encode(_answer_to(line, answer)) + b"\n"


def _answer_to(line: bytes, answer: Answer) -> dict[str, Any]:
    try:
        asked = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {"input": line.decode("utf-8", "replace"), "output": None, "error": "The line is not a JSON object."}
    try:
        return {"input": asked, "output": answer(asked), "error": None}
    except AwsError as error:
        return {"input": asked, "output": None, "error": error.message}


def _recommendations(knowledge: Knowledge, job: Resource, recipe: Recipe | None) -> Answer:
    count = job.details.get("numResults") or DEFAULT_RESULTS
    related = recipe is not None and recipe.style == "related"
    field = "itemId" if related else "userId"

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        who = _text(asked, field)
        visitor, item_id = (asked.get("userId"), who) if related else (who, None)
        scores = knowledge.items.scores(recipe, catalogue=knowledge.records("items"), visitor=visitor, item_id=item_id)
        left = knowledge.filtered(job.details.get("filterArn"), list(scores), "ItemID", _asked(asked, visitor, item_id))
        total = sum(scores.values()) or 1.0
        best = best_of({item: scores[item] / total for item in left}, count)
        return _listed(best, with_scores=not related)

    return answer


def _ranking(knowledge: Knowledge, job: Resource) -> Answer:
    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        user, items = _text(asked, "userId"), _checked(asked.get("itemList"), "itemList", list[str])
        named = list(dict.fromkeys(items))
        left = knowledge.filtered(job.details.get("filterArn"), named, "ItemID", _asked(asked, user, None))
        return _listed(rank(knowledge, left, user), with_scores=True)

    return answer


def _segments(knowledge: Knowledge, job: Resource, recipe: Recipe | None) -> Answer:
    count = job.details.get("numResults") or _DEFAULT_USERS

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        if recipe is not None and recipe.style == "attributes":
            wanted = _with_attributes(knowledge, _text(asked, "itemAttributes"))
        else:
            wanted = _close_to(knowledge, _text(asked, "itemId"))
        users = {
            user: score
            for user, items in knowledge.items.users()
            if (score := sum(wanted.get(item, 0.0) for item in items)) > 0
        }
        left = knowledge.filtered(job.details.get("filterArn"), list(users), "UserID", _asked(asked, "", None))
        return {"recommendedUsers": [user for user, _ in best_of({user: users[user] for user in left}, count)]}

    return answer


def _close_to(knowledge: Knowledge, item_id: str) -> dict[str, float]:
    """Items to how much somebody who likes them may like this one; it is worth most itself."""
    close = knowledge.items.beside(item_id)
    for item, share in knowledge.items.likeness(item_id).items():
        close[item] = close.get(item, 0.0) + share
    return close | {item_id: 1.0 + max(close.values(), default=0.0)}


def _with_attributes(knowledge: Knowledge, expression: str) -> dict[str, float]:
    wanted: list[tuple[str, str]] = []
    for part in _AND.split(expression):
        match = _ATTRIBUTE.fullmatch(part)
        if match is None:
            raise invalid(f"{part.strip()!r} is not of the form ITEMS.column = value.")
        wanted.append((folded(match["column"]), match["text"] if match["number"] is None else match["number"]))
    return {
        item: 1.0
        for item in knowledge.records("items")
        if all(_has(knowledge.properties_of("items", item).get(column), value) for column, value in wanted)
    }


def _has(have: Any, value: str) -> bool:
    if isinstance(have, str):
        return value in have.split("|")
    try:
        return have is not None and float(have) == float(value)
    except (TypeError, ValueError):
        return False


def _listed(best: list[tuple[str, float]], *, with_scores: bool) -> dict[str, Any]:
    listed: dict[str, Any] = {"recommendedItems": [item for item, _ in best]}
    return listed | ({"scores": [round(score, 7) for _, score in best]} if with_scores else {})


def _asked(line: dict[str, Any], user: str | None, item_id: str | None) -> Asked:
    return Asked(user or "", item_id, _checked(line.get("filterValues", {}), "filterValues", dict[str, str]))


def _checked(value: Any, name: str, wanted: type[T]) -> T:
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        raise invalid(f"{name}: {error}.") from None


def _text(line: dict[str, Any], field: str) -> str:
    value = line.get(field)
    if not isinstance(value, str) or not value:
        raise invalid(f"{field} must be given.")
    return value
