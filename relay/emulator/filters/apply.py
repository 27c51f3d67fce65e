"""An expression applied: which of the candidates stay."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from relay.emulator.data.properties import folded
from relay.emulator.filters.expression import AnyValue, Clause, Condition, CurrentItem, Expression, Parameter
from relay.emulator.wire.errors import invalid

_QUOTED: Final = re.compile(r'"([^"]*)"')

Properties = Mapping[str, Any]
"""Column, `folded`, to value."""


class Known(Protocol):
    """What a filter asks about the dataset group."""

    def properties_of(self, dataset: str, record_id: str) -> Properties:
        """Of an item, a user or an action; empty where nothing is known."""
        ...

    def touched(self, dataset: str, user: str, event_type: str | None) -> frozenset[str]:
        """Items (or actions) of a user's latest events of a type, in lower case; None is every type."""
        ...


class Asked(NamedTuple):
    """The request a filter is applied for."""

    user: str = ""
    item: str | None = None
    values: Mapping[str, str] = {}
    """Parameter to its value, as it came."""


class _Missing(Exception):  # noqa: N818  # never leaves this module
    """A parameter without a value."""


def kept(expression: Expression, candidates: Iterable[str], known: Known, asked: Asked) -> list[str]:
    """The candidates that stay, in their order.

    Raises:
        AwsError: InvalidInputException when a parameter of an INCLUDE has no value, or one that is no number where
            numbers are compared. An EXCLUDE with a parameter that has none says nothing.
    """
    includes: list[Callable[[str], bool]] = []
    excludes: list[Callable[[str], bool]] = []
    for clause in expression.clauses:
        if not all(_holds(one, known.properties_of("users", asked.user), known, asked) for one in clause.only_if):
            continue
        try:
            test = _test(clause, known, asked)
        except _Missing as missing:
            if clause.include:
                raise invalid(f"The filter's parameter {missing} has no value in filterValues.") from None
            continue
        (includes if clause.include else excludes).append(test)
    return [
        one
        for one in candidates
        if (not includes or any(test(one) for test in includes)) and not any(test(one) for test in excludes)
    ]


def _test(clause: Clause, known: Known, asked: Asked) -> Callable[[str], bool]:
    any_of = [[_matcher(one, clause, known, asked) for one in all_of] for all_of in clause.where]
    return lambda candidate: any(all(match(candidate) for match in all_of) for all_of in any_of)


def _matcher(condition: Condition, clause: Clause, known: Known, asked: Asked) -> Callable[[str], bool]:
    values = _values(condition, known, asked)
    if condition.dataset in {"interactions", "action_interactions"}:
        return _of_events(condition, clause, values, known, asked)
    dataset = condition.dataset
    return lambda candidate: _compares(
        condition, known.properties_of(dataset, candidate).get(folded(condition.column)), values
    )


def _of_events(
    condition: Condition, clause: Clause, values: list[Any], known: Known, asked: Asked
) -> Callable[[str], bool]:
    types: list[str | None] = [None if isinstance(value, AnyValue) else str(value).lower() for value in values]
    wanted = condition.operator in {"IN", "="}
    if clause.subject == "UserID":
        return lambda user: any(known.touched("interactions", user, one) for one in types) is wanted
    touched = frozenset[str]().union(*(known.touched(condition.dataset, asked.user, one) for one in types))
    return lambda candidate: (candidate in touched) is wanted


def _holds(condition: Condition, properties: Properties, known: Known, asked: Asked) -> bool:
    try:
        values = _values(condition, known, asked)
    except _Missing:
        return False
    return _compares(condition, properties.get(folded(condition.column)), values)


def _values(condition: Condition, known: Known, asked: Asked) -> list[Any]:
    values: list[Any] = []
    for value in condition.values:
        if isinstance(value, Parameter):
            values.extend(_given(value, asked))
        elif isinstance(value, CurrentItem):
            current = known.properties_of("items", asked.item or "").get(folded(value.column))
            values.extend(current.split("|") if isinstance(current, str) else [current])
        else:
            values.append(value)
    if condition.operator in {"<", "<=", ">", ">="} and any(
        _number(value) is None for value in values if value is not None
    ):
        raise invalid(f"{condition.column} is compared with numbers only.")
    return values


def _given(parameter: Parameter, asked: Asked) -> list[str]:
    text = asked.values.get(parameter.name)
    if text is None:
        raise _Missing(parameter.name)
    quoted = _QUOTED.findall(text)
    return quoted or [part.strip() for part in text.split(",")]


def _compares(condition: Condition, have: Any, values: list[Any]) -> bool:
    match condition.operator:
        case "IN" | "=":
            return _is_one_of(have, values)
        case "NOT IN" | "!=":
            return not _is_one_of(have, values)
        case _:
            return _orders(condition.operator, _number(have), _number(values[0]))


def _is_one_of(have: Any, values: list[Any]) -> bool:
    if have is None:
        return False
    if isinstance(have, str):
        parts = have.split("|")
        return any(value in parts for value in values if isinstance(value, str)) or _equals_a_number(have, values)
    return _equals_a_number(have, values)


def _equals_a_number(have: Any, values: list[Any]) -> bool:
    number = _number(have)
    return number is not None and any(_number(value) == number for value in values)


def _orders(operator: str, have: float | None, value: float | None) -> bool:
    if have is None or value is None:
        return False
    match operator:
        case "<":
            return have < value
        case "<=":
            return have <= value
        case ">":
            return have > value
        case _:
            return have >= value


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
