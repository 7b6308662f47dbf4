"""What goes wrong in a scenario: a learner that is out, or something done to a twin that is up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from simulator.language.disturbances import ACTIONS, Disturbance, Learner
from simulator.language.fields import Duration, PositiveDuration, Strict
from simulator.language.nearest import nearest
from simulator.language.parameters import SIGNED_DURATION
from simulator.language.signed import format_signed_duration, parse_signed_duration
from simulator.language.words import listed, shown
from simulator.quantities import QuantityError, seconds

OUT: Final = "component"  # the one kind of fault that a virtual run has, too
_WORKER: Final = "worker"
NUMBERED_WORKER: Final = "^worker-[1-9][0-9]?$"  # ECMA-262, as JSON Schema asks
_MOST_MESSAGES: Final = 100_000  # assumption: of one fault


@dataclass(frozen=True, slots=True)
class _TargetOf:
    """Marks a key whose value is a target of an action; `worker-2` is the second of several."""

    action: str

    @property
    def _known(self) -> tuple[str, ...]:
        return ACTIONS[self.action].targets

    def _check(self, value: object) -> object:
        numbered = isinstance(value, str) and _WORKER in self._known and number_of(value)
        if value in self._known or numbered:
            return value
        of = nearest(value, self._known) or f" (known: {listed(self._known)})"
        raise QuantityError((), f"{self.action} has no target {shown(value)}{of}")

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        del schema, handler
        known = {"enum": list(self._known)}
        if _WORKER not in self._known:
            return known
        return {"anyOf": [known, {"type": "string", "pattern": NUMBERED_WORKER}]}


def number_of(target: str) -> int:
    """Return which of several workers a target is, from 1; 0 where it is none.

    >>> number_of("worker-2"), number_of("worker"), number_of("worker-x")
    (2, 0, 0)
    """
    word, _, number = target.partition("-")
    sound = word == _WORKER and number.isascii() and number.isdigit() and len(number) < 3
    return int(number) if sound and number[0] != "0" else 0


SignedDuration = Annotated[
    float,
    BeforeValidator(parse_signed_duration),
    PlainSerializer(format_signed_duration),
    WithJsonSchema(SIGNED_DURATION.schema),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerOut:
    """A base learner that gives no scores to cases that arrive within a time."""

    at_min: float
    for_min: float
    component: str


class FaultSpec(Strict):
    """Something that goes wrong: one of the keys from component to send, and when."""

    at_min: Duration = Field(alias="at", description="When it begins, from the start of the run.")
    for_min: PositiveDuration | None = Field(
        default=None,
        alias="for",
        description="How long it lasts: with component, freeze, cut_off, fill, slow and skew.",
    )
    component: Learner | None = Field(
        default=None, description="A base learner gives no scores; on both clocks."
    )
    kill: Annotated[str, _TargetOf("kill")] | None = Field(
        default=None, description=ACTIONS["kill"].about
    )
    freeze: Annotated[str, _TargetOf("freeze")] | None = Field(
        default=None, description=ACTIONS["freeze"].about
    )
    restart: Annotated[str, _TargetOf("restart")] | None = Field(
        default=None, description=ACTIONS["restart"].about
    )
    cut_off: Annotated[str, _TargetOf("cut_off")] | None = Field(
        default=None, description=ACTIONS["cut_off"].about
    )
    flush: Annotated[str, _TargetOf("flush")] | None = Field(
        default=None, description=ACTIONS["flush"].about
    )
    fill: Annotated[str, _TargetOf("fill")] | None = Field(
        default=None, description=ACTIONS["fill"].about
    )
    slow: Annotated[str, _TargetOf("slow")] | None = Field(
        default=None, description=ACTIONS["slow"].about
    )
    skew: Annotated[str, _TargetOf("skew")] | None = Field(
        default=None, description=ACTIONS["skew"].about
    )
    send: Annotated[str, _TargetOf("send")] | None = Field(
        default=None, description=ACTIONS["send"].about
    )
    by_min: SignedDuration | None = Field(
        default=None, alias="by", description="By how much: with slow and skew."
    )
    count: int | None = Field(
        default=None, ge=1, le=_MOST_MESSAGES, description="How many messages: with send."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        given = [name for name in (OUT, *ACTIONS) if getattr(self, name) is not None]
        if not given:
            raise QuantityError((), f"says nothing to do: give one of {listed((OUT, *ACTIONS))}")
        if len(given) > 1:
            reason = f"says {listed(given)}: give one of them, and a fault of its own for each"
            raise QuantityError((given[1],), reason)
        for key, reason in self._wrong(given[0]):
            raise QuantityError((key,), reason)
        return self

    def _wrong(self, kind: str) -> Iterator[tuple[str, str]]:
        """Yield what goes with the fault and is not there, or is there and does not."""
        action = ACTIONS.get(kind)
        needs = {
            "for": (self.for_min, action is None or action.lasts, "how long does it last?"),
            "by": (self.by_min, action is not None and action.by, "by how much?"),
            "count": (self.count, action is not None and action.count, "how many messages?"),
        }
        for key, (value, needed, question) in needs.items():
            if needed and value is None:
                yield key, f"is required with {kind}: {question}"
            if not needed and value is not None:
                yield key, f"has no meaning with {kind}; leave it out"
        if kind == "slow" and self.by_min is not None and self.by_min <= 0:
            yield "by", f"expected more than 0, got {format_signed_duration(self.by_min)}"
        if kind == "skew" and self.by_min == 0:
            yield "by", "is 0: the clock would be right"

    @property
    def action(self) -> str | None:
        """What is done to the twin that is up; None where a learner is out."""
        return next((name for name in ACTIONS if getattr(self, name) is not None), None)

    @property
    def target(self) -> str:
        """To what it is done: a process, a server, a component, or which messages are sent."""
        named: str = getattr(self, self.action or OUT)
        return named

    @property
    def end_min(self) -> float:
        """When it is over."""
        return self.at_min + (self.for_min or 0.0)

    def out(self) -> LearnerOut:
        """Return it as the outage that it is."""
        assert self.component is not None and self.for_min is not None  # _sound
        return LearnerOut(at_min=self.at_min, for_min=self.for_min, component=self.component)

    def disturbance(self, workers: int) -> Disturbance:
        """Return it as what is done to a twin of so many workers; times in seconds."""
        assert self.action is not None
        first = self.target == _WORKER and workers > 1
        return Disturbance(
            at_s=seconds(self.at_min),
            for_s=None if self.for_min is None else seconds(self.for_min),
            action=self.action,
            target=f"{_WORKER}-1" if first else self.target,
            by_s=None if self.by_min is None else seconds(self.by_min),
            count=self.count,
        )
