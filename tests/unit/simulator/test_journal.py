import math

from simulator.clinic.journal import PATIENT_COLUMNS, Journal, Latency
from simulator.clinic.person import Person
from simulator.clinic.pools import Pool
from simulator.clinic.tables import Table


def person(number: int = 0) -> Person:
    return Person(number, 7, 1.5, 0, "patient", 2)


def row(journal: Journal, place: int) -> dict[str, float]:
    return {name: journal.patients.column(name).tolist()[place] for name in PATIENT_COLUMNS}


def test_a_row_holds_what_is_known_of_a_patient() -> None:
    journal, one = Journal(), person()
    one.malignant, one.diagnosis, one.age, one.sex = True, "melanoma", 40, "male"
    one.site, one.skin_tone, one.due_min = "back", "II", 1.0
    one.p_malignant, one.flagged, one.referred, one.diagnosed_min = 0.9, True, False, 8.0
    journal.note(one, 9.0, gave_up=False)
    words = {name: known for name, known in journal.words.items() if known}
    assert words == {
        "class": {"patient": 0},
        "diagnosis": {"melanoma": 0},
        "sex": {"male": 0},
        "site": {"back": 0},
        "skin_tone": {"II": 0},
    }
    found = row(journal, 0)
    assert math.isnan(found.pop("rejected"))
    assert found == {
        "patient": 0,
        "key": 7,
        "class": 0,
        "arrival_min": 1.5,
        "due_min": 1.0,
        "closed_min": 9.0,
        "left_early": 0,
        "malignant": 1,
        "diagnosis": 0,
        "p_malignant": 0.9,
        "flagged": 1,
        "referred": 0,
        "diagnosed_min": 8.0,
        "age": 40,
        "sex": 0,
        "site": 0,
        "skin_tone": 0,
    }


def test_what_is_not_known_is_no_number() -> None:
    journal = Journal()
    journal.note(person(), None, gave_up=True)
    found = row(journal, 0)
    known = {name for name, value in found.items() if not math.isnan(value)}
    assert known == {"patient", "key", "class", "arrival_min", "left_early"}
    assert found["left_early"] == 1


def test_equal_words_have_one_number() -> None:
    journal = Journal()
    for number, site in enumerate(("back", "face", "back")):
        one = person(number)
        one.site = site
        journal.note(one, 2.0, gave_up=False)
    assert journal.patients.column("site").tolist() == [0, 1, 0]
    assert journal.words["site"] == {"back": 0, "face": 1}


def test_the_end_of_a_run_is_taken_over() -> None:
    journal, pool = Journal(), Pool("nurse")
    pool.busy_area, pool.duty_area = 3.0, 5.0
    table = Table(("patient",))
    journal.settle(9.0, tables={"read": table}, areas={"read": 4.0}, pools={"nurse": pool})
    assert (journal.end_min, journal.areas, journal.visits) == (9.0, {"read": 4.0}, {"read": table})
    assert (journal.staff["nurse"].busy_min, journal.staff["nurse"].duty_min) == (3.0, 5.0)
    journal.close()


def test_latency_counts_from_the_intended_send_time() -> None:
    assert Latency(case_id="c1", intended_s=1.5, answered_s=1.75).latency_ms == 250.0
