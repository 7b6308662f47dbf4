import math
from collections import Counter

import numpy as np
import pytest

from simulator.cases.nominal import Facts, Streams, Verdicts
from simulator.clinic.person import Person
from simulator.draws.uniforms import Uniforms
from simulator.language.cases import NominalAi, RocPoint
from simulator.language.populations import PopulationSpec

N = 4000


def patients(spec: PopulationSpec, seed: int = 1, replication: int = 0) -> list[Person]:
    facts, made = Facts(spec, Streams(seed, replication, "patient")), []
    for key in range(N):
        person = Person(key, key, 0.0, 0, "patient", 1)
        facts.fill(person)
        made.append(person)
    return made


def judged(
    ai: NominalAi, prevalence: float, threshold: float | None = None
) -> tuple[list[Person], Verdicts]:
    made = patients(PopulationSpec(prevalence=prevalence))
    verdicts = Verdicts(ai, prevalence, threshold, Uniforms(1, 0, "ai.patient"))
    for person in made:
        verdicts.fill(person)
    return made, verdicts


def share(of: list[bool]) -> float:
    return sum(of) / len(of)


def test_patients_follow_the_population() -> None:
    made = patients(PopulationSpec(prevalence=0.3, skin_tone={"I-II": 0.5, "V-VI": 0.5}))
    assert share([bool(p.malignant) for p in made]) == pytest.approx(0.3, abs=4 * 0.0073)
    ages = np.array([p.age for p in made])
    assert ages.mean() == pytest.approx(52, abs=4 * 17 / math.sqrt(N))
    assert ages.std() == pytest.approx(17, rel=0.06)
    assert ages.min() >= 1
    tones = Counter(p.skin_tone for p in made)
    assert set(tones) == {"I", "II", "V", "VI"}
    assert all(
        count == pytest.approx(N / 4, abs=4 * math.sqrt(N * 3 / 16)) for count in tones.values()
    )
    assert {p.sex for p in made} == {"female", "male"}


def test_a_higher_prevalence_makes_ill_and_changes_nothing_else() -> None:
    few, many = (patients(PopulationSpec(prevalence=p)) for p in (0.1, 0.4))
    assert all(b.malignant or not a.malignant for a, b in zip(few, many, strict=True))
    for name in ("age", "sex", "site", "skin_tone"):
        assert [getattr(p, name) for p in few] == [getattr(p, name) for p in many]


def test_facts_are_independent_of_each_other() -> None:
    made = patients(PopulationSpec(prevalence=0.5))
    ill = [bool(p.malignant) for p in made]
    for other in ([p.sex == "male" for p in made], [(p.age or 0) > 52 for p in made]):
        assert abs(np.corrcoef(ill, other)[0, 1]) < 4 / math.sqrt(N)


def test_seeds_and_replications_differ() -> None:
    spec = PopulationSpec()
    ages = {tuple(p.age for p in patients(spec, *key)[:20]) for key in ((1, 0), (2, 0), (1, 1))}
    assert len(ages) == 3


def test_one_operating_point() -> None:
    made, _ = judged(NominalAi(sensitivity=0.9, specificity=0.8), 0.3)
    ill = [p for p in made if p.malignant]
    well = [p for p in made if not p.malignant]
    assert share([bool(p.score_flags) for p in ill]) == pytest.approx(0.9, abs=4 * 0.0087)
    assert share([bool(p.score_flags) for p in well]) == pytest.approx(0.2, abs=4 * 0.0076)
    # Bayes: 0.3 × 0.9 / (0.3 × 0.9 + 0.7 × 0.2), and 0.3 × 0.1 / (0.3 × 0.1 + 0.7 × 0.8).
    assert {p.score for p in made} == {0.658537, 0.050847}
    assert all((p.score == 0.658537) == p.score_flags for p in made)


ROC = NominalAi(roc=(RocPoint(fpr=0.05, tpr=0.6), RocPoint(fpr=0.2, tpr=0.9)))


def test_segments_of_a_roc_are_calibrated_and_ranked() -> None:
    made, verdicts = judged(ROC, 0.2)
    found = verdicts.segments()
    assert [one[0] for one in found] == pytest.approx([0.6, 0.3, 0.1])
    assert [one[1] for one in found] == pytest.approx([0.05, 0.15, 0.8])
    scores = [p for _, _, p, _ in found]
    assert scores == sorted(scores, reverse=True)
    for malignant, benign, p, _ in found:
        assert p == pytest.approx(0.2 * malignant / (0.2 * malignant + 0.8 * benign), abs=1e-6)
        ill = [bool(person.malignant) for person in made if person.score == p]
        assert share(ill) == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / len(ill)))


@pytest.mark.parametrize(
    ("threshold", "flags"),
    [
        (None, [True, True, False]),  # (0.2, 0.9) lies furthest above the diagonal
        (0.5, [True, False, False]),
        (0.9, [False, False, False]),
        (0.0, [True, True, True]),
    ],
)
def test_the_threshold_decides_which_segments_are_flagged(
    threshold: float | None, flags: list[bool]
) -> None:
    assert [flag for *_, flag in judged(ROC, 0.2, threshold)[1].segments()] == flags


def test_the_extremes() -> None:
    perfect, _ = judged(NominalAi(sensitivity=1, specificity=1), 0.3)
    assert all(p.score_flags == p.malignant for p in perfect)
    blind, _ = judged(NominalAi(sensitivity=0.5, specificity=0.5), 0.3)
    assert {p.score for p in blind} == {0.3}
