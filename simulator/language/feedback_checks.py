"""What labels must satisfy beside the rest of a scenario."""

from collections.abc import Iterator, Mapping

from simulator.language.cases import ImageCases
from simulator.language.feedback import FeedbackSpec
from simulator.language.form import ScenarioForm
from simulator.language.nearest import nearest
from simulator.language.populations import PopulationChange, PopulationSpec
from simulator.language.route_checks import Found
from simulator.language.words import listed, shown
from simulator.quantities import format_duration
from twin.groups import AGE_BANDS, SKIN_TONES

_VALUES: Mapping[str, tuple[str, ...]] = {
    "sex": ("female", "male"),
    "age_band": AGE_BANDS,
    "skin_tone": tuple(SKIN_TONES),
}


def feedback_holds(scenario: ScenarioForm) -> Found:
    """Yield why no label could ever come, or none of those that are to be turned round."""
    spec = scenario.feedback
    if spec is None:
        return
    if not scenario.has_images:
        reason = "nominal cases have no image that a twin answers, so no label means anything"
        yield ("feedback",), f"{reason}: take cases of source synthetic or images"
        return
    if not scenario.decides():
        reason = "nobody decides who is referred, and so whose truth is found out"
        yield ("feedback",), f"{reason}: name a node read, or give one decides: alone"
    if _verifies_nobody(spec):
        reason = "0 of the biopsied, the discharged and the followed up"
        yield ("feedback", "verified"), f"{reason}: no label would ever come; raise one of them"
    yield from _poison(scenario, spec)


def _verifies_nobody(spec: FeedbackSpec) -> bool:
    seen_again = 0.0 if spec.follow_up is None else spec.follow_up.share
    return spec.verified.biopsied == spec.verified.discharged == seen_again == 0


def _poison(scenario: ScenarioForm, spec: FeedbackSpec) -> Found:
    for place, one in enumerate(spec.poison):
        path = ("feedback", "poison", place)
        if scenario.end_min is not None and one.at_min >= scenario.end_min:
            begins, ends = format_duration(one.at_min), format_duration(scenario.end_min)
            end = "the horizon" if scenario.stress is None else "the end of the load"
            reason = f"begins at {begins}: after {end}, {ends}, no label changes anything"
            yield (*path, "at"), f"{reason}; begin before it"
        if one.group is not None:
            for reason in _never(scenario, one.group):
                yield (*path, "group"), reason


def _never(scenario: ScenarioForm, group: str) -> Iterator[str]:
    """Yield why nobody is in a group."""
    key, _, value = group.partition("=")
    if key == "class":
        known: tuple[str, ...] = tuple(one.id for one in scenario.patient_classes)
    elif key in _VALUES:
        known = _VALUES[key]
    else:
        known = ()  # sites have the names that the cases give them
    possible = _possible(scenario, key)
    if known and value not in known:
        yield f"{key} is never {shown(value)}{nearest(value, known)} (known: {listed(known)})"
    elif possible is not None and value not in possible:
        names = listed(sorted(possible))
        yield f"{shown(group)} never comes: all populations together have {key} {names} alone"


def _possible(scenario: ScenarioForm, key: str) -> set[str] | None:
    """Return the values that any population gives a share; None where any can occur."""
    if key not in {"sex", "skin_tone", "site"} or isinstance(scenario.cases, ImageCases):
        return None
    bases = [scenario.population_of(one) for one in scenario.patient_classes]
    specs: list[PopulationSpec | PopulationChange | None] = [*bases]
    specs += [shift.population for shift in scenario.shifts]
    found: set[str] = set()
    for spec in specs:
        if spec is None:
            continue
        shares = getattr(spec, key)
        if shares is None and isinstance(spec, PopulationSpec):
            return None  # those of a data set: any
        found |= {str(name) for name, share in (shares or {}).items() if share > 0}
    return found
