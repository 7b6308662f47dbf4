"""Life cycles are tables of data: a move that is not in the table is an error.

A component is `starting` until it answers, `ready` while it does, `failed` when it died, and
`restarting` while the supervisor builds it again from the artefact.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from twin.errors import IllegalTransitionError


class ComponentState(StrEnum):
    """Where a component stands."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class ComponentMove(StrEnum):
    """What can happen to a component."""

    ANSWERED = "answered"
    DIED = "died"
    RESTART = "restart"
    STOP = "stop"


_S, _M = ComponentState, ComponentMove

COMPONENT_TABLE: Final[Mapping[tuple[ComponentState, ComponentMove], ComponentState]] = {
    (_S.STARTING, _M.ANSWERED): _S.READY,
    (_S.STARTING, _M.DIED): _S.FAILED,
    (_S.STARTING, _M.STOP): _S.STOPPED,
    (_S.READY, _M.ANSWERED): _S.READY,
    (_S.READY, _M.DIED): _S.FAILED,
    (_S.READY, _M.STOP): _S.STOPPED,
    (_S.FAILED, _M.RESTART): _S.RESTARTING,
    (_S.FAILED, _M.STOP): _S.STOPPED,
    (_S.RESTARTING, _M.ANSWERED): _S.READY,
    (_S.RESTARTING, _M.DIED): _S.FAILED,
    (_S.RESTARTING, _M.STOP): _S.STOPPED,
}


def move_component(name: str, state: ComponentState, move: ComponentMove) -> ComponentState:
    """Return the state after `move`.

    Raises:
        IllegalTransitionError: the table has no such move.

    >>> move_component("knn", ComponentState.READY, ComponentMove.DIED).value
    'failed'
    """
    try:
        return COMPONENT_TABLE[state, move]
    except KeyError:
        raise IllegalTransitionError("component", name, state.value, move.value) from None


class CaseStage(StrEnum):
    """How far a case has come. Stages only grow: facts may arrive in any order across topics."""

    UNKNOWN = "unknown"
    ARRIVED = "arrived"
    ANSWERED = "answered"
    CLOSED = "closed"
