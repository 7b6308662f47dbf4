from typing import Any

import pytest

from services.health import SILENT_AFTER_S, STARTING_S, health_of
from twin.events import ComponentChanged
from twin.lifecycle import ComponentState


def health(age_s: float = 1.0, facts: dict[str, float] | None = None, **changes: Any) -> Any:
    event = ComponentChanged(
        **{"component": "knn", "state": "ready", "restarts": 0, "model_id": "m"} | changes,
        at_unix_s=1000.0,
        facts=facts or {},
    )
    return health_of(event, 1000.0 + age_s)


def tried(count: float, share: float) -> dict[str, float]:
    return {"recent_tried": count, "error_share": share}


def test_who_answers_is_well() -> None:
    assert health() == ("well", "")
    assert health(-5.0) == ("well", "")  # its clock goes before ours
    assert health(reason="busy: has not answered for 6 s")[1].startswith("busy")
    assert health(restarts=2, reason="killed") == ("well", "was restarted 2 time(s): killed")


def test_three_beats_that_did_not_come_are_silence() -> None:
    assert health(SILENT_AFTER_S)[0] == "well"
    assert health(SILENT_AFTER_S + 1) == ("silent", "no news for 16 s; was ready")


@pytest.mark.parametrize("state", ["starting", "restarting"])
def test_who_is_coming_up_is_degraded_and_silent_only_after_long(state: str) -> None:
    assert health(state=state, reason="killed") == ("degraded", f"{state}: killed")
    assert health(STARTING_S, state=state)[0] == "degraded"
    assert health(STARTING_S + 1, state=state)[0] == "silent"


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_who_ended_is_down_however_long_ago(state: str) -> None:
    assert health(1e6, state=state, reason="killed") == ("down", f"{state}: killed")
    assert health(state=state) == ("down", state)


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (tried(100, 0.05), "well"),
        (tried(100, 0.06), "degraded"),
        (tried(2, 1.0), "well"),  # two images are no rate
        (tried(3, 1.0), "degraded"),
    ],
)
def test_errors_degrade_when_they_are_many(facts: dict[str, float], word: str) -> None:
    assert health(facts=facts)[0] == word


def test_a_share_of_errors_is_told() -> None:
    assert health(facts=tried(50, 0.2))[1].startswith("20% of what came in the last minute")


def test_a_state_that_nobody_knows_is_not_taken_for_well() -> None:
    assert health(state="odd") == ("degraded", "odd")


def test_every_state_has_a_word() -> None:
    words = {state.value: health(state=state.value)[0] for state in ComponentState}
    assert words == {
        "starting": "degraded",
        "ready": "well",
        "failed": "down",
        "restarting": "degraded",
        "stopped": "down",
    }
