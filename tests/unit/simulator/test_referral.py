"""A filter upstream: who comes is who was referred, and who was not is counted with truth."""

import csv
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from clinics import assert_agrees, clinic, exponential, known_as, measured, patients, run

from services.experiments.records import write_records
from simulator.analysis.exact import exact, why_not
from simulator.analysis.measure import measure
from simulator.clinic.people import People
from simulator.clinic.person import Person
from simulator.experiment.digests import digest_of
from simulator.language.load import offered_load, rate_of
from simulator.language.metrics import UPSTREAM, check_metric, names
from simulator.language.scenario import Scenario
from simulator.report.headlines import headlines
from twin.groups import SKIN_TONES

REFERRAL = {
    "malignant": 0.9,
    "benign": 0.3,
    "skin_tone": {"V-VI": 0.5},
    "sex": {"male": 0.8},
}
POPULATION = {
    "prevalence": 0.1,
    "sex": {"female": 0.5, "male": 0.5},
    "skin_tone": {"I-II": 0.5, "III-IV": 0.3, "V-VI": 0.2},
}
KEPT = (0.1 * 0.9 + 0.9 * 0.3) * (0.8 + 0.2 * 0.5) * (0.5 + 0.5 * 0.8)  # share of all who come


def filtered(referral: dict[str, Any] | None = REFERRAL, **fields: Any) -> Scenario:
    population = POPULATION if referral is None else POPULATION | {"referral": referral}
    cases = {
        "source": "nominal",
        "population": population,
        "ai": {"sensitivity": 0.9, "specificity": 0.8},
    }
    data: dict[str, Any] = {
        "cases": cases,
        "arrivals": {"rate_per_h": 30},
        "horizon": "20 d",
    }
    return clinic(**(data | fields))


def come(scenario: Scenario) -> list[Person]:
    crowd = People(scenario, 0)
    people = list(crowd)
    if crowd.upstream is not None:
        crowd.upstream.table.close()
    return people


def told(person: Person) -> dict[str, Any]:
    return person.__dict__ | {"key": person.key, "at_min": person.at_min}


def test_the_share_who_come_is_the_mean_of_the_factors() -> None:
    people, everybody = (come(filtered(one)) for one in (REFERRAL, None))
    error = math.sqrt(KEPT * (1 - KEPT) / len(everybody))
    assert len(people) / len(everybody) == pytest.approx(KEPT, abs=4 * error)
    scenario = filtered()
    [one] = scenario.patient_classes
    assert rate_of(scenario, one) == pytest.approx(0.5 * KEPT)
    assert People(scenario, 0).expected == round(0.5 * KEPT * 20 * 1440)


def test_who_comes_is_who_would_have_come_anyway() -> None:
    """Law 9: a filter leaves all else about everyone as it was; a wider one lets more of them."""
    everybody = {one.key: told(one) for one in come(filtered(None))}
    some = {one.key: told(one) for one in come(filtered())}
    wider = {one.key for one in come(filtered(REFERRAL | {"benign": 0.5}))}
    score = {"score"}  # the AI is calibrated for those who come
    assert set(some) < wider < set(everybody)
    for key, one in some.items():
        old = everybody[key]
        assert {k: v for k, v in one.items() if k not in score} == {
            k: v for k, v in old.items() if k not in score
        }
    numbers = [one.number for one in come(filtered())]
    assert numbers == list(range(len(some)))


def test_who_comes_is_composed_as_bayes_says() -> None:
    people = come(filtered())
    n = len(people)
    ill = 0.1 * 0.9 / (0.1 * 0.9 + 0.9 * 0.3)
    male = 0.5 * 0.8 / (0.5 + 0.5 * 0.8)
    dark = 0.2 * 0.5 / (0.8 + 0.2 * 0.5)
    for share, found in (
        (ill, sum(bool(one.malignant) for one in people)),
        (male, sum(one.sex == "male" for one in people)),
        (dark, sum(one.skin_tone in SKIN_TONES["V-VI"] for one in people)),
    ):
        assert found / n == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / n))
    # 0.25 × 0.9 / (0.25 × 0.9 + 0.75 × 0.2) and its like: calibrated for those who come.
    assert {one.score for one in people} == {0.6, 0.04}
    flagged = [bool(one.malignant) for one in people if one.score == 0.6]
    error = math.sqrt(0.24 / len(flagged))
    assert sum(flagged) / len(flagged) == pytest.approx(0.6, abs=4 * error)


def test_a_count_is_of_those_who_come() -> None:
    scenario = filtered(cases={"source": "nominal", "count": 50} | {
        "population": POPULATION | {"referral": REFERRAL}
    })  # fmt: skip
    crowd = People(scenario, 0)
    people = list(crowd)
    assert len(people) == crowd.expected == 50
    assert crowd.upstream is not None
    assert max(crowd.upstream.table.column("arrival_min")) < people[-1].at_min


def test_everybody_who_sought_care_is_counted_with_truth(tmp_path: Path) -> None:
    scenario = filtered(servers=2)
    journal = run(scenario)
    found = measure(scenario, journal, warmup_min=1440.0)
    everybody = [one for one in come(filtered(None)) if one.at_min >= 1440]
    came = {key for _, key in known_as(journal).values()}
    kept_away = [one for one in everybody if one.key not in came]
    assert found.values["upstream.count"] == len(everybody)
    assert found.values["upstream.referred.share"] == 1 - len(kept_away) / len(everybody)
    ill = sum(bool(one.malignant) for one in kept_away)
    assert found.values["upstream.missed_malignant.count"] == ill > 0
    assert found.values["patients.arrived"] == len(everybody) - len(kept_away)
    write_records(journal, f"{tmp_path}/")
    with (tmp_path / "upstream.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["arrival_min"]) >= 1440]
    assert [int(row["key"]) for row in rows] == [one.key for one in kept_away]
    for row, one in zip(rows, kept_away, strict=True):
        assert row["malignant"] == str(int(bool(one.malignant)))
        assert (row["sex"], row["skin_tone"]) == (one.sex, one.skin_tone)
        assert row["class"] == "patient"
    journal.close()


def test_each_run_counts_anew_and_enters_the_digest() -> None:
    crowd = People(filtered(horizon="1 d"), 0)
    sizes = []
    for _ in range(2):
        list(crowd)
        assert crowd.upstream is not None
        sizes.append(len(crowd.upstream.table))
    assert sizes[0] == sizes[1] > 0
    journal = run(filtered(horizon="1 d"))
    before = digest_of(journal)
    assert before == digest_of(run(filtered(horizon="1 d")))
    journal.upstream = None
    assert digest_of(journal) != before


def test_a_class_has_a_referral_of_its_own() -> None:
    classes = [
        {"id": "direct", "share": 0.5},
        {"id": "sent", "share": 0.5, "population": {"referral": {"malignant": 1, "benign": 0.2}}},
    ]
    scenario = filtered(None, classes=classes)
    people = come(scenario)
    count = Counter(one.patient_class for one in people)
    direct, sent = scenario.patient_classes
    assert rate_of(scenario, direct) == pytest.approx(0.25)
    assert rate_of(scenario, sent) == pytest.approx(0.25 * (0.08 + 0.92 * 0.2))
    assert count["direct"] == pytest.approx(7200, abs=4 * math.sqrt(7200))
    expected = 7200 * (0.08 + 0.92 * 0.2)
    assert count["sent"] == pytest.approx(expected, abs=4 * math.sqrt(expected))


def test_a_shift_can_put_the_filter_up() -> None:
    change = {"referral": {"malignant": 1, "benign": 0}}
    scenario = filtered(None, shifts=[{"id": "gp", "at": "10 d", "population": change}])
    journal = run(scenario)
    late = [at_min >= 10 * 1440 for at_min in patients(journal, "arrival_min")]
    ill = [bool(one) for one in patients(journal, "malignant")]
    assert all(one for one, after in zip(ill, late, strict=True) if after)
    assert not all(one for one, after in zip(ill, late, strict=True) if not after)
    assert journal.upstream is not None
    assert min(journal.upstream.table.column("arrival_min")) >= 10 * 1440
    assert set(journal.upstream.words["shifts"]) == {"gp"}


def test_metrics_of_upstream_are_those_of_a_filtered_clinic() -> None:
    assert set(UPSTREAM) <= set(names(filtered()))
    assert not set(UPSTREAM) & set(names(filtered(None)))
    assert set(UPSTREAM) <= set(measured(filtered(horizon="1 d")).values)
    assert not set(UPSTREAM) & set(measured(filtered(None, horizon="1 d")).values)
    [reason] = check_metric(filtered(None), "upstream.count")
    assert "no metric" in reason


def test_what_the_filter_costs_is_among_the_headlines() -> None:
    values = measured(filtered(horizon="1 d")).values
    point = {"metrics": {name: {"value": value} for name, value in values.items()}, "gates": []}
    assert {"upstream.referred.share", "upstream.missed_malignant.count"} <= set(headlines([point]))


def test_the_load_is_that_of_those_who_come() -> None:
    load = offered_load(filtered())["server"]
    assert load.share == pytest.approx(0.5 * KEPT)


def test_walkers_are_as_ill_as_those_who_come() -> None:
    """Where routes ask for the truth of a decision, the mix upstream decides the work."""
    pathway = [
        {"id": "read", "staff": "server", "service": "1 min", "then": {"cut": "referred",
         "end": "otherwise"}},
        {"id": "cut", "staff": "server", "service": "1 min", "then": "end"},
    ]  # fmt: skip
    decision = {"reader": {"sensitivity": 1, "specificity": 1}}
    scenario = filtered({"malignant": 1, "benign": 0}, pathway=pathway, decision=decision)
    load = offered_load(scenario)["server"]
    assert load.share == pytest.approx(2 * 0.5 * 0.1, rel=0.01), "all who come are cut"


def test_walkers_are_of_the_sexes_and_tones_of_those_who_come() -> None:
    """Of those who come 4/9 are male and a ninth has dark skin: 0.5 × 0.8 and 0.2 × 0.5."""
    after = {"m": "sex == male", "d": "skin_tone in [V, VI]", "end": "otherwise"}
    nodes = [{"id": name, "staff": name, "service": "1 min", "then": "end"} for name in "md"]
    desk = {"id": "desk", "staff": "server", "service": "1 min", "then": after}
    scenario = filtered(pathway=[desk, *nodes], staff={"server": 1, "m": 1, "d": 1})
    load = offered_load(scenario)
    male, dark = 4 / 9, 5 / 9 * 1 / 9
    rate = load["server"].share
    assert load["m"].share / rate == pytest.approx(male, abs=4 * math.sqrt(male / 1000))
    assert load["d"].share / rate == pytest.approx(dark, abs=4 * math.sqrt(dark / 1000))


def queue(**fields: Any) -> Scenario:
    """M/M/1 behind a filter: who comes is a Poisson stream of 0.8 per minute."""
    return filtered(
        {"malignant": 1, "benign": 0.7 / 0.9},
        arrivals={"rate_per_h": 60},
        service=exponential(1),
        horizon="8000 min",
        **fields,
    )


def test_behind_a_filter_a_poisson_stream_is_one() -> None:
    found = exact(queue())
    assert found is not None
    assert found.model == "M/M/1"
    assert found.values["wait.desk.mean"] == pytest.approx(0.8 / 0.2)
    assert found.values["throughput.per_h"] == pytest.approx(48)
    expected = {name: found.values[name] for name in ("wait.desk.mean", "utilisation.server")}
    assert_agrees(queue(), expected, within=0.2)


def test_the_ais_order_behind_a_filter() -> None:
    """Malignant ones are more frequent behind it, and so are those who are flagged."""
    pathway = [
        {"id": "ai", "twin": "score", "then": "desk"},
        {"id": "desk", "staff": "server", "service": exponential(1), "queue": "flag",
         "then": "end"},
    ]  # fmt: skip
    scenario = queue(pathway=pathway)
    found = exact(scenario)
    assert found is not None, why_not(scenario)
    ill = 0.1 / 0.8
    flagged = 0.8 * (ill * 0.9 + (1 - ill) * 0.2)
    assert found.values["wait.desk.mean{flagged=yes}"] == pytest.approx(0.8 / (1 - flagged))
    assert_agrees(scenario, {"wait.desk.mean{flagged=yes}": 0.8 / (1 - flagged)})


def test_regular_gaps_that_are_thinned_are_left_to_the_simulation() -> None:
    thinned = filtered(arrivals={"gap": "1 min"}, service=exponential(1))
    assert exact(thinned) is None
    assert "no Poisson process" in why_not(thinned)


def test_theory_does_not_speak_of_patients_who_change() -> None:
    shift = {"at": "1 d", "population": {"prevalence": 0.5}}
    assert exact(queue(shifts=[shift])) is None
    assert why_not(queue(shifts=[shift])) == "the patients change while the clinic runs"


def test_theory_speaks_where_only_images_change() -> None:
    scenario = clinic(
        cases={"source": "synthetic"},
        arrivals={"rate_per_h": 30},
        service=exponential(1),
        shifts=[{"at": "100 min", "image": {"defocus": 3}}],
    )
    found = exact(scenario)
    assert found is not None
    assert found.values["wait.desk.mean"] == pytest.approx(1.0)
