"""Patients are keyed draws; the truth shows in their images, but not perfectly."""

import json
from collections import Counter
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from simulator.cases.population import Population, SyntheticCase
from twin.dermoscopy.recipe import LesionRecipe, fault_of
from twin.dermoscopy.render import render
from twin.errors import ScenarioError

CLINIC = Population(
    prevalence=0.2,
    skin_tone={"I-II": 0.5, "III-IV": 0.35, "V-VI": 0.15},
    age_mean=52.0,
    age_sd=17.0,
)
MALIGNANT = {"melanoma", "basal_cell_carcinoma", "actinic_keratosis"}
BENIGN = {"nevus", "seborrheic_keratosis", "vascular_lesion", "dermatofibroma"}
# Least angle of each Fitzpatrick type, and the most of type I (Chardon's classes, in degrees)
ITA_DEG = {"I": (55, 68), "II": (41, 55), "III": (28, 41), "IV": (10, 28), "V": (-30, 10)}


def drawn(population: Population, count: int, replication: int = 0) -> list[SyntheticCase]:
    return [population.draw(1, replication, f"c{index}") for index in range(count)]


def share(cases: list[SyntheticCase], name: str, value: object) -> float:
    return sum(getattr(case, name) == value for case in cases) / len(cases)


CASES = drawn(CLINIC, 2000)


def test_a_case_is_the_same_whenever_it_is_drawn() -> None:
    late = [CLINIC.draw(1, 0, f"c{index}") for index in reversed(range(20))]
    assert late[::-1] == CASES[:20]


def test_replications_and_seeds_draw_other_patients() -> None:
    recipe = CLINIC.draw(1, 0, "c1").image.recipe
    assert CLINIC.draw(1, 1, "c1").image.recipe != recipe
    assert CLINIC.draw(2, 0, "c1").image.recipe != recipe


def test_prevalence_is_the_share_of_malignant_cases() -> None:
    assert share(CASES, "malignant", True) == pytest.approx(0.2, abs=0.03)
    assert not any(case.malignant for case in drawn(replace(CLINIC, prevalence=0.0), 50))
    assert all(case.malignant for case in drawn(replace(CLINIC, prevalence=1.0), 50))


def test_the_diagnosis_agrees_with_the_truth() -> None:
    assert {case.diagnosis for case in CASES if case.malignant} == MALIGNANT
    assert {case.diagnosis for case in CASES if not case.malignant} == BENIGN


def test_diagnoses_sexes_and_sites_are_as_frequent_as_in_ham10000() -> None:
    benign = [case for case in CASES if not case.malignant]
    malignant = [case for case in CASES if case.malignant]
    assert share(benign, "diagnosis", "nevus") == pytest.approx(6705 / 8061, abs=0.03)
    assert share(malignant, "diagnosis", "melanoma") == pytest.approx(1113 / 1954, abs=0.07)
    assert share(CASES, "sex", "male") == pytest.approx(5406 / 9958, abs=0.035)
    assert share(CASES, "site", "back") == pytest.approx(0.225, abs=0.03)


def test_a_higher_prevalence_turns_cases_and_leaves_the_rest_of_everyone() -> None:
    more = drawn(replace(CLINIC, prevalence=0.5), 300)
    turned = 0
    for before, after in zip(CASES, more, strict=False):
        assert (before.age, before.sex, before.site, before.skin_tone) == (
            after.age,
            after.sex,
            after.site,
            after.skin_tone,
        )
        assert before.malignant <= after.malignant  # who was ill, still is
        if before.malignant == after.malignant:
            assert before == after
        else:
            turned += 1
            old, new = before.image.recipe, after.image.recipe
            assert (old.seed, old.tone_ita_deg, old.hair) == (new.seed, new.tone_ita_deg, new.hair)
            assert old != new
    assert turned > 50


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"age_mean": 30.0}, {"age"}),
        ({"skin_tone": {"V-VI": 1.0}}, {"skin_tone", "image"}),
        ({"sex": {"female": 1.0}}, {"sex", "image"}),  # men have more hair
        ({"site": {"acral": 1.0}}, {"site", "image"}),  # ridges instead of hair
        ({"prevalence": 1.0}, {"malignant", "diagnosis", "image"}),
    ],
)
def test_each_attribute_has_a_stream_of_its_own(change: dict, moved: set[str]) -> None:
    found = set()
    for before, after in zip(CASES, drawn(replace(CLINIC, **change), 100), strict=False):
        found |= {
            each.name
            for each in fields(SyntheticCase)
            if getattr(before, each.name) != getattr(after, each.name)
        }
    assert found == moved


def test_ages_follow_mean_and_spread_and_stay_human() -> None:
    ages = np.array([case.age for case in CASES])
    assert ages.mean() == pytest.approx(52, abs=1.5)
    assert ages.std() == pytest.approx(17, abs=1.2)
    wide = [case.age for case in drawn(replace(CLINIC, age_sd=100.0), 300)]
    assert min(wide) == 1
    assert max(wide) == 100


def test_skin_tones_have_their_groups_shares_and_their_typology_angles() -> None:
    counts = Counter(case.skin_tone for case in CASES)
    assert set(counts) == {"I", "II", "III", "IV", "V", "VI"}
    for group, wanted in CLINIC.skin_tone.items():
        found = sum(counts[tone] for tone in group.split("-")) / len(CASES)
        assert found == pytest.approx(wanted, abs=0.04)
    for case in CASES:
        low, high = ITA_DEG.get(case.skin_tone, (-50, -30))
        assert low <= case.image.recipe.tone_ita_deg <= high


def test_only_the_groups_named_occur() -> None:
    only = drawn(replace(CLINIC, skin_tone={"III-IV": 1.0}), 60)
    assert {case.skin_tone for case in only} == {"III", "IV"}


def test_the_order_of_groups_does_not_matter() -> None:
    backwards = replace(CLINIC, skin_tone=dict(reversed(CLINIC.skin_tone.items())))
    assert drawn(backwards, 50) == CASES[:50]


def test_recipes_are_within_range() -> None:
    assert {fault_of(case.image.recipe) for case in CASES} == {""}


def test_recipes_are_short_decimals() -> None:
    # The last bit of an exponential differs between hosts; the log must not (law 5).
    for value in asdict(CASES[0].image.recipe).values():
        assert value == round(value, 4)


@pytest.mark.parametrize("name", [each.name for each in fields(LesionRecipe)])
def test_every_control_varies(name: str) -> None:
    # Some structures are rare; none is so rare that it names a diagnosis.
    assert len({getattr(case.image.recipe, name) for case in CASES}) > 10


@pytest.mark.parametrize(
    ("sign", "more", "less"),
    [
        ("asymmetry", "melanoma", "nevus"),
        ("border", "melanoma", "nevus"),
        ("variegation", "melanoma", "nevus"),
        ("veil", "melanoma", "nevus"),
        ("streaks", "melanoma", "seborrheic_keratosis"),
        ("network", "nevus", "seborrheic_keratosis"),
        ("fade", "nevus", "seborrheic_keratosis"),
        ("blood", "basal_cell_carcinoma", "nevus"),
    ],
)
def test_signs_follow_the_dermoscopic_criteria_and_overlap(sign: str, more: str, less: str) -> None:
    high, low = (
        np.array([getattr(c.image.recipe, sign) for c in CASES if c.diagnosis == diagnosis])
        for diagnosis in (more, less)
    )
    assert np.median(high) > np.median(low)
    assert np.quantile(high, 0.05) < np.quantile(low, 0.95)


def features(case: SyntheticCase) -> np.ndarray:
    """Colour means and deviations, and fine structure, in three rings."""
    picture = render(case.image.recipe).astype(float) / 255
    axis = (np.arange(224) + 0.5) / 112 - 1
    ring = np.digitize(np.hypot(axis[:, None], axis[None, :]), [0.3, 0.6, 1.0])
    edges = np.abs(np.diff(picture.mean(2), axis=1, append=0))
    stack = np.concatenate([picture, edges[..., None]], axis=2)
    inside = [stack[ring == index] for index in range(3)]
    return np.concatenate([part.mean(0) for part in inside] + [part.std(0) for part in inside])


def test_images_give_the_truth_away_but_not_wholly() -> None:
    cases = drawn(replace(CLINIC, prevalence=0.5), 240)
    x = np.stack([features(case) for case in cases])
    x = np.column_stack([(x - x.mean(0)) / x.std(0), np.ones(len(x))])
    y = np.array([case.malignant for case in cases])
    known, asked = slice(0, 160), slice(160, None)
    weights = np.linalg.solve(
        x[known].T @ x[known] + 10 * np.eye(x.shape[1]), x[known].T @ (2.0 * y[known] - 1)
    )
    score = x[asked] @ weights
    ill, well = score[y[asked]], score[~y[asked]]
    auc = (ill[:, None] > well[None, :]).mean()
    assert 0.70 < auc < 0.98


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"prevalence": 1.1}, "prevalence"),
        ({"prevalence": float("nan")}, "prevalence"),
        ({"skin_tone": {"I-II": 0.5}}, "skin_tone"),
        ({"skin_tone": {}}, "skin_tone"),
        ({"skin_tone": {"I-II": 1.5, "V-VI": -0.5}}, "skin_tone.I-II"),
        ({"skin_tone": {"VII": 1.0}}, "skin_tone.VII"),
        ({"age_mean": 0.0}, "age.mean"),
        ({"age_sd": -1.0}, "age.sd"),
    ],
)
def test_impossible_populations_are_refused(change: dict, key: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        replace(CLINIC, **change)
    assert caught.value.args[2] == key


def test_the_recipe_that_comes_back_from_the_log_gives_the_same_pixels() -> None:
    population = Population(prevalence=0.5, skin_tone={"I-II": 1.0}, age_mean=52.0, age_sd=17.0)
    image = population.draw(11, 0, "c1").image
    told = json.loads(json.dumps(asdict(image.recipe)))
    assert np.array_equal(render(LesionRecipe(**told)), render(image.recipe))
