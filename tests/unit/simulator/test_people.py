import json
import math
from collections import Counter
from itertools import islice, pairwise
from typing import Any

import pytest

from simulator.cases.datasets import LabelledImage
from simulator.clinic.people import People
from simulator.clinic.person import Person
from simulator.language.scenario import Scenario, load
from twin.errors import ScenarioError
from twin.images import SyntheticRef

IMAGES = [
    LabelledImage(
        path=f"{n}.jpg",
        sha256=f"{n:064x}",
        malignant=n % 3 == 0,
        split="test",
        group=str(n),
        age=40,
        sex="female",
        diagnosis="nv",
    )
    for n in range(30)
]


def scenario(**fields: Any) -> Scenario:
    data = {
        "name": "week",
        "horizon": "2 d",
        "cases": {"source": "nominal"},
        "arrivals": {"rate_per_h": 6},
        "pathway": [{"id": "desk", "staff": "nurse", "service": "1 min", "then": "end"}],
        "staff": {"nurse": 1},
    }
    return load(json.dumps({k: v for k, v in (data | fields).items() if v is not None}), "x.yaml")


def come(clinic: Scenario, replication: int = 0) -> list[Person]:
    return list(People(clinic, replication))


def told(person: Person) -> dict[str, Any]:
    """All that is known of a patient at arrival."""
    slots = ("number", "key", "at_min", "class_index", "patient_class")
    return {name: getattr(person, name) for name in slots} | person.__dict__


def test_the_same_patients_come_each_time() -> None:
    crowd = People(scenario(cases={"source": "nominal", "population": {}}), 0)
    once, twice = list(crowd), list(crowd)
    assert [told(one) for one in once] == [told(one) for one in twice]
    assert [one.number for one in once] == list(range(len(once)))
    assert all(a.at_min <= b.at_min for a, b in pairwise(once))


def test_arrivals_end_at_the_horizon() -> None:
    longer = come(scenario(horizon="4 d"))
    whole = come(scenario())
    assert whole[-1].at_min < 2880
    assert longer[len(whole)].at_min >= 2880
    assert [one.at_min for one in whole] == [one.at_min for one in longer[: len(whole)]]


def test_a_count_ends_them_earlier() -> None:
    few = People(scenario(cases={"source": "nominal", "count": 7}), 0)
    assert few.expected == len(list(few)) == 7
    assert [p.at_min for p in few] == [p.at_min for p in come(scenario())][:7]


def test_the_horizon_counts_where_it_comes_before_the_count() -> None:
    crowd = People(scenario(cases={"source": "nominal", "count": 100000}), 0)
    assert crowd.expected == 288
    assert len(list(crowd)) < 400


def test_staff_service_and_order_leave_the_patients_alone() -> None:
    node = {"id": "desk", "staff": "nurse", "service": "5 min", "queue": "priority", "then": "end"}
    other = scenario(pathway=[node], staff={"nurse": 3})
    assert [told(one) for one in come(other)] == [told(one) for one in come(scenario())]


def test_replications_have_other_patients() -> None:
    facts = scenario(cases={"source": "nominal", "population": {}})
    one, two = come(facts), come(facts, 1)
    assert one[0].at_min != two[0].at_min
    assert [p.age for p in one[:50]] != [p.age for p in two[:50]]


def test_without_a_population_patients_bring_nothing() -> None:
    [person] = islice(come(scenario()), 1)
    assert person.__dict__ == {}
    assert (person.malignant, person.age, person.case_id) == (None, None, "")


SHARED = [
    {"id": "walk-in", "share": 0.5},
    {"id": "sent-in", "share": 0.5},
    {"id": "screened", "arrivals": {"gap": "30 min"}},
]


def test_classes_share_arrivals_and_bring_their_own() -> None:
    crowd = come(scenario(classes=SHARED, horizon="20 d"))
    count = Counter(person.patient_class for person in crowd)
    assert count["screened"] == 959  # every half hour, the first after one gap
    walkers = [p for p in crowd if p.patient_class != "screened"]
    assert count["walk-in"] == pytest.approx(len(walkers) / 2, abs=2 * math.sqrt(len(walkers)))
    assert all(a.at_min <= b.at_min for a, b in pairwise(crowd))
    assert [p.number for p in crowd] == list(range(len(crowd)))
    # The key counts within the stream of arrivals: no two of a class have the same one.
    assert len({(p.patient_class, p.key) for p in crowd}) == len(crowd)
    assert sorted(p.key for p in walkers) == list(range(len(walkers)))


def test_one_class_more_leaves_the_others() -> None:
    extra = {"id": "late", "arrivals": {"rate_per_h": 2}}
    population = {"source": "nominal", "population": {"prevalence": 0.3}}
    before = come(scenario(classes=SHARED, cases=population))
    after = come(scenario(classes=[*SHARED, extra], cases=population))
    for one in (before, after):
        for person in one:
            person.number = 0  # the order among all changes, of course
    assert [told(p) for p in before] == [told(p) for p in after if p.patient_class != "late"]


def test_attributes_have_shares() -> None:
    attributes = {"chair": 0.2, "tongue": {"en": 0.5, "de": 0.3, "tr": 0.2}}
    one = {"id": "each", "share": 1, "attributes": attributes}
    crowd = come(scenario(classes=[one], horizon="20 d"))
    n = len(crowd)
    chairs = sum(person.attributes["chair"] for person in crowd)
    tongues = Counter(person.attributes["tongue"] for person in crowd)
    assert chairs == pytest.approx(0.2 * n, abs=4 * math.sqrt(0.16 * n))
    for name, share in attributes["tongue"].items():  # type: ignore[attr-defined]
        assert tongues[name] == pytest.approx(share * n, abs=4 * math.sqrt(n / 4))


def test_appointments_are_known() -> None:
    booked = {"appointments": {"every": "15 min", "during": "daily 08:00-16:00"}}
    crowd = come(scenario(arrivals=booked))
    assert [person.due_min for person in crowd[:3]] == [480, 495, 510]
    assert len(crowd) == 64


def test_a_replay_is_counted() -> None:
    crowd = People(scenario(arrivals={"replay": {"times": [0, 5, 5, "3 d"]}}), 0)
    assert [person.at_min for person in crowd] == [0, 5, 5]


def shown(count: int | None = None, order: str = "shuffled") -> Scenario:
    cases = {"source": "images", "images": {"order": order}}
    nodes = [
        {"id": "ai", "twin": "score", "then": "read"},
        {"id": "read", "staff": "nurse", "service": "6 min", "then": "end"},
    ]
    cases |= {} if count is None else {"count": count}  # type: ignore[dict-item]
    return scenario(cases=cases, model={"id": "m"}, pathway=nodes, horizon=None)


def test_each_image_comes_once_with_its_truth() -> None:
    crowd = People(shown(), 0, IMAGES)
    patients = list(crowd)
    assert crowd.expected == len(patients) == 30
    assert {p.image for p in patients} == {image.ref for image in IMAGES}
    truth = {image.ref: image.malignant for image in IMAGES}
    assert all(p.image is not None and p.malignant == truth[p.image] for p in patients)
    assert (patients[0].age, patients[0].sex, patients[0].diagnosis) == (40, "female", "nv")


def test_shuffled_and_listed_order() -> None:
    def order(clinic: Scenario, replication: int = 0) -> list[Any]:
        return [person.image for person in People(clinic, replication, IMAGES)]

    listed = [image.ref for image in IMAGES]
    assert order(shown(order="listed")) == listed
    shuffled = order(shown())
    assert shuffled != listed
    assert shuffled == order(shown())
    assert shuffled != order(shown(), replication=1)
    assert order(shown(4)) == shuffled[:4]


def test_more_images_than_there_are_is_an_error() -> None:
    with pytest.raises(ScenarioError, match="asks for 31 of the 'test' images; there are 30"):
        People(shown(31), 0, IMAGES)
    with pytest.raises(ScenarioError, match="there are 0"):
        People(shown(), 0, [])


def test_synthetic_patients_follow_the_population() -> None:
    population = {"prevalence": 1, "skin_tone": {"V-VI": 1}}
    clinic = scenario(
        cases={"source": "synthetic", "count": 5, "population": population},
        pathway=[
            {"id": "ai", "twin": "score", "then": "read"},
            {"id": "read", "staff": "nurse", "service": "6 min", "then": "end"},
        ],
    )
    patients = come(clinic)
    assert all(patient.malignant for patient in patients)
    assert {patient.skin_tone for patient in patients} <= {"V", "VI"}
    assert all(isinstance(patient.image, SyntheticRef) for patient in patients)
    ids = [patient.case_id for patient in patients]
    assert ids == sorted(set(ids))
    event = patients[0].arrived()
    assert event.image == patients[0].image
    assert "malignant" not in repr(event)  # the truth stays with the simulator (law 8)
