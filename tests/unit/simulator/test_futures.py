"""Futures from a state against theory: the exact transient of birth-death chains."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from clinics import clinic, per_min
from numpy.typing import NDArray
from scipy.linalg import expm

from simulator.analysis.frames import Visits
from simulator.clinic.opening import Gone, Inside, Opening
from simulator.experiment.bands import bands
from simulator.experiment.digests import digest_of
from simulator.experiment.future_scenario import future_scenario
from simulator.experiment.future_series import tell
from simulator.experiment.futures import run_future
from simulator.experiment.replicate import replicate
from simulator.language.scenario import Scenario

Floats = NDArray[np.float64]
RUNS = 200


def exponential(rate: float) -> dict[str, Any]:
    return {"exponential": {"mean": f"{1 / rate} min"}}


def waiting(count: int, t0_min: float) -> Opening:
    inside = tuple(Inside(at_min=t0_min - count + place) for place in range(count))
    return Opening(at_min=t0_min, inside=inside)


def runs(
    scenario: Scenario, opening: Opening, edges: Floats, numbers: Sequence[int], seed: int = 1
) -> dict[str, Floats]:
    """Each axis, shape (futures, bins)."""
    made = future_scenario(scenario, float(edges[-1]), seed).scenario
    found = [tell(made, run_future(made, n, opening).journal, edges).series for n in numbers]
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def transient(
    arrive: float, serve: float, servers: int, begin: int, after_min: Floats
) -> tuple[Floats, Floats]:
    """Mean number in the system and in the queue of M/M/c, from a number at time 0."""
    states = np.arange(140)  # far more than there will ever be
    up, down = np.full(139, arrive), serve * np.minimum(states[1:], servers)
    chain = np.diag(up, 1) + np.diag(down, -1)
    chain -= np.diag(chain.sum(axis=1))
    start = (states == begin).astype(float)
    spread = np.array([start @ expm(chain * minutes) for minutes in after_min])
    return spread @ states, spread @ np.maximum(states - servers, 0)


@pytest.mark.parametrize(
    ("servers", "arrive", "serve", "begin"),
    [(1, 0.4, 0.5, 12), (3, 1.3, 0.5, 20), (2, 0.6, 0.4, 0)],
)
def test_queues_from_a_state_have_the_exact_transient_means(
    servers: int, arrive: float, serve: float, begin: int
) -> None:
    t0_min = 777.0  # not a whole hour, and long after time 0
    scenario = clinic(
        arrivals=per_min(arrive), service=exponential(serve), servers=servers, allow_unstable=True
    )
    edges = t0_min + np.array([0.0, 1, 2, 4, 6, 9, 12, 16, 20, 25, 30, 40, 50])
    found = runs(scenario, waiting(begin, t0_min), edges, range(RUNS))
    exact = transient(arrive, serve, servers, begin, edges[1:] - t0_min)
    for name, mean in zip(("in_system", "queue.desk"), exact, strict=True):
        error = found[name].std(axis=0, ddof=1) / np.sqrt(RUNS)
        assert (error < 0.7).all()
        assert (np.abs(found[name].mean(axis=0) - mean) < 4 * error + 0.01).all(), name


def test_from_an_empty_clinic_a_long_future_is_stationary() -> None:
    scenario = clinic(arrivals=per_min(0.3), service=exponential(0.5))
    edges = np.arange(0.0, 2001.0, 20.0)
    found = runs(scenario, Opening(), edges, range(40))
    late = found["in_system"][:, 25:].mean(axis=1)  # the first quarter is left out
    error = late.std(ddof=1) / np.sqrt(40)
    assert abs(late.mean() - 0.6 / 0.4) < 3 * error < 0.25
    worked = found["utilisation.server"][:, 25:].mean()
    assert worked == pytest.approx(0.6, abs=0.02)


def test_bands_cover_nine_in_ten_fresh_futures() -> None:
    scenario = clinic(arrivals=per_min(1.0), service=exponential(0.02), servers=60)
    opening, edges = waiting(70, 500.0), np.arange(500.0, 581.0, 10.0)
    shares = []
    for seed in range(4):
        found = runs(scenario, opening, edges, range(45), seed)["in_system"]
        band = bands([{"in_system": row} for row in found[:20]])["in_system"]  # 20, as by default
        fresh = found[20:]
        shares.append(((fresh >= band["p05"]) & (fresh <= band["p95"])).mean())
    assert 0.86 < np.mean(shares) < 0.96


def test_the_same_seed_gives_the_same_futures_and_another_one_others() -> None:
    scenario = clinic(arrivals=per_min(0.4), service=exponential(0.5))
    opening = waiting(5, 100.0)

    def digest(seed: int, number: int = 0) -> str:
        made = future_scenario(scenario, 200.0, seed).scenario
        return digest_of(run_future(made, number, opening).journal)

    assert digest(1) == digest(1)
    assert len({digest(1), digest(2), digest(1, number=1)}) == 3


def test_no_future_has_the_draws_of_the_run_that_is_forked() -> None:
    scenario = clinic(arrivals=per_min(0.4), service=exponential(0.5))
    made = future_scenario(scenario, 1000.0, scenario.seed).scenario
    real = replicate(scenario, 0).patients.column("arrival_min")
    future = run_future(made, 0, Opening()).journal.patients.column("arrival_min")
    assert not np.isin(future, real).any()


def test_waits_and_overdue_rules_count_from_the_true_arrival() -> None:
    scenario = clinic(
        classes=[
            {"id": "calm", "share": 0.5, "priority": 2},
            {"id": "urgent", "share": 0.5, "priority": 1},
        ],
        arrivals=per_min(0.0001),
        service="10 min",
        queue={"order": "priority", "overdue_after": "60 min"},
    )
    inside = (
        Inside(at_min=20.0, patient_class="calm"),  # overdue at 100
        Inside(at_min=50.0, patient_class="calm"),  # overdue at 110, after the first service
        Inside(at_min=70.0, patient_class="urgent"),
        Inside(at_min=75.0, patient_class="urgent"),
        Inside(at_min=90.0, patient_class="calm"),
    )
    made = future_scenario(scenario, 160.0, 1).scenario
    journal = run_future(made, 0, Opening(at_min=100.0, inside=inside)).journal
    visits = Visits(journal.visits["desk"])
    starts = dict(zip(visits.patient.tolist(), visits.column("start_min").tolist(), strict=True))
    assert [starts[number] for number in range(5)] == [100.0, 110.0, 120.0, 130.0, 140.0]
    waits = dict(zip(visits.patient.tolist(), visits.column("waited_min").tolist(), strict=True))
    assert [waits[number] for number in range(5)] == [80.0, 60.0, 50.0, 55.0, 50.0]


def test_the_week_goes_on_where_it_is() -> None:
    scenario = clinic(
        start="Mon 00:00",
        arrivals=per_min(0.0001),
        service="10 min",
        staff={"server": {"count": 1, "roster": "Mon-Fri 08:00-18:00"}},
    )
    t0_min = 1440 + 19 * 60.0  # Tuesday, 19:00: closed
    made = future_scenario(scenario, t0_min + 1440, 1).scenario
    journal = run_future(made, 0, waiting(3, t0_min)).journal
    starts = sorted(Visits(journal.visits["desk"]).column("start_min").tolist())
    assert starts[:3] == [2 * 1440 + 480.0, 2 * 1440 + 490.0, 2 * 1440 + 500.0]


def test_appointments_and_renewals_go_on_without_anybody_who_came_before() -> None:
    for arrivals in ({"gap": {"exponential": {"mean": "2 min"}}}, per_min(0.5)):
        made = future_scenario(clinic(arrivals=arrivals), 400.0, 1).scenario
        journal = run_future(made, 0, Opening(at_min=300.0)).journal
        at_min = journal.patients.column("arrival_min")
        assert 20 < len(at_min) < 90 and at_min.min() >= 300.0


READING = {
    "cases": {
        "source": "nominal",
        "population": {"prevalence": "20 %"},
        "ai": {"sensitivity": 0.9, "specificity": 0.9},
    },
    "arrivals": per_min(0.0001),
    "staff": {"nurse": 1, "reader": 1, "surgeon": 1},
    "pathway": [
        {"id": "imaging", "staff": "nurse", "service": "5 min", "then": "ai"},
        {"id": "ai", "twin": "score", "then": "read"},
        {
            "id": "read",
            "staff": "reader",
            "service": "10 min",
            "queue": "ai",
            "then": {"biopsy": "referred", "end": "otherwise"},
        },
        {"id": "biopsy", "staff": "surgeon", "service": "20 min", "then": "laboratory"},
        {"id": "laboratory", "delay": {"exponential": {"mean": "2 d"}}, "then": "end"},
    ],
}


def where(inside: Sequence[Inside], gone: Sequence[Gone] = (), futures: int = 1) -> dict[str, int]:
    made = future_scenario(clinic(**READING), 1100.0, 1).scenario
    opening = Opening(at_min=1000.0, inside=tuple(inside), gone=tuple(gone))
    found: dict[str, int] = {}
    for number in range(futures):
        for name, count in run_future(made, number, opening).by_node.items():
            found[name] = found.get(name, 0) + count
    return found


def test_who_has_no_answer_is_at_the_ai_or_before_and_who_has_one_in_the_queue_after_it() -> None:
    answer = {"answered": True, "p_malignant": 0.3, "flagged": False}
    assert where([Inside(at_min=990.0)]) == {"ai": 1}
    assert where([Inside(at_min=998.0)]) == {"imaging": 1}  # imaging takes 5 minutes
    assert where([Inside(at_min=998.0, **answer)]) == {"imaging": 1}
    assert where([Inside(at_min=900.0, **answer)]) == {"read": 1}
    assert where([Inside(at_min=900.0, answered=True, rejected="no image")]) == {"read": 1}


def test_who_was_overtaken_by_a_less_urgent_one_has_been_read() -> None:
    one = Inside(at_min=900.0, answered=True, p_malignant=0.3, flagged=False)
    later = {"closed_min": 960.0, "nodes": frozenset({"imaging", "read"}), "answered": True}
    assert where([one], [Gone(at_min=910.0, p_malignant=0.1, **later)], 5) == {"laboratory": 5}
    # More urgent, earlier, or never read: nothing follows from those.
    assert where([one], [Gone(at_min=910.0, p_malignant=0.4, **later)]) == {"read": 1}
    assert where([one], [Gone(at_min=890.0, p_malignant=0.1, **later)]) == {"read": 1}
    unread = later | {"nodes": frozenset({"imaging"})}
    assert where([one], [Gone(at_min=910.0, p_malignant=0.1, **unread)]) == {"read": 1}
    # Left the list not more than 20 minutes ago: at the biopsy, which takes as long.
    soon = later | {"closed_min": 985.0}
    assert where([one], [Gone(at_min=910.0, p_malignant=0.1, **soon)], 5) == {"biopsy": 5}


def test_the_delay_that_goes_on_is_conditional_on_not_being_over() -> None:
    """An exponential one has as long to go as a fresh one, however long it has been."""
    made = future_scenario(clinic(**READING), 9000.0, 1).scenario
    inside = Inside(at_min=100.0, answered=True, p_malignant=0.9, flagged=True)
    nodes = frozenset({"read"})
    gone = Gone(at_min=110.0, closed_min=120.0, nodes=nodes, p_malignant=0.1, answered=True)
    opening = Opening(at_min=3000.0, inside=(inside,), gone=(gone,))
    left = []
    for number in range(120):
        journal = run_future(made, number, opening).journal
        place = journal.patients.column("patient").tolist().index(0)
        closed_min = journal.patients.column("closed_min")[place]
        left.append(6000.0 if np.isnan(closed_min) else closed_min - 3000.0)
    mean = 2880 * (1 - np.exp(-6000 / 2880))  # of what is over or cut at the horizon
    error = np.std(left, ddof=1) / np.sqrt(120)
    assert abs(np.mean(left) - mean) < 3.5 * error


def test_the_queue_keeps_the_order_of_the_answers() -> None:
    chances = (0.1, 0.6, 0.3, 0.9)
    inside = tuple(
        Inside(at_min=900.0 + place, answered=True, p_malignant=p, flagged=p > 0.5)
        for place, p in enumerate(chances)
    )
    made = future_scenario(clinic(**READING), 1100.0, 1).scenario
    journal = run_future(made, 0, Opening(at_min=1000.0, inside=inside)).journal
    visits = Visits(journal.visits["read"])
    starts = dict(zip(visits.column("start_min").tolist(), visits.patient.tolist(), strict=True))
    assert [starts[at] for at in sorted(starts)] == [3, 1, 2, 0]


def test_answers_of_new_patients_are_those_of_late_and_truth_is_calibrated_for_them() -> None:
    fields = READING | {"arrivals": per_min(0.5), "horizon": "4000 min"}
    made = future_scenario(clinic(**fields, allow_unstable=True), 4000.0, 1).scenario
    journal = run_future(made, 0, Opening(), [(0.25, True), (0.75, False)]).journal
    p, flagged = (journal.patients.column(name) for name in ("p_malignant", "flagged"))
    asked = ~np.isnan(p)
    assert set(zip(p[asked].tolist(), flagged[asked].tolist(), strict=True)) == {
        (0.25, 1.0),
        (0.75, 0.0),
    }
    malignant = journal.patients.column("malignant")
    for chance in (0.25, 0.75):
        assert malignant[p == chance].mean() == pytest.approx(chance, abs=0.06)
