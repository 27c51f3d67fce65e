"""Faults on purpose: what to do wrong, how often, to which operations. Set by `PUT /_emulator/faults`."""

import random
from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.emulator.wire.errors import AwsError, invalid

FaultKind = Literal["throttling", "server_error", "error", "reset", "hang", "html", "redirect", "slow_body"]

KINDS: Final[tuple[FaultKind, ...]] = (
    "throttling",
    "server_error",
    "error",
    "reset",
    "hang",
    "html",
    "redirect",
    "slow_body",
)

DEFAULT_OPERATIONS: Final = ("PutEvents", "PutUsers", "PutItems", "PutActions", "PutActionInteractions")

Rate = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]


class Rule(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How often a fault strikes, and its details."""

    rate: Rate = 1.0
    """Share of the calls it may strike that it does strike."""
    skip: Count = 0
    """Calls to leave alone first."""
    limit: Count | None = None
    """Strike so many times, then no more; None for ever."""
    operations: list[str] = msgspec.field(default_factory=lambda: list(DEFAULT_OPERATIONS))
    """Operations it may strike: by default those of personalize-events; `*` is every one."""
    taken: bool = False
    """Strike after the service has acted on the call: the client can't tell, and may send it again."""
    code: str | None = None
    """`error`, `throttling`, `server_error`: the error code to answer with."""
    message: Annotated[str, Meta(max_length=1000)] = "Refused on purpose by a fault."
    """`error`: what the answer says."""
    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    """The HTTP status to answer with, where not the usual one."""
    seconds: Annotated[float, Meta(ge=0, le=3600)] = 30.0
    """`slow_body`: time from the head of the answer to its end. `hang`: until the connection is dropped."""
    location: str = "/redirected"
    """`redirect`: where to."""


class FaultSpec(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of `PUT /_emulator/faults`. A fault is a rate, a rule, or several rules; what is missing is off."""

    throttling: Rate | Rule | list[Rule] | UnsetType = UNSET
    """ThrottlingException, HTTP 400."""
    server_error: Rate | Rule | list[Rule] | UnsetType = UNSET
    """InternalFailure, HTTP 500; with `status` 503 ServiceUnavailable."""
    error: Rule | list[Rule] | UnsetType = UNSET
    """Any error `code`: AccessDeniedException, ExpiredTokenException, ResourceNotFoundException, ..."""
    reset: Rate | Rule | list[Rule] | UnsetType = UNSET
    """The connection is reset instead of an answer."""
    hang: Rate | Rule | list[Rule] | UnsetType = UNSET
    """No answer."""
    html: Rate | Rule | list[Rule] | UnsetType = UNSET
    """A page of HTML with status 200, as from a proxy or a captive portal."""
    redirect: Rate | Rule | list[Rule] | UnsetType = UNSET
    """HTTP 307 to `location`."""
    slow_body: Rate | Rule | list[Rule] | UnsetType = UNSET
    """The head of a good answer at once, its body drop by drop."""
    refuse_items: list[str] = msgspec.field(default_factory=list[str])
    """PutEvents and PutItems with one of these item ids are InvalidInput."""
    refuse_naming: bool = False
    """Whether the refusal names the item; the service is not known to."""
    delay_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0
    """Wait so long before each answer."""
    seed: int | None = None
    """Makes the rates repeat."""


class Fault(msgspec.Struct, frozen=True):
    """A fault that strikes one call."""

    kind: FaultKind
    rule: Rule

    @property
    def error(self) -> AwsError | None:
        """The error it answers with; None for the kinds that spoil the connection or the answer."""
        status, code = self.rule.status, self.rule.code
        match self.kind:
            case "throttling":
                return AwsError(code or "ThrottlingException", "Rate exceeded", status=status)
            case "server_error":
                usual = "ServiceUnavailable" if status == 503 else "InternalFailure"
                return AwsError(code or usual, "The request failed because of a server error.", status=status or 500)
            case "error":
                return AwsError(code or "AccessDeniedException", self.rule.message, status=status)
            case _:
                return None


class _Armed:
    """A rule and how often it met a call and struck."""

    def __init__(self, kind: FaultKind, rule: Rule) -> None:
        self.fault = Fault(kind, rule)
        self.met = 0
        self.struck = 0

    def strikes(self, operation: str | None, rng: random.Random) -> bool:
        rule = self.fault.rule
        if "*" not in rule.operations and operation not in rule.operations:
            return False
        if rule.limit is not None and self.struck >= rule.limit:
            return False
        self.met += 1
        if self.met <= rule.skip or rng.random() >= rule.rate:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults in force; none at first."""

    def __init__(self, rng: random.Random) -> None:
        self._default_rng = rng
        self.apply(FaultSpec())

    def apply(self, spec: FaultSpec) -> None:
        """Replace all faults by these, and begin counting anew."""
        self.spec = spec
        self._rng = self._default_rng if spec.seed is None else random.Random(spec.seed)  # noqa: S311  # a repeatable dice
        self._armed = [_Armed(kind, rule) for kind in KINDS for rule in _rules(getattr(spec, kind))]
        self._refused = frozenset(spec.refuse_items)
        self.delay_s = spec.delay_ms / 1000

    def pick(self, operation: str | None) -> Fault | None:
        """The fault that strikes this call: the first in the order of `KINDS`."""
        for armed in self._armed:
            if armed.strikes(operation, self._rng):
                return armed.fault
        return None

    def struck(self) -> dict[str, int]:
        """How often each kind struck since it was set."""
        counts: dict[str, int] = {}
        for armed in self._armed:
            counts[armed.fault.kind] = counts.get(armed.fault.kind, 0) + armed.struck
        return counts

    def check_items(self, item_ids: Iterable[str | None]) -> None:
        """InvalidInputException when one of the ids is to be refused."""
        if not self._refused:
            return
        for item_id in item_ids:
            if item_id in self._refused:
                raise invalid(f"Item {item_id} is not valid." if self.spec.refuse_naming else "Invalid input.")


def _rules(setting: float | Rule | list[Rule] | UnsetType) -> list[Rule]:
    if isinstance(setting, UnsetType):
        return []
    if isinstance(setting, Rule):
        return [setting]
    return setting if isinstance(setting, list) else [Rule(rate=setting)]
