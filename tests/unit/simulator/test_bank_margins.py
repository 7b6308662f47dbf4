"""A bank made to look like a population: each margin that is named is met, or an error says why."""

from typing import Any

import numpy as np
import pytest
from bank_samples import bank, banked, entry, of_images, people

from simulator.cases.bank import Bank
from simulator.cases.bank_entries import entries_of
from simulator.cases.bank_margins import Mixture, band_shares, mixture_of
from simulator.cases.bank_wanted import reachable, wanted_of
from simulator.language.populations import AgeSpec
from simulator.language.scenario import Scenario
from simulator.language.shifts import ShiftSpec
from twin.errors import ScenarioError
from twin.groups import SKIN_TONES


def mixture(scenario: Scenario, of: Bank, regime: tuple[int, ...] = ()) -> Mixture:
    one = scenario.patient_classes[0]
    return mixture_of(of, scenario, one, regime)


def share(of: Mixture, mask: np.ndarray) -> float:
    return float(of.weights[mask].sum())


def has(of: Bank, column: str, *values: str) -> np.ndarray:
    return np.array([value in values for value in getattr(of, column)])


PEOPLE = people(1200)


def test_rendered_lesions_look_like_the_population_within_each_truth() -> None:
    population = {
        "prevalence": 0.08,
        "skin_tone": {"I-II": 0.6, "III-IV": 0.3, "V-VI": 0.1},
        "sex": {"female": 0.7, "male": 0.3},
        "site": {"back": 0.5, "face": 0.3, "hand": 0.2},
        "age": {"mean": 60, "sd": 14},
        "diagnoses": {
            "melanoma": 0.4,
            "basal_cell_carcinoma": 0.6,
            "nevus": 0.9,
            "seborrheic_keratosis": 0.1,
        },
    }
    of = bank(PEOPLE)
    found = mixture(banked({"population": population}), of)
    assert share(found, of.malignant) == pytest.approx(0.08)
    for truth, whole in ((of.malignant, 0.08), (~of.malignant, 0.92)):
        for group, wanted in population["skin_tone"].items():
            there = share(found, truth & has(of, "skin_tone", *SKIN_TONES[group]))
            assert there == pytest.approx(wanted * whole, abs=1e-7)
        assert share(found, truth & has(of, "sex", "female")) == pytest.approx(0.7 * whole)
        assert share(found, truth & has(of, "site", "face")) == pytest.approx(0.3 * whole)
        seventies = truth & (of.age >= 70) & (of.age < 80)
        wanted = band_shares(AgeSpec(mean=60, sd=14))[7]
        assert share(found, seventies) == pytest.approx(wanted * whole, abs=1e-6)
    assert share(found, has(of, "diagnosis", "melanoma")) == pytest.approx(0.4 * 0.08)
    assert share(found, has(of, "diagnosis", "seborrheic_keratosis")) == pytest.approx(0.092)


def test_another_prevalence_leaves_the_weights_within_a_truth() -> None:
    of = bank(PEOPLE)
    few, many = (
        mixture(banked({"population": {"prevalence": prevalence}}), of)
        for prevalence in (0.08, 0.15)
    )
    for truth in (of.malignant, ~of.malignant):
        assert few.within(truth) == pytest.approx(many.within(truth), abs=1e-12)


def test_images_are_as_among_the_images_where_nothing_is_named() -> None:
    lesions = [entry(i, lesion=f"l{i // 2}", malignant=i < 4) for i in range(10)]
    lesions += [entry(10 + i, lesion=f"single{i}", malignant=False) for i in range(5)]
    of = bank(lesions, associated=True)
    found = mixture(of_images(), of)
    # Two malignant lesions of two images, three benign ones of two, and five of one.
    assert share(found, of.malignant) == pytest.approx(2 / 10)
    by_lesion = np.bincount(of.lesion, found.weights)
    assert by_lesion == pytest.approx(np.full(10, 0.1))
    rare = mixture(of_images(population={"prevalence": 0.05}), of)
    by_lesion = np.bincount(of.lesion, rare.weights)
    assert by_lesion == pytest.approx(np.array([0.025] * 2 + [0.95 / 8] * 8))


def test_images_keep_what_goes_with_the_truth() -> None:
    of = bank(PEOPLE, associated=True)
    found = mixture(of_images(population={"prevalence": 0.08, "sex": {"female": 1}}), of)
    assert share(found, has(of, "sex", "male")) == 0
    age = {
        truth: float(np.average(of.age[mask], weights=found.weights[mask]))
        for truth, mask in ((True, of.malignant), (False, ~of.malignant))
    }
    assert age[True] > age[False] + 8, "who has a melanoma is older, as in the images"


def test_unknown_facts_keep_their_share_and_facts_nobody_has_are_refused() -> None:
    known = [entry(i, sex=("female", "male", None)[i % 3]) for i in range(60)]
    of = bank(known, associated=True)
    found = mixture(of_images(population={"sex": {"female": 0.9, "male": 0.1}}), of)
    unknown = np.array([one is None for one in of.sex])
    assert share(found, unknown) == pytest.approx(1 / 3)
    assert share(found, has(of, "sex", "female")) == pytest.approx(0.6)
    reason = r"cases.population.skin_tone: it is known of none of the bank's 60 entries"
    with pytest.raises(ScenarioError, match=reason):
        mixture(of_images(population={"skin_tone": {"I-II": 1.0}}), of)


@pytest.mark.parametrize(
    ("population", "message"),
    [
        ({"site": {"back": 0.9, "ear": 0.1}}, r"population.site: 0.1 of the patients are 'ear'"),
        (
            {"diagnoses": {"dermatofibroma": 0.2, "nevus": 0.8}},
            r"population.diagnoses: 0.2 of the patients are 'dermatofibroma', but of .*none",
        ),
        ({"age": {"mean": 25, "sd": 9}}, None),
        ({"age": {"mean": 4, "sd": 1}}, r"population.age: .* have an age that none of"),
    ],
)
def test_a_stratum_that_nobody_is_in(population: dict[str, Any], message: str | None) -> None:
    of = bank([one for one in PEOPLE if one.age is not None and one.age >= 10])
    scenario = banked({"population": {"prevalence": 0.2} | population})
    if message is None:
        mixture(scenario, of)
        return
    with pytest.raises(ScenarioError, match=message):
        mixture(scenario, of)


def test_margins_that_no_weights_meet_together() -> None:
    # Whoever has dark skin is old, and here hardly anybody is: 15 % cannot be both.
    entries = [
        entry(i, skin_tone=("I", "III", "V")[i % 6 // 2], age=80 if i % 6 > 3 else 30)
        for i in range(60)
    ]
    population = {"prevalence": 0.2, "age": {"mean": 35, "sd": 1}}
    with pytest.raises(ScenarioError, match="meet it together with the others; a larger bank may"):
        mixture(banked({"population": population}), bank(entries))


def test_a_truth_that_nobody_has() -> None:
    well = bank([entry(place, malignant=False) for place in range(20)], associated=True)
    with pytest.raises(ScenarioError, match=r"prevalence: 0.1 of the patients are malignant"):
        mixture(of_images(population={"prevalence": 0.1}), well)
    assert mixture(of_images(), well).prevalence == 0


def test_few_very_old_people_are_drawn_as_the_oldest_there_are() -> None:
    of = bank([one for one in PEOPLE if one.age is not None and one.age < 90])
    found = mixture(banked({"population": {"prevalence": 0.2, "age": {"mean": 60, "sd": 17}}}), of)
    wanted = band_shares(AgeSpec(mean=60, sd=17))
    assert 0 < wanted[9] < 0.1
    assert share(found, of.age >= 80) == pytest.approx(wanted[8] + wanted[9], abs=1e-6)


@pytest.mark.parametrize("size", [60, 100, 200])
def test_small_banks_do_for_the_default_population(size: int) -> None:
    for seed in range(5):
        scenario = banked({"bank": size}, seed=seed)
        of = bank(entries_of(scenario))
        found = mixture(scenario, of)
        assert share(found, has(of, "skin_tone", "V", "VI")) == pytest.approx(0.15, abs=1e-6)
        missing = band_shares(AgeSpec())[np.bincount(of.age // 10, minlength=10)[:10] == 0].sum()
        assert bool(found.notes) or missing <= 0.01, "who is not there is told"


def test_a_diagnosis_that_contradicts_the_truth_keeps_its_share() -> None:
    bcc = "basal_cell_carcinoma"
    names = ["melanoma", bcc, "melanoma", "nevus"]  # a malignant nevus: nobody can be that
    entries = [entry(i, malignant=True, diagnosis=names[i % 4]) for i in range(40)]
    entries += [entry(100 + i, malignant=False, diagnosis="nevus") for i in range(40)]
    of = bank(entries, associated=True)
    wanted = {"melanoma": 0.5, bcc: 0.5}
    found = mixture(of_images(population={"prevalence": 0.5, "diagnoses": wanted}), of)
    assert share(found, has(of, "diagnosis", bcc)) == pytest.approx(0.75 * 0.5 * 0.5)
    nevi = has(of, "diagnosis", "nevus") & of.malignant
    assert share(found, nevi) == pytest.approx(0.25 * 0.5)


def test_shifts_and_classes_say_whom_they_want() -> None:
    scenario = banked(
        shifts=[
            {"id": "older", "at": "1 d", "population": {"age": {"mean": 70}}},
            {"id": "more", "at": "2 d", "population": {"prevalence": 0.4}},
        ],
        classes=[
            {"id": "a", "share": 0.5},
            {"id": "b", "share": 0.5, "population": {"prevalence": 0.01}},
        ],
    )
    a, b = scenario.patient_classes
    both = wanted_of(scenario, a, (0, 1))
    assert (both.prevalence, both.age and both.age.mean) == (0.4, 70)
    assert both.key("age") == "shifts.older.population.age"
    assert wanted_of(scenario, b, ()).prevalence == 0.01
    assert wanted_of(scenario, b, ()).key("prevalence") == "classes.b.population.prevalence"


def test_only_shifts_that_meet_are_met() -> None:
    shifts = [
        ShiftSpec.model_validate(one | {"image": {"noise": 1}})
        for one in (
            {"at": "1 d", "over": "1 d", "until": "3 d"},  # over at day 4
            {"at": "3 d"},
            {"at": "9 d"},
        )
    ]
    assert reachable(shifts, 20 * 1440) == [(), (0,), (1,), (2,), (0, 1), (1, 2)]
    assert reachable(shifts, 5 * 1440) == [(), (0,), (1,), (0, 1)]


def test_many_shifts_one_after_another_are_found_at_once() -> None:
    """Not every subset of sixty is looked at."""
    days = [
        {"id": f"s{day}", "at": f"{day} d", "until": f"{day + 1} d", "image": {"noise": 1}}
        for day in range(60)
    ]
    shifts = [ShiftSpec.model_validate(one) for one in days]
    assert reachable(shifts, 1e9) == [(), *((place,) for place in range(60))]
