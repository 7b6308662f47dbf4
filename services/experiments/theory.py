"""Exact values beside the simulated ones, where theory has them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from simulator.analysis.exact import exact, why_not
from simulator.analysis.precision import t_quantile
from simulator.analysis.transient import MOST_BIAS, bias_of
from simulator.experiment.aggregate import Answer
from simulator.experiment.result import ReplicationResult
from simulator.language.schema import Scenario

_THREE_SIGMAS: Final = 0.99865  # share of a normal distribution below its mean plus three sigmas


def beside_theory(
    scenario: Scenario, answers: Mapping[str, Answer], results: Sequence[ReplicationResult]
) -> dict[str, Any]:
    """Return model, exact and simulated values, and whether they agree; or why nothing is said."""
    solved = exact(scenario)
    if solved is None:
        return {"model": None, "why_not": why_not(scenario), "rows": []}
    first = results[0]
    span_min = first.to_min - first.from_min
    bias = bias_of(scenario, first.from_min, span_min) if span_min > 0 else 1.0
    unsolved = "; ".join(f"{node}: {reason}" for node, reason in solved.why_not.items())
    if bias > MOST_BIAS:
        reason = (
            "the run starts empty and is too short to settle: "
            "give a longer horizon, or warmup: auto"
        )
        unsolved = "; ".join(filter(None, (reason, unsolved)))
    rows = []
    for name, value in solved.values.items():
        answer = answers.get(name)
        if answer is None or answer.value is None:
            continue
        values = [result.values[name] for result in results if name in result.values]
        rows.append(
            {
                "metric": name,
                "exact": value,
                "simulated": answer.value,
                "low": answer.low,
                "high": answer.high,
                "holds": None if bias > MOST_BIAS else _agrees(value, answer, values, bias),
            }
        )
    return {"model": solved.model, "why_not": unsolved, "rows": rows}


def _agrees(value: float, answer: Answer, values: Sequence[float], bias: float) -> bool | None:
    """Return whether theory lies within about three standard errors; None without any."""
    slack = bias * abs(value)  # what starting empty may still cost
    if len(values) > 1:
        mean = sum(values) / len(values)
        spread = sum((one - mean) ** 2 for one in values) / (len(values) - 1)
        error = (spread / len(values)) ** 0.5
        # As rare as three sigmas of a normal distribution, whatever the number of replications.
        most = t_quantile(_THREE_SIGMAS, len(values) - 1) * error
        return bool(abs(mean - value) <= max(most + slack, 1e-9))
    if answer.low is not None and answer.high is not None and answer.valid:
        half = (answer.high - answer.low) / 2
        # A 95 % interval is about two standard errors to each side.
        return bool(abs((answer.value or 0.0) - value) <= 1.5 * half + slack)
    return None
