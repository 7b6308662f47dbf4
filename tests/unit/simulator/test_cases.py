from dataclasses import asdict

from simulator.cases.cases import case_id_of
from simulator.cases.datasets import LabelledImage
from simulator.clinic.arrivals import Arrivals
from simulator.language.scenario import Scenario, load
from twin.images import SyntheticRef

BASE = """\
name: week
cases: CASES
model: {id: m}
arrivals: {rate_per_h: 6}
pathway:
  - {id: imaging, staff: nurse, service: 6 min, then: ai}
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: 6 min, then: end}
staff: {nurse: 1, reader: 1}
"""


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


def scenario(cases: str) -> Scenario:
    return load(BASE.replace("CASES", cases), "x.yaml")


def test_each_image_comes_once_with_its_truth() -> None:
    arrivals = Arrivals(scenario("{source: images}"), 0, IMAGES)
    patients = list(arrivals)
    assert arrivals.expected == len(patients) == 30
    assert {p.image for p in patients} == {image.ref for image in IMAGES}
    truth = {image.ref: image.malignant for image in IMAGES}
    assert all(p.malignant == truth[p.image] for p in patients)
    assert (patients[0].age, patients[0].sex, patients[0].diagnosis) == (40, "female", "nv")


def test_shuffled_and_listed_order() -> None:
    def order(text: str, replication: int = 0) -> list[str]:
        patients = Arrivals(scenario(text), replication, IMAGES)
        return [patient.image.path for patient in patients]

    listed = [image.ref.path for image in IMAGES]
    assert order("{source: images, images: {order: listed}}") == listed
    shuffled = order("{source: images}")
    assert shuffled != listed
    assert shuffled == order("{source: images}")
    assert shuffled != order("{source: images}", replication=1)
    assert order("{source: images, count: 4}") == shuffled[:4]


def test_synthetic_patients_follow_the_population() -> None:
    all_ill = scenario("{count: 5, population: {prevalence: 1, skin_tone: {V-VI: 1}}}")
    patients = list(Arrivals(all_ill, 0))
    assert all(patient.malignant for patient in patients)
    assert {patient.skin_tone for patient in patients} <= {"V", "VI"}
    assert all(isinstance(patient.image, SyntheticRef) for patient in patients)


def test_the_twin_is_told_everything_but_the_truth() -> None:
    patient = next(iter(Arrivals(scenario("{count: 5}"), 0)))
    event = patient.arrived()
    told = {name for name in asdict(event) if getattr(event, name) == getattr(patient, name)}
    assert told == {"case_id", "at_min", "image", "age", "sex", "site", "skin_tone"}
    assert set(asdict(patient)) - told == {"index", "malignant", "diagnosis"}


def test_case_ids_sort_as_patients_arrive() -> None:
    ids = [case_id_of(0, index) for index in (0, 9, 10, 99_999, 100_000)]
    assert ids == sorted(ids)
