import pytest

from services.beats import BEAT_S, Beats
from twin.errors import DependencyError
from twin.events import ComponentChanged
from twin.lifecycle import ComponentState


class Stage:
    """Beats with a clock that is set by hand, and what was told."""

    def __init__(self) -> None:
        self.now_s = 50.0
        self.told: list[ComponentChanged] = []
        self.broken = False
        self.beats = Beats(
            "worker",
            "m",
            "cases",
            self.publish,
            unix_clock=lambda: 1000.0 + self.now_s,
            elapsed=lambda: self.now_s,
        )

    def publish(self, event: ComponentChanged) -> None:
        if self.broken:
            raise DependencyError("Kafka is away")
        self.told.append(event)

    def pause(self, wait_s: float) -> None:
        self.now_s += wait_s

    def states(self) -> list[tuple[float, str, str]]:
        return [(one.at_unix_s - 1050.0, one.state, one.reason) for one in self.told]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_stage_tells_its_start_its_beats_and_its_end(stage: Stage) -> None:
    with stage.beats.alive(ComponentState.READY):
        for _ in range(12):
            stage.pause(1.0)
            stage.beats.beat()
    assert stage.states() == [
        (0.0, "ready", ""),
        (BEAT_S, "ready", ""),
        (2 * BEAT_S, "ready", ""),
        (12.0, "stopped", "the twin was stopped"),
    ]


def test_an_end_that_was_not_wanted_is_told_with_its_error(stage: Stage) -> None:
    error = DependencyError("the stem is gone\nand more")
    with pytest.raises(DependencyError), stage.beats.alive(ComponentState.READY):
        raise error
    assert stage.told[-1].state == "failed"
    assert stage.told[-1].reason == "DependencyError: the stem is gone"


def test_who_tries_again_says_so_and_goes_on_telling(stage: Stage) -> None:
    stage.beats.trouble("tries again in 8 s", DependencyError("away"))
    stage.beats.wait(8.0, stage.pause)
    stage.beats.well()
    stage.beats.well()
    trouble = "tries again in 8 s: DependencyError: away"
    assert stage.states() == [
        (0.0, "restarting", trouble),
        (BEAT_S, "restarting", trouble),
        (8.0, "ready", ""),
    ]


def test_waiting_ends_with_the_stage(stage: Stage) -> None:
    waits: list[float] = []
    stage.beats.wait(60.0, lambda wait_s: waits.append(wait_s) or True)
    assert waits == [BEAT_S]


def test_figures_words_and_the_stages_own_are_told(stage: Stage) -> None:
    stage.beats.more = lambda: {"retries": 2.0}
    stage.beats.restarts = 1
    stage.beats.meter.saw("4 cases, last c9")
    stage.now_s += 0.5
    stage.beats.meter.note(stage.now_s - 0.25, 4, "4 answers", errors=1)
    stage.beats.tell(ComponentState.READY)
    (event,) = stage.told
    assert (event.component, event.model_id, event.restarts) == ("worker", "m", 1)
    assert (event.last_input, event.last_output) == ("4 cases, last c9", "4 answers")
    facts = event.facts
    assert (facts["cases"], facts["cases_per_s"], facts["errors"]) == (4.0, 8.0, 1.0)
    assert (facts["latency_ms_p95"], facts["retries"], facts["untold"]) == (250.0, 2.0, 0.0)
    assert facts["rss_mb"] > 1
    assert "busy_s" not in facts


def test_telemetry_that_cannot_be_sent_stops_nobody_and_is_counted(stage: Stage) -> None:
    stage.broken = True
    stage.beats.tell(ComponentState.READY)
    stage.broken = False
    stage.beats.tell(ComponentState.READY)
    assert [one.facts["untold"] for one in stage.told] == [1.0]
