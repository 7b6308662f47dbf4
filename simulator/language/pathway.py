"""The nodes of a pathway: who does what, for how long, in which order, and where it leads."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, Tag, WithJsonSchema, model_validator

from simulator.language.fields import (
    Count,
    Identifier,
    PositiveDuration,
    Service,
    Share,
    Strict,
    tag,
)
from simulator.language.parameters import SHARE
from simulator.language.words import shown
from simulator.quantities import QuantityError, parse_share

END: Final = "end"  # where a pathway leads out of the clinic
OTHERWISE: Final = "otherwise"


def _routes(value: object) -> object:
    """Take `then` as people write it: a node, or nodes with shares or conditions."""
    if isinstance(value, str):
        return {value: OTHERWISE}
    if not isinstance(value, Mapping):
        raise QuantityError(
            (), f"expected a node or nodes with shares or conditions, got {shown(value)}"
        )
    routes: dict[str, object] = {}
    for target, when in value.items():
        if isinstance(when, str) and not when.strip().endswith("%"):
            routes[target] = when
        else:
            try:
                routes[target] = parse_share(when)
            except QuantityError as error:
                raise QuantityError((str(target),), error.args[1]) from error
    shares = [when for when in routes.values() if isinstance(when, float)]
    rest = [target for target, when in routes.items() if when == OTHERWISE]
    if not routes:
        raise QuantityError((), "leads nowhere: name a node or end")
    if len(rest) > 1:
        raise QuantityError((rest[1],), f"only one route can be {OTHERWISE!r}; {rest[0]} is, too")
    total = sum(shares)
    if total > 1 + 1e-9:
        raise QuantityError((), f"probabilities sum to {total:.6g}, more than 1")
    if shares and not rest and abs(total - 1) > 1e-6:
        reason = f"probabilities sum to {total:.6g}, not to 1; add a node with {OTHERWISE!r}"
        raise QuantityError((), reason)
    if not shares and not rest:
        reason = f"nobody says where the others go: add a node with {OTHERWISE!r}"
        raise QuantityError((), reason)
    return routes


Routes = Annotated[
    dict[str, float | str],
    BeforeValidator(_routes),
    Field(
        description="Where patients go next: a node, end, or several of them with a probability, "
        "a condition, or otherwise. Conditions are tried in order; probabilities share out those "
        "whom no condition took.",
        examples=["read", {"biopsy": "referred", "end": "otherwise"}, {"xray": 0.3, "end": 0.7}],
    ),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {"anyOf": [*SHARE.schema["anyOf"], {"type": "string"}]},
                },
            ]
        }
    ),
]


def _queue(value: object) -> object:
    return {"order": value} if isinstance(value, str) else value


def _preempt(value: object) -> object:
    return {True: "resume", False: "no"}.get(value, value) if isinstance(value, bool) else value


Order = Literal["fifo", "priority", "ai", "flag"]
Preempt = Literal["no", "resume"]


class BalkSpec(Strict):
    """Who turns away at the sight of the queue."""

    at_length: Count = Field(description="Patients waiting from which on newcomers turn away.")
    share: Share = Field(default=1.0, description="Share of those newcomers who turn away.")


class QueueSpec(Strict):
    """In which order patients are served, and how long they bear with it."""

    order: Order = Field(
        default="fifo",
        description="fifo: first come, first served. priority: smaller number first. ai: the most "
        "suspect first, by the AI's probability. flag: those whom the AI calls malignant first.",
    )
    preempt: Annotated[
        Preempt, BeforeValidator(_preempt, json_schema_input_type=bool | Preempt)
    ] = Field(
        default="no",
        description="resume (or true): a more urgent patient interrupts a less urgent one, whose "
        "service goes on later where it stopped.",
    )
    overdue_after_min: PositiveDuration | None = Field(
        default=None,
        alias="overdue_after",
        description="Who waits longer goes before all others, the overdue in order of coming.",
    )
    room: int | None = Field(
        default=None, ge=0, description="Most patients who can wait; without, any number."
    )
    full: str = Field(
        default=END, description="Node where patients go who find the waiting room full."
    )
    balk: BalkSpec | None = Field(default=None, description="Who turns away at a long queue.")
    patience: Service | None = Field(
        default=None, description="How long patients wait before they leave unserved."
    )
    left: str = Field(default=END, description="Node where those go who balk or lose patience.")


class ReaderSpec(Strict):
    """How well the reader decides alone, and how often the AI's verdict is taken over.

    Defaults: the 58 dermatologists of Haenssle et al. (2018), Annals of Oncology 29(8), 1836-1842,
    with clinical information (level II). The weight is an assumption.
    """

    sensitivity: Share = Field(default=0.889, description="Alone, on malignant lesions.")
    specificity: Share = Field(default=0.757, description="Alone, on benign lesions.")
    weight_of_ai: Share = Field(
        default=0.5, description="How often the AI's verdict is taken over as it stands."
    )


class TwinNode(Strict):
    """A step that the AI takes. It takes no simulated time."""

    id: Identifier = Field(description="Name of the node.")
    twin: Literal["score"] = Field(description="The AI scores the patient's image.")
    then: Routes


class DelayNode(Strict):
    """A time that passes without anybody's being needed, such as a laboratory's turnaround."""

    id: Identifier = Field(description="Name of the node.")
    delay: Service = Field(description="How long it takes.")
    diagnosis: bool = Field(default=False, description="The diagnosis stands when this is over.")
    then: Routes


_Groups = Annotated[list[str], Field(min_length=1)]


def _staff(value: object) -> object:
    return [value] if isinstance(value, str) else value


class StaffedNode(Strict):
    """A step that somebody takes, after a wait in a queue."""

    id: Identifier = Field(description="Name of the node.")
    staff: Annotated[
        tuple[str, ...],
        BeforeValidator(_staff, json_schema_input_type=str | _Groups),
        Field(
            strict=False,
            min_length=1,
            description="Staff group, or several of which one each is needed at the same time.",
            examples=["nurse", ["nurse", "room"]],
        ),
    ]
    service: Service = Field(description="How long the work takes.")
    queue: Annotated[
        QueueSpec, BeforeValidator(_queue, json_schema_input_type=Order | QueueSpec)
    ] = Field(default=QueueSpec(), description="An order, or more about the queue.")
    priority: int = Field(default=0, description="With order: priority; smaller goes first.")
    decides: Literal["no", "alone", "either", "both"] | None = Field(
        default=None,
        description="alone: the reader's decision to refer replaces any before it. either: refers "
        "if this or the earlier reader does. both: only if both do. Default: alone at the node "
        "named read, else no.",
    )
    reader: ReaderSpec | None = Field(
        default=None, description="This node's reader; without, decision.reader."
    )
    diagnosis: bool = Field(default=False, description="The diagnosis stands when this is over.")
    then: Routes

    @model_validator(mode="before")
    @classmethod
    def _somebody(cls, value: Any) -> Any:  # noqa: ANN401  pydantic's
        known = isinstance(value, Mapping) and value.keys() <= cls.model_fields.keys()
        if known and not {"staff", "service"} & value.keys():
            kinds = "staff and service, delay, or twin: score"
            raise QuantityError((), f"nothing happens at this node: give {kinds}")
        return value


Node = Annotated[
    Annotated[TwinNode, Tag("<twin>")]
    | Annotated[DelayNode, Tag("<delay>")]
    | Annotated[StaffedNode, Tag("<staffed>")],
    tag("staffed", lone=("twin", "delay")),
]
