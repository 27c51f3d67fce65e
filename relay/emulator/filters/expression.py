"""What a filter expression says, as data.

INCLUDE ItemID WHERE Items.CATEGORY IN ($CATEGORY) AND Items.PRICE <= 50 IF CurrentUser.AGE > 18
| EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")
"""

from typing import Literal, NamedTuple

Subject = Literal["ItemID", "UserID", "ActionID"]
Operator = Literal["IN", "NOT IN", "=", "!=", "<", "<=", ">", ">="]


class Parameter(NamedTuple):
    """`$NAME`: given with each request."""

    name: str


class CurrentItem(NamedTuple):
    """`CurrentItem.COLUMN`: of the item that related items are asked for."""

    column: str


class AnyValue(NamedTuple):
    """`*`: events of every type."""


Value = str | float | Parameter | CurrentItem | AnyValue


class Condition(NamedTuple):
    """One comparison."""

    dataset: str
    """Items, Users, Interactions, Actions, Action_Interactions; CurrentUser behind IF. In lower case."""
    column: str
    """In upper case."""
    operator: Operator
    values: tuple[Value, ...]


class Clause(NamedTuple):
    """One of the expressions that `|` joins."""

    include: bool
    subject: Subject
    where: tuple[tuple[Condition, ...], ...]
    """Any of these, of each all: OR of ANDs."""
    only_if: tuple[Condition, ...]
    """All of them, or the clause says nothing."""


class Expression(NamedTuple):
    """A whole filter."""

    clauses: tuple[Clause, ...]

    @property
    def subject(self) -> Subject:
        """What it filters; the same in every clause."""
        return self.clauses[0].subject

    @property
    def columns(self) -> frozenset[tuple[str, str]]:
        """Dataset and column of every condition; those of CurrentUser and CurrentItem under `users` and `items`."""
        found: set[tuple[str, str]] = set()
        for clause in self.clauses:
            for condition in (*(one for all_of in clause.where for one in all_of), *clause.only_if):
                found.add(("users" if condition.dataset == "currentuser" else condition.dataset, condition.column))
                found.update(("items", value.column) for value in condition.values if isinstance(value, CurrentItem))
        return frozenset(found)
