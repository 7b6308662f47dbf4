from simulator.clinic.person import Person
from simulator.clinic.pools import Bay, Pool, Request, State


class Desk:
    """A station that serves whoever comes and keeps their numbers."""

    def __init__(self, *pools: Pool) -> None:
        self.pools = list(pools)
        self.waiting = 0
        self.began: list[int] = []

    def free(self) -> bool:
        return all(pool.busy < pool.capacity for pool in self.pools)

    def begin(self, request: Request, now_min: float) -> None:
        for pool in self.pools:
            pool.change(now_min, 1)
        self.waiting -= 1
        request.state = State.SERVED
        self.began.append(request.person.number)


def pool(name: str, capacity: int) -> Pool:
    made = Pool(name)
    made.capacity = capacity
    return made


def ask(bay: Bay, desk: Desk, number: int, *, rank: float = 0.0, at_min: float = 0.0) -> Request:
    request = Request(Person(number, number, at_min, 0, "patient", 1), desk, 1, rank, at_min)
    desk.waiting += 1
    bay.join(request)
    return request


def test_areas_are_people_times_minutes() -> None:
    nurses = pool("nurse", 3)
    nurses.change(10.0, 2)
    nurses.change(15.0, -1)
    nurses.change(20.0, 0)
    assert nurses.busy == 1
    assert nurses.busy_area == 2 * 5 + 1 * 5
    assert nurses.duty_area == 3 * 20


def test_overtime_counts_as_duty() -> None:
    nurses = pool("nurse", 2)
    nurses.change(0.0, 2)
    nurses.capacity = 0
    nurses.change(10.0, 0)
    assert (nurses.busy_area, nurses.duty_area) == (20, 20)


def test_rank_then_time_then_number() -> None:
    nurses = pool("nurse", 0)
    bay, desk = Bay([nurses]), Desk(nurses)
    ask(bay, desk, 4, rank=1.0, at_min=0.0)
    ask(bay, desk, 3, rank=0.0, at_min=2.0)
    ask(bay, desk, 2, rank=0.0, at_min=1.0)
    ask(bay, desk, 1, rank=0.0, at_min=2.0)
    bay.dispatch(3.0)
    assert desk.began == []
    nurses.capacity = 3
    bay.dispatch(3.0)
    assert desk.began == [2, 1, 3]
    assert desk.waiting == 1
    nurses.capacity = 9
    bay.dispatch(4.0)
    assert desk.began == [2, 1, 3, 4]


def test_who_has_left_is_passed_over_and_a_second_rank_replaces_the_first() -> None:
    nurses = pool("nurse", 0)
    bay, desk = Bay([nurses]), Desk(nurses)
    gone, late = ask(bay, desk, 1), ask(bay, desk, 2, rank=5.0)
    ask(bay, desk, 3, rank=1.0)
    gone.state = State.RENEGED
    late.rank = -1.0
    bay.join(late)
    nurses.capacity = 9
    bay.dispatch(1.0)
    assert desk.began == [2, 3]


def test_who_needs_more_holds_nobody_back() -> None:
    nurses, rooms = pool("nurse", 0), pool("room", 1)
    bay = Bay([nurses, rooms])
    both, room = Desk(nurses, rooms), Desk(rooms)
    ask(bay, both, 1)
    ask(bay, room, 2)
    bay.dispatch(1.0)
    assert (both.began, room.began) == ([], [2])
    nurses.capacity = rooms.capacity = 2
    bay.dispatch(2.0)
    assert both.began == [1]
