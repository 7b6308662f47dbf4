"""An actor's place: how to build it, who sits there, and what it said last."""

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from twin.component import Facts
from twin.lifecycle import ComponentState


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for facts that is under way."""

    generation: int  # of the actor that was asked
    answer: Any  # object reference
    at_s: float


@dataclass(slots=True)
class Seat:
    """One actor's place: what is needed to build it, and how it stands."""

    name: str  # of the actor: the component's, with its number if there are replicas
    host: type  # plain host class that the actor wraps
    arguments: tuple[Any, ...]  # of the host; object-store references for the artefact's bytes
    cpus: float
    strategy: str = "DEFAULT"  # of Ray's placement; SPREAD: on another node than the others
    actor: Any = None
    generation: int = 0  # counts the actors that have sat here
    state: ComponentState = ComponentState.STARTING
    restarts: int = 0  # in all
    spent: deque[float] = field(default_factory=deque)  # when restarts of late were; not forgiven
    given_up: bool = False  # it has been said that it stays dead for a while
    poisoned: int = 0  # images that ended it
    reason: str = ""
    facts: Facts | None = None
    # Started when it is first asked, and started again only then: nobody waits for it meanwhile.
    on_demand: bool = False
    asked: Asked | None = None
    asked_s: float = float("-inf")  # when the last question was put
    told_s: float = 0.0  # when it was told of last
    lock: Lock = field(default_factory=Lock)
