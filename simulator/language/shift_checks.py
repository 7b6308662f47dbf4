"""What shifts, populations and referrals must satisfy beside the rest of a scenario."""

from simulator.language.arrivals import AppointmentArrivals, ReplayArrivals
from simulator.language.cases import ImageCases, NominalCases, SyntheticCases
from simulator.language.form import ScenarioForm
from simulator.language.populations import PopulationSpec, ReferralSpec
from simulator.language.referral import referred_share
from simulator.language.route_checks import Found
from simulator.language.yaml_source import Path
from simulator.quantities import format_duration

_CLOSED = "keeps everybody from the clinic: nobody would ever come"


def shifts_hold(scenario: ScenarioForm) -> Found:
    """Yield shifts that could never be seen, or that change what is not there."""
    names = scenario.shift_ids()
    for place, (shift, name) in enumerate(zip(scenario.shifts, names, strict=True)):
        path: Path = ("shifts", place)
        if name in names[:place]:
            yield (*path, "id"), f"{name!r} appears twice"
        horizon_min = scenario.horizon_min
        if horizon_min is not None and shift.at_min >= horizon_min:
            begins, ends = format_duration(shift.at_min), format_duration(horizon_min)
            yield (*path, "at"), f"begins at {begins}: after the horizon, {ends}, nobody comes"
        if shift.image and not scenario.has_images:
            yield (*path, "image"), "nominal cases have no image that could be taken otherwise"
        if shift.population is not None:
            reason = _unchangeable(scenario)
            if reason:
                yield (*path, "population"), reason


def populations_hold(scenario: ScenarioForm) -> Found:
    """Yield populations and banks that the cases cannot have."""
    cases = scenario.cases
    if isinstance(cases, ImageCases) and cases.bank is None and cases.population is not None:
        yield ("cases", "population"), f"{_EACH_ONCE}: who comes is who is on them"
    if isinstance(cases, SyntheticCases) and cases.bank is not None and cases.bank.size == "all":
        yield ("cases", "bank"), "all: of rendered lesions there is no end; say how many"


def referrals_hold(scenario: ScenarioForm) -> Found:
    """Yield referrals that cannot stand before the clinic."""
    for path, _ in _referrals(scenario):
        if isinstance(scenario.cases, ImageCases):
            yield path, "images are of patients who came: who did not is not among them"
        elif not _all_at_random(scenario):
            reason = "appointments and logs are of patients who were referred already"
            yield path, f"{reason}; give rate_per_h, rate_per_d or gap"
    for path, spec in _bases(scenario):
        if spec.referral is not None and referred_share(spec) == 0:
            yield (*path, "referral"), _CLOSED
        elif scenario.horizon_min is None:
            yield from _closing(scenario, spec)


_EACH_ONCE = "without cases.bank each image comes once, as it is"


def _unchangeable(scenario: ScenarioForm) -> str:
    """Return why a shift cannot change the patients; empty if it can."""
    if isinstance(scenario.cases, ImageCases):
        if scenario.cases.bank is None:
            return f"{_EACH_ONCE}: give a bank, so that some can be drawn more often than others"
    elif not any(scenario.population_of(one) for one in scenario.patient_classes):
        return "changes nobody: nominal cases have no facts without cases.population"
    return ""


def _bases(scenario: ScenarioForm) -> list[tuple[Path, PopulationSpec]]:
    """Return the populations that patients are drawn from before any shift, and their places."""
    found: list[tuple[Path, PopulationSpec]] = []
    cases = scenario.cases
    own = [one.population for one in scenario.patient_classes]
    if isinstance(cases, NominalCases | SyntheticCases) and cases.population and None in own:
        found.append((("cases", "population"), cases.population))
    for place, spec in enumerate(own):
        if spec is not None:
            found.append((("classes", place, "population"), spec))
    return found


def _referrals(scenario: ScenarioForm) -> list[tuple[Path, ReferralSpec]]:
    found = [((*path, "referral"), spec.referral) for path, spec in _bases(scenario)]
    if isinstance(scenario.cases, ImageCases) and scenario.cases.population is not None:
        found.append((("cases", "population", "referral"), scenario.cases.population.referral))
    for place, shift in enumerate(scenario.shifts):
        if shift.population is not None:
            found.append((("shifts", place, "population", "referral"), shift.population.referral))
    return [(path, spec) for path, spec in found if spec is not None]


def _all_at_random(scenario: ScenarioForm) -> bool:
    specs = [one.arrivals or scenario.arrivals for one in scenario.patient_classes]
    return not any(isinstance(spec, AppointmentArrivals | ReplayArrivals) for spec in specs)


def _closing(scenario: ScenarioForm, spec: PopulationSpec) -> Found:
    """Yield the shift after which nobody comes: a run up to a count of patients would not end."""
    for place, shift in enumerate(scenario.shifts):
        lasting = shift.share == 1 and shift.until_min is None
        if shift.population is None or not lasting:
            continue
        spec = shift.population.applied_to(spec)
        if referred_share(spec) == 0:
            reason = f"{_CLOSED}, and only a horizon could end the run"
            yield ("shifts", place, "population", "referral"), reason
            return
