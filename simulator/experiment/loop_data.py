"""What is kept of one replication's loop: plain data, that pooling and reports start from."""

from typing import Any

from simulator.analysis.frames import Patients, window_of
from simulator.analysis.label_sums import label_sums, messages_of
from simulator.cases.bank import Bank
from simulator.clinic.journal import Journal
from simulator.experiment.loop_decisions import decisions
from simulator.experiment.loop_drift import drift_of
from simulator.experiment.loop_missing import missing_of
from simulator.experiment.loop_spells import loop_spells
from simulator.experiment.loop_windows import SETTLED_MIN, loop_windows
from simulator.language.form import ScenarioForm


def loop_of(
    scenario: ScenarioForm,
    journal: Journal,
    warmup_min: float,
    *,
    settled_min: float = SETTLED_MIN,
    bank: Bank | None = None,
) -> dict[str, Any]:
    """Return plain data of the loop; empty where nothing comes back to the twin or changes it.

    Parameters:
        settled_min: from a shift's onset on, by when a re-stacked twin should have recovered.
        bank: that patients were drawn from; it knows what all learners would have said.
    """
    if not (scenario.is_looped and scenario.has_truth() and scenario.scores()):
        return {}
    patients, window = Patients(scenario, journal), window_of(scenario, journal, warmup_min)
    found: dict[str, Any] = {
        "settled_min": settled_min,
        "spells": loop_spells(scenario, journal, warmup_min),
        "windows": loop_windows(scenario, journal, warmup_min, settled_min),
        "decisions": decisions(journal.stack_events),
        "drift": drift_of(scenario, journal),
        "missing": missing_of(scenario, journal, window, bank),
    }
    if scenario.feedback is not None:
        messages = messages_of(patients, journal)
        found["labels"] = {
            "received": messages.received,
            "apart": messages.apart,
            **label_sums(patients, window, messages),
        }
    return found
