"""Text to expression; what is wrong with it is an InvalidInputException that says where.

The grammar and its rules are those of the developer guide's page on filter expressions.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple, cast

from relay.emulator.filters.expression import (
    AnyValue,
    Clause,
    Condition,
    CurrentItem,
    Expression,
    Operator,
    Parameter,
    Subject,
    Value,
)
from relay.emulator.wire.errors import AwsError, invalid

MAX_COLUMNS: Final = 5
"""Distinct columns of a filter [the quotas page of the developer guide]."""

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"[^"]*")|(?P<number>[+-]?\d+(?:\.\d+)?(?![\w.]))|(?P<parameter>\$[A-Za-z0-9_]+)"""
    r"""|(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?)|(?P<sign><=|>=|!=|[=<>(),|*]))"""
)
_SUBJECTS: Final = {"itemid": "ItemID", "userid": "UserID", "actionid": "ActionID"}
_DATASETS: Final = {
    "ItemID": frozenset({"items", "interactions"}),
    "UserID": frozenset({"users", "interactions"}),
    "ActionID": frozenset({"actions", "action_interactions"}),
}
_OF_EVENTS: Final = frozenset({"interactions", "action_interactions"})
_COMPARISONS: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


@lru_cache(maxsize=256)
def parse_filter(text: str) -> Expression:
    """The expression in the text; InvalidInputException when it is none."""
    return _Parser(text).whole()


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _wrong(f"unexpected '{text[at : at + 20].strip()}'", at)
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0
        self._end = len(text)

    def whole(self) -> Expression:
        clauses = [self._clause()]
        while self._takes("|"):
            clauses.append(self._clause())
        if self._peek() is not None:
            raise self._unexpected()
        expression = Expression(tuple(clauses))
        if len({clause.subject for clause in clauses}) > 1:
            raise invalid("Invalid filter expression: every part must filter the same: ItemID, UserID or ActionID.")
        if len(expression.columns) > MAX_COLUMNS:
            raise invalid(f"Invalid filter expression: {MAX_COLUMNS} distinct dataset fields at most.")
        return expression

    def _clause(self) -> Clause:
        include = not self._takes("EXCLUDE")
        if include:
            self._expect("INCLUDE")
        word = self._word()
        if word.text.lower() not in _SUBJECTS:
            raise _wrong(f"'{word.text}' is none of ItemID, UserID, ActionID", word.at)
        subject = cast("Subject", _SUBJECTS[word.text.lower()])
        self._expect("WHERE")
        any_of = [[self._condition()]]
        while True:
            if self._takes("AND"):
                any_of[-1].append(self._condition())
            elif self._takes("OR"):
                any_of.append([self._condition()])
            else:
                break
        only_if: list[Condition] = []
        if self._takes("IF"):
            only_if.append(self._condition())
            while self._takes("AND"):
                only_if.append(self._condition())
        _check(subject, [one for all_of in any_of for one in all_of], only_if)
        return Clause(include, subject, tuple(map(tuple, any_of)), tuple(only_if))

    def _condition(self) -> Condition:
        word = self._word()
        dataset, dot, column = word.text.partition(".")
        if not dot:
            raise _wrong(f"'{word.text}' is no dataset.field", word.at)
        operator = self._operator()
        if operator in {"IN", "NOT IN"}:
            values = self._list()
        elif self._takes("("):
            values = (self._value(),)
            self._expect(")")
        else:
            values = (self._value(),)
        if operator == "NOT IN" and any(isinstance(value, Parameter) for value in values):
            raise _wrong("NOT IN takes no parameters: use IN, and INCLUDE for EXCLUDE or EXCLUDE for INCLUDE", word.at)
        return Condition(dataset.lower(), column.upper(), operator, values)

    def _operator(self) -> Operator:
        if self._takes("NOT"):
            self._expect("IN")
            return "NOT IN"
        if self._takes("IN"):
            return "IN"
        token = self._peek()
        if token is None or token.text not in _COMPARISONS:
            raise self._unexpected()
        self._next += 1
        return cast("Operator", token.text)

    def _list(self) -> tuple[Value, ...]:
        if not self._takes("("):
            return (self._value(),)
        values = [self._value()]
        while self._takes(","):
            values.append(self._value())
        self._expect(")")
        return tuple(values)

    def _value(self) -> Value:
        token = self._peek()
        if token is None:
            raise self._unexpected()
        self._next += 1
        if token.kind == "string":
            text = token.text[1:-1]
            return AnyValue() if text == "*" else text
        if token.kind == "number":
            return float(token.text)
        if token.kind == "parameter":
            return Parameter(token.text[1:])
        if token.text == "*":
            return AnyValue()
        if token.kind == "word" and token.text.lower().startswith("currentitem."):
            return CurrentItem(token.text.partition(".")[2].upper())
        self._next -= 1
        raise self._unexpected()

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _takes(self, text: str) -> bool:
        token = self._peek()
        if token is None or token.kind not in {"word", "sign"} or token.text.upper() != text:
            return False
        self._next += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise self._unexpected(f", {text} expected")

    def _word(self) -> _Token:
        token = self._peek()
        if token is None or token.kind != "word":
            raise self._unexpected()
        self._next += 1
        return token

    def _unexpected(self, more: str = "") -> AwsError:
        token = self._peek()
        if token is None:
            return _wrong(f"it ends too early{more}", self._end)
        return _wrong(f"unexpected '{token.text}'{more}", token.at)


def _check(subject: Subject, where: list[Condition], only_if: list[Condition]) -> None:
    datasets = {condition.dataset for condition in where}
    if len(datasets) > 1:
        raise invalid("Invalid filter expression: AND and OR join fields of one dataset; join expressions with '|'.")
    if not datasets <= _DATASETS[subject]:
        raise invalid(f"Invalid filter expression: {subject} can't be filtered by fields of {datasets.pop()}.")
    if any(condition.dataset != "currentuser" for condition in only_if):
        raise invalid("Invalid filter expression: IF checks fields of CurrentUser only.")
    for condition in where:
        if condition.dataset in _OF_EVENTS and condition.column != "EVENT_TYPE":
            raise invalid("Invalid filter expression: interactions are filtered by EVENT_TYPE only.")
    for condition in (*where, *only_if):
        wild = any(isinstance(value, AnyValue) for value in condition.values)
        if wild and condition.column != "EVENT_TYPE":
            raise invalid("Invalid filter expression: '*' stands for event types only.")


def _wrong(what: str, at: int) -> AwsError:
    return invalid(f"Invalid filter expression: {what} at character {at + 1}.")
