"""What a clinic's commands refuse: a scenario that puts a load on a twin."""

from simulator.language.form import ScenarioForm
from twin.errors import ScenarioError


def ensure_clinic(scenario: ScenarioForm, source: str) -> None:
    """Refuse a stress scenario.

    Raises:
        ScenarioError: it is one; it says which command takes it.
    """
    if scenario.stress is not None:
        reason = "is a load on a twin, and no patients of a clinic"
        cure = f"give it to `dermtwin stress {source}`, or leave stress out"
        raise ScenarioError(source, 0, "stress", f"{reason}: {cure}")
