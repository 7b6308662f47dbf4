from services.pace import Pace


def test_the_rate_leaves_the_first_answers_and_the_cold_start_out() -> None:
    pace = Pace()
    pace.tick(64)
    pace.tick(64)
    pace.last_s = pace.first_s + 2.0
    assert pace.cases_per_s() == 32.0
    assert pace.cold_start_s is not None


def test_answers_that_came_at_once_have_no_rate() -> None:
    pace = Pace()
    pace.tick(10)
    assert pace.cases_per_s() is None
