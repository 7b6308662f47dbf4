"""Who comes to a station, divided into streams whose patients are alike in all that counts there.

The rank of a stream is that of its patients in the queue; patients of one rank are served in the
order in which they come.
"""

from dataclasses import dataclass

from simulator.cases.nominal import Verdicts
from simulator.draws.contract import Distribution
from simulator.draws.uniforms import Uniforms
from simulator.language.cases import NominalCases
from simulator.language.classes import ClassSpec
from simulator.language.form import ScenarioForm
from simulator.language.pathway import StaffedNode
from simulator.language.referral import prevalence_of_referred


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Patients of one class, truth, verdict and node."""

    node: str
    rate: float  # per minute
    rank: float  # smaller goes first
    service: Distribution
    groups: tuple[tuple[str, str], ...]  # key and value, as in a metric's braces


def streams(scenario: ScenarioForm, node: StaffedNode, one: ClassSpec, rate: float) -> list[Stream]:
    """Return the streams of a class into a node; one only where nothing divides it.

    Parameters:
        rate: of the class into the node, per minute.
    """
    own = (("class", one.id),) if len(scenario.classes) > 1 else ()
    service = one.service.get(node.id, node.service)
    population = scenario.population_of(one)
    cases = scenario.cases
    ai = cases.ai if isinstance(cases, NominalCases) else None
    prevalence = None if population is None else prevalence_of_referred(population)
    found = []
    for truth, share in _truths(prevalence):
        told = (*own, ("truth", truth)) if truth else own
        segments = [(1.0, 0.0, False)]
        if node.queue.order in {"ai", "flag"} and ai is not None and prevalence is not None:
            verdicts = Verdicts(
                ai, prevalence, scenario.operating_point, Uniforms(0, 0, "none drawn")
            )
            segments = [
                (malignant if truth == "malignant" else benign, p, flag)
                for malignant, benign, p, flag in verdicts.segments()
            ]
        for part, p, flag in segments:
            by_ai = node.queue.order in {"ai", "flag"}
            flagged = (("flagged", "yes" if flag else "no"),) if by_ai else ()
            found.append(
                Stream(
                    node=node.id,
                    rate=rate * share * part,
                    rank=_rank(node, one, p, flag=flag),
                    service=service,
                    groups=(*told, *flagged),
                )
            )
    return [stream for stream in found if stream.rate > 0]


def _truths(prevalence: float | None) -> list[tuple[str, float]]:
    if prevalence is None:
        return [("", 1.0)]
    return [("malignant", prevalence), ("benign", 1 - prevalence)]


def _rank(node: StaffedNode, one: ClassSpec, p_malignant: float, *, flag: bool) -> float:
    match node.queue.order:
        case "fifo":
            return 0.0
        case "priority":
            priority = one.priority
            if isinstance(priority, dict):
                return priority.get(node.id, node.priority)
            return priority or node.priority
        case "ai":
            return -p_malignant
        case "flag":
            return 0.0 if flag else 1.0
