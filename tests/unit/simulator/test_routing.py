from collections import Counter
from typing import Any

import pytest

from simulator.clinic.person import Person
from simulator.clinic.routing import OUT, Router, Visits

PLACES = {"a": 0, "b": 1, "c": 2}


def router(then: dict[str, float | str], *attributes: str) -> Router:
    return Router(then, PLACES, attributes, Visits(1, 0, "route.x.patient"))


def person(key: int = 0, **facts: Any) -> Person:
    made = Person(key, key, 10.0, 0, "patient", 3)
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def test_one_way_is_always_taken() -> None:
    assert router({"b": "otherwise"}).always == 1
    assert router({"end": "otherwise"}).always == OUT
    assert router({"b": "otherwise"}).next(person(), 1, 0.0) == 1


def test_shares_divide_patients() -> None:
    way = router({"a": 0.2, "b": 0.3, "end": "otherwise"})
    assert way.always is None
    found = Counter(way.next(person(key), 1, 0.0) for key in range(10_000))
    assert found[0] == pytest.approx(2000, abs=4 * 40)
    assert found[1] == pytest.approx(3000, abs=4 * 46)
    assert found[0] + found[1] + found[OUT] == 10_000


def test_shares_that_sum_to_one_leave_nobody_out() -> None:
    way = router({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    assert {way.next(person(key), 1, 0.0) for key in range(100)} == {0, 1, 2}


def test_a_patient_has_a_draw_for_each_visit() -> None:
    way = router({"a": 0.5, "b": 0.5})
    first, second, again = (
        [way.next(person(key), visit, 0.0) for key in range(50)] for visit in (1, 2, 1)
    )
    assert first == again != second


def test_conditions_come_first_and_in_order() -> None:
    way = router({"a": "age >= 65", "b": "sex == male", "c": 0.5, "end": "otherwise"})
    assert way.next(person(age=70, sex="male"), 1, 0.0) == 0
    assert way.next(person(age=60, sex="male"), 1, 0.0) == 1
    rest = {way.next(person(key, age=60, sex="female"), 1, 0.0) for key in range(50)}
    assert rest == {2, OUT}
    assert {way.next(person(key), 1, 0.0) for key in range(50)} == {2, OUT}


def test_conditions_ask_for_visits_time_and_attributes() -> None:
    way = router({"a": "visits < 3", "b": "elapsed_min > 60", "c": "walks", "end": "otherwise"},
                 "walks")  # fmt: skip
    assert way.next(person(), 2, 10.0) == 0
    assert way.next(person(), 3, 71.0) == 1
    assert way.next(person(), 3, 70.0) == OUT
    assert way.next(person(attributes={"walks": True}), 3, 70.0) == 2


def test_visits_are_streams_of_their_own() -> None:
    one, two = Visits(1, 0, "route.x"), Visits(1, 0, "route.y")
    assert one.of(3, 1) == Visits(1, 0, "route.x").of(3, 1)
    assert len({one.of(3, 1), one.of(3, 2), two.of(3, 1), one.of(4, 1)}) == 4
    # Asked for first or last, a number is the same.
    assert Visits(1, 0, "route.x").of(3, 5) == one.of(3, 5)
