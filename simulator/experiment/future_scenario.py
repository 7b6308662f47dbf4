"""A scenario as its futures are simulated: from a state, without images, up to a horizon."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from simulator.language.cases import ImageCases, NominalCases
from simulator.language.scenario import Scenario, plain
from twin.errors import ScenarioError

# Of the paper's stack on its test images; only for a log that has too few answers to draw from.
_PAPER_AI: Final = {"sensitivity": 0.91, "specificity": 0.91}
# What asks something of a run as a whole, or of a twin that is told: a future has neither.
_DROPPED: Final = (
    "clock", "speed", "warmup", "replications", "model", "feedback", "restack", "drift", "faults",
    "gates", "sweep",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Futures:
    """What is simulated, and what that assumes."""

    scenario: Scenario
    assumptions: tuple[str, ...]
    degraded: tuple[str, ...]


def future_scenario(
    scenario: Scenario, until_min: float, seed: int, *, answers: bool = False
) -> Futures:
    """Return what is simulated of a scenario's futures.

    Parameters:
        until_min: scenario time at which they end.
        seed: of the futures.
        answers: whether new patients' answers are drawn from a log: then the scenario's AI is of
            no meaning.

    Raises:
        ScenarioError: the scenario has a feature that futures cannot have.
    """
    data: dict[str, Any] = dict(plain(scenario))
    assumed, degraded = [], []
    for key in _DROPPED:
        data.pop(key, None)
    cases = scenario.cases
    if scenario.horizon_min is not None and scenario.horizon_min < until_min:
        assumed.append("arrivals go on as the scenario's process says, beyond its own horizon")
    if cases.count is not None:
        assumed.append("cases.count is left out: patients go on coming")
    data["cases"].pop("count", None)
    data["shifts"] = [
        {**shift, "id": name}  # names go by place, and a shift that is still to come is left out
        for shift, spec, name in zip(
            data.get("shifts", ()), scenario.shifts, scenario.shift_ids(), strict=True
        )
        if spec.at_min < until_min
    ]
    if not isinstance(cases, NominalCases):
        population = None if isinstance(cases, ImageCases) else data["cases"].get("population")
        data["cases"] = {"source": "nominal", "population": population or {}, "ai": _PAPER_AI}
        assumed.append("new patients have no image: the stack in force is not asked")
        if not answers:
            degraded.append(
                "the log has too few answers to draw from: new patients are scored by a nominal AI "
                "with sensitivity and specificity 0.91"
            )
        if isinstance(cases, ImageCases):
            assumed.append("new patients' age, sex and site are those of a default population")
        if data.pop("shifts", None):
            degraded.append("shifts are left out: what they do to images is not simulated")
        if scenario.decision.threshold != "model":
            # A probability of another AI; its own operating point stands for it.
            data["decision"] = {**data["decision"], "threshold": "model"}
    data |= {
        "seed": seed,
        "horizon": f"{until_min!r} min",
        "ending": "stop",
        "allow_unstable": True,
    }
    try:
        made = Scenario.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ScenarioError(scenario.name, 0, where, f"no future of it: {first['msg']}") from None
    return Futures(scenario=made, assumptions=tuple(assumed), degraded=tuple(degraded))
