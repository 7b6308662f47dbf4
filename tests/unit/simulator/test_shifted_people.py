"""Who comes while the patients, or how images are taken, change."""

import csv
import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clinics import clinic, run
from twins import FakeTwin

from services.experiments.records import write_records
from simulator.cases.datasets import LabelledImage
from simulator.clinic.engine import Engine
from simulator.clinic.journal import PATIENT_COLUMNS, WORDS
from simulator.clinic.people import People
from simulator.clinic.person import Person
from simulator.experiment.digests import digest_of
from simulator.language.scenario import Scenario
from twin.acquisition.acquisition import Acquisition
from twin.events import CaseArrived
from twin.images import FileRef, SyntheticRef

DAYS = 30
POPULATION = {"prevalence": 0.08}
FACTS = ("malignant", "diagnosis", "age", "sex", "site", "skin_tone")


def nominal(*shifts: dict[str, Any], rate_per_h: float = 6, **fields: Any) -> Scenario:
    cases = {
        "source": "nominal",
        "population": POPULATION | fields.pop("population", {}),
        "ai": {"sensitivity": 0.9, "specificity": 0.8},
    }
    arrivals = {"rate_per_h": rate_per_h}
    data = {"cases": cases, "arrivals": arrivals, "horizon": f"{DAYS} d", "shifts": list(shifts)}
    return clinic(**(data | fields))


def rendered(*shifts: dict[str, Any], **fields: Any) -> Scenario:
    cases = {"source": "synthetic", "population": {"prevalence": 0.3}}
    arrivals = {"rate_per_h": 6}
    return clinic(
        **({"cases": cases, "arrivals": arrivals, "shifts": list(shifts), "horizon": "1 d"}),
        **fields,
    )


def come(scenario: Scenario, images: list[LabelledImage] | None = None) -> list[Person]:
    return list(People(scenario, 0, images or []))


def known(person: Person, *without: str) -> dict[str, Any]:
    """All that is known of a patient but the shifts that it is in."""
    found = {name: value for name, value in person.__dict__.items() if name not in without}
    for name in ("regime", "shifts"):
        found.pop(name, None)
    return found | {"key": person.key, "at_min": person.at_min, "number": person.number}


def always(**population: Any) -> dict[str, Any]:
    return {"id": "other", "at": "0 d", "population": population}


RISE = {"id": "rise", "at": "10 d", "over": "10 d", "population": {"prevalence": 0.5}}


def test_a_shift_of_prevalence_turns_some_and_leaves_all_else_as_it_was() -> None:
    # A shift that changes nothing stands for none, so that diagnoses are told in both.
    before, after = come(nominal(always(prevalence=0.08))), come(nominal(RISE))
    assert len(before) == len(after)
    of_truth = ("malignant", "diagnosis", "score", "score_flags")
    turned = 0
    for old, new in zip(before, after, strict=True):
        assert known(old, *of_truth) == known(new, *of_truth)
        if old.malignant == new.malignant:
            assert known(old) == known(new)
        else:
            turned += 1
            assert new.malignant
            assert new.at_min > 10 * 1440
            assert (new.regime, new.shifts) == ((0,), "rise")
    assert turned > 100


def test_the_prevalence_follows_the_ramp() -> None:
    people = come(nominal(RISE, rate_per_h=30))
    for day in range(0, DAYS, 2):
        here = [one for one in people if day * 1440 <= one.at_min < (day + 2) * 1440]
        risen = min(max((day + 1 - 10) / 10, 0), 1)  # in the middle of the two days
        expected = 0.08 + risen * (0.5 - 0.08)
        error = math.sqrt(expected * (1 - expected) / len(here))
        found = sum(bool(one.malignant) for one in here) / len(here)
        assert found == pytest.approx(expected, abs=4 * error), f"day {day}"


def test_without_its_population_nobody_changes() -> None:
    plain = come(nominal())
    later = come(nominal({"at": f"{DAYS - 1} d", "population": {"prevalence": 1}}))
    early = [one for one in later if one.at_min < (DAYS - 1) * 1440]
    for old, new in zip(plain, early, strict=False):
        assert known(old) == known(new, "diagnosis")
    assert all(one.regime == () and one.shifts is None for one in early)


@pytest.mark.parametrize(
    ("change", "fact", "expected"),
    [
        ({"sex": {"female": 0.9, "male": 0.1}}, "sex", {"female": 0.9, "male": 0.1}),
        ({"site": {"face": 0.5, "back": 0.5}}, "site", {"face": 0.5, "back": 0.5}),
        ({"skin_tone": {"V-VI": 1}}, "skin_tone", {"V": 0.5, "VI": 0.5}),
        ({"age": {"mean": 80, "sd": 0}}, "age", {80: 1.0}),
    ],
)
@pytest.mark.parametrize("source", [nominal, rendered])
def test_each_fact_can_change_alone(
    source: Any, change: dict[str, Any], fact: str, expected: dict[Any, float]
) -> None:
    before, after = come(source(always(prevalence=0.3))), come(source(always(**change)))
    n = len(after)
    found = Counter(getattr(one, fact) for one in after)
    assert set(found) == set(expected)
    for value, share in expected.items():
        assert found[value] == pytest.approx(share * n, abs=4 * math.sqrt(n / 4))
    same = [name for name in ("age", "sex", "site", "skin_tone") if name != fact]
    for old, new in zip(before, after, strict=True):
        assert [getattr(old, name) for name in same] == [getattr(new, name) for name in same]


@pytest.mark.parametrize("source", [nominal, rendered])
def test_a_mix_of_diagnoses_changes_within_the_truth(source: Any) -> None:
    before = come(source(always(sex={"female": 1})))
    after = come(source(always(sex={"female": 1}, diagnoses={"basal_cell_carcinoma": 1})))
    assert [one.malignant for one in before] == [one.malignant for one in after]
    for old, new in zip(before, after, strict=True):
        if new.malignant:
            assert new.diagnosis == "basal_cell_carcinoma"
        else:
            assert new.diagnosis == old.diagnosis
    assert len({one.diagnosis for one in before if one.malignant}) > 1


def test_diagnoses_of_nominal_patients_are_as_frequent_as_told() -> None:
    mix = {"melanoma": 0.3, "basal_cell_carcinoma": 0.7}
    people = come(nominal(population={"prevalence": 1, "diagnoses": mix}))
    found = Counter(one.diagnosis for one in people)
    for name, share in mix.items():
        assert found[name] == pytest.approx(share * len(people), abs=4 * len(people) ** 0.5 / 2)
    ham = Counter(one.diagnosis for one in come(nominal(always(prevalence=0), rate_per_h=30)))
    nevi, keratoses = ham["nevus"], ham["seborrheic_keratosis"]
    error = 4 * math.sqrt(0.86 * 0.14 / (nevi + keratoses))
    assert nevi / (nevi + keratoses) == pytest.approx(6705 / 7804, abs=error)


def test_several_shifts_compose() -> None:
    older = {"id": "older", "at": "0 d", "share": 0.5, "population": {"age": {"mean": 90, "sd": 0}}}
    ill = {"id": "ill", "at": "0 d", "share": 0.5, "population": {"prevalence": 1}}
    people = come(nominal(older, ill, population={"prevalence": 0, "age": {"mean": 30, "sd": 0}}))
    found = Counter((one.shifts, one.age, one.malignant) for one in people)
    expected = {(None, 30, False), ("older", 90, False), ("ill", 30, True), ("older+ill", 90, True)}
    assert set(found) == expected
    n = len(people)
    for count in found.values():
        assert count == pytest.approx(n / 4, abs=4 * math.sqrt(n * 3 / 16))


def test_a_class_keeps_its_own_population_but_for_what_changes() -> None:
    classes = [
        {"id": "old", "share": 0.5, "population": {"age": {"mean": 80, "sd": 0}}},
        {"id": "any", "share": 0.5},
    ]
    people = come(nominal(always(prevalence=1), classes=classes, horizon="2 d"))
    assert all(one.malignant for one in people)
    assert {one.age for one in people if one.patient_class == "old"} == {80}
    assert len({one.age for one in people if one.patient_class == "any"}) > 20


def test_the_model_does_not_know_of_the_shift() -> None:
    """Its posterior keeps the prevalence that it was made for, so after it it is not calibrated."""
    before, after = come(nominal()), come(nominal(always(prevalence=0.5)))
    assert {one.score for one in after} == {one.score for one in before}


def test_recipes_take_the_tone_of_the_shift_and_nothing_else() -> None:
    before, after = come(rendered()), come(rendered(always(skin_tone={"V-VI": 1})))
    for old, new in zip(before, after, strict=True):
        assert isinstance(old.image, SyntheticRef)
        assert isinstance(new.image, SyntheticRef)
        assert new.image.recipe.tone_ita_deg < 10
        tone = old.image.recipe.tone_ita_deg
        assert replace(new.image.recipe, tone_ita_deg=tone) == old.image.recipe
        assert known(old, "image", "skin_tone") == known(new, "image", "skin_tone")


BLUR = {"id": "soft-lens", "at": "12 h", "share": 0.5, "image": {"defocus": 3, "noise": 2}}


def test_images_of_a_shift_say_how_they_were_taken() -> None:
    plain, blurred = come(rendered()), come(rendered(BLUR))
    assert {one.shifts for one in blurred if one.at_min < 720} == {None}
    assert {one.shifts for one in blurred if one.at_min >= 720} == {None, "soft-lens"}
    for old, new in zip(plain, blurred, strict=True):
        assert old.image is not None
        assert new.image is not None
        if new.shifts is None:
            assert known(old) == known(new)
            continue
        acquisition = new.image.acquisition
        assert isinstance(acquisition, Acquisition)
        assert acquisition.severity == {"defocus": 3, "noise": 2}
        assert replace(new.image, acquisition=None) == old.image
        assert known(old, "image") == known(new, "image")


def test_what_is_random_about_an_image_is_the_cases_own_whatever_the_shift() -> None:
    other = {"id": "hair", "at": "0 d", "image": {"hair": 5}}

    def seeds(*shifts: dict[str, Any]) -> dict[str, int]:
        return {
            one.case_id: one.image.acquisition.seed
            for one in come(rendered(*shifts))
            if one.image is not None and one.image.acquisition is not None
        }

    blurred, hairy = seeds(BLUR), seeds(other)
    assert len(set(hairy.values())) == len(hairy) > len(blurred) > 0
    assert blurred.items() <= hairy.items()


IMAGES = [
    LabelledImage(
        path=f"{n}.jpg", sha256=f"{n:064x}", malignant=n % 3 == 0, split="test", group=str(n)
    )
    for n in range(60)
]


def shown(*shifts: dict[str, Any]) -> Scenario:
    model = {"learn_from": "images"}
    return clinic(
        cases={"source": "images"}, arrivals={"rate_per_h": 6}, shifts=list(shifts), model=model
    )


def test_images_of_a_directory_are_taken_otherwise_too() -> None:
    plain, blurred = come(shown(), IMAGES), come(shown(BLUR | {"at": "0 d"}), IMAGES)
    found = Counter(one.shifts for one in blurred)
    assert found[None] > 10 < found["soft-lens"]
    for old, new in zip(plain, blurred, strict=True):
        assert isinstance(new.image, FileRef)
        assert replace(new.image, acquisition=None) == old.image
        assert (new.image.acquisition is None) == (new.shifts is None)


def test_the_event_log_says_how_images_were_taken_and_never_the_shift() -> None:
    scenario = rendered(BLUR)
    journal = Engine(scenario, 0, People(scenario, 0), FakeTwin()).run()
    arrived = [event for event in journal.events if isinstance(event, CaseArrived)]
    taken = [event for event in arrived if event.image.acquisition is not None]
    names = {code: word for word, code in journal.words["shifts"].items()}
    in_shift = [names.get(code) for code in journal.patients.column("shifts").tolist()]
    assert len(taken) == in_shift.count("soft-lens") > 0
    assert "soft-lens" not in str(arrived[-1])


def test_the_table_of_patients_names_the_shifts_of_each(tmp_path: Path) -> None:
    rise = RISE | {"at": "1 d", "over": "0 d", "share": 0.5}
    scenario = nominal(rise, always(sex={"male": 1}) | {"at": "2 d"}, horizon="3 d")
    journal = run(scenario)
    write_records(journal, f"{tmp_path}/")
    with (tmp_path / "patients.csv").open(encoding="utf-8", newline="") as file:
        rows = {int(row["patient"]): row for row in csv.DictReader(file)}
    people = come(scenario)
    assert {one.shifts for one in people} == {None, "rise", "other", "rise+other"}
    for one in people:
        row = rows[one.number]
        assert row["shifts"] == (one.shifts or "")
        assert [row[name] for name in FACTS[1:]] == [str(getattr(one, name)) for name in FACTS[1:]]
    assert not (tmp_path / "upstream.csv").exists()


def test_runs_without_shifts_keep_their_columns_and_so_their_digest() -> None:
    journal = run(nominal(horizon="1 d"))
    assert journal.patients.columns == PATIENT_COLUMNS
    assert set(journal.words) == set(WORDS)
    assert journal.words["diagnosis"] == {}
    assert json.dumps(journal.words)
    shifted = run(nominal(always(prevalence=0.08), horizon="1 d"))
    assert shifted.patients.columns == (*PATIENT_COLUMNS, "shifts")
    assert digest_of(shifted) != digest_of(journal)
