import pytest

from twin.errors import IllegalTransitionError
from twin.lifecycle import COMPONENT_TABLE, ComponentMove, ComponentState, move_component


def test_a_component_that_died_comes_back_only_by_a_restart() -> None:
    state = ComponentState.READY
    for move in (ComponentMove.DIED, ComponentMove.RESTART, ComponentMove.ANSWERED):
        state = move_component("knn", state, move)
    assert state is ComponentState.READY
    with pytest.raises(IllegalTransitionError):
        move_component("knn", ComponentState.FAILED, ComponentMove.ANSWERED)


def test_a_move_that_is_not_in_the_table_names_component_state_and_move() -> None:
    with pytest.raises(IllegalTransitionError) as caught:
        move_component("svm", ComponentState.STOPPED, ComponentMove.RESTART)
    assert caught.value.args == ("component", "svm", "stopped", "restart")


def test_every_state_but_stopped_can_be_stopped() -> None:
    for state in ComponentState:
        can_stop = (state, ComponentMove.STOP) in COMPONENT_TABLE
        assert can_stop == (state is not ComponentState.STOPPED)
