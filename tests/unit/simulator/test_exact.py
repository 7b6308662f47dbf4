from typing import Any

import pytest
from clinics import assert_agrees, clinic, exponential, per_min

from simulator import theory
from simulator.analysis.exact import exact, why_not
from simulator.language.metrics import check_metric
from simulator.language.scenario import Scenario

AI = {
    "source": "nominal",
    "population": {"prevalence": 0.1},
    "ai": {"sensitivity": 0.9, "specificity": 0.9},
}


def solved(scenario: Scenario) -> tuple[str, dict[str, float]]:
    """Model and values of a scenario that theory can solve; each value has a metric's name."""
    found = exact(scenario)
    assert found is not None, why_not(scenario)
    for name in found.values:
        assert list(check_metric(scenario, name)) == []
    return found.model, dict(found.values)


def node(name: str, staff: str, service: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": name, "staff": staff, "service": service or exponential(1), "then": "end"} | more


def two_classes(rates: tuple[float, float], **of_class: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"c{place}", "arrivals": per_min(rate), "priority": place}
        | {key: values[place] for key, values in of_class.items()}
        for place, rate in enumerate(rates)
    ]


SINGLE: list[tuple[dict[str, Any], str, dict[str, float]]] = [
    (
        {"arrivals": per_min(0.2), "service": exponential(10), "servers": 3},
        "M/M/3",
        {"wait.desk.mean": 4.444444, "delayed.desk.share": 4 / 9, "utilisation.server": 2 / 3},
    ),
    ({"arrivals": per_min(0.8)}, "M/G/1", {"wait.desk.mean": 2.0, "number.desk.mean": 2.4}),
    (
        {"arrivals": per_min(0.8), "service": {"gamma": {"mean": "1 min", "sd": "1.41421356 min"}}},
        "M/G/1",
        {"wait.desk.mean": 6.0},
    ),
    (
        {"arrivals": per_min(2.4), "servers": 3},
        "M/D/3",
        {"wait.desk.mean": theory.mdc(2.4, 1, 3).wait or 0},
    ),
    (
        {
            "arrivals": per_min(3),
            "service": exponential(0.25),
            "servers": 2,
            "queue": {"room": 1},
        },
        "M/M/2/3",
        {"number.desk.mean": 0.762340, "blocked.desk.share": 0.0493602},
    ),
    (
        {"arrivals": per_min(2), "servers": 3, "queue": {"room": 0}},
        "M/G/3/3",
        {"blocked.desk.share": 0.210526, "wait.desk.mean": 0.0},
    ),
    (
        {
            "arrivals": per_min(1),
            "service": exponential(1),
            "queue": {"patience": exponential(1)},
        },
        "M/M/1+M",
        {"reneged.desk.share": 0.367879, "queue.desk.mean": 0.367879},
    ),
    (
        {"arrivals": {"gap": "1.25 min"}, "service": exponential(1)},
        "G/M/1",
        {"wait.desk.mean": 1.6927, "number.desk.mean": 0.8 * 2.6927},
    ),
    (
        {
            "arrivals": {"appointments": {"every": "2 min", "during": "daily 00:00-24:00"}},
            "service": exponential(1.6),
        },
        "G/M/1",
        {"wait.desk.mean": 1.6 * 1.6927},
    ),
    (
        {"arrivals": {"gap": exponential(2)}, "service": exponential(1)},
        "M/M/1",
        {"wait.desk.mean": 1.0},
    ),
    (
        {"arrivals": per_min(1.0) | {"no_show": 0.5}, "service": exponential(1)},
        "M/M/1",
        {"wait.desk.mean": 1.0},
    ),
]


@pytest.mark.parametrize(("fields", "model", "values"), SINGLE, ids=[str(one[1]) for one in SINGLE])
def test_one_station(fields: dict[str, Any], model: str, values: dict[str, float]) -> None:
    named, found = solved(clinic(**fields))
    assert named == model
    assert {name: found[name] for name in values} == pytest.approx(values, rel=1e-4)
    assert why_not(clinic(**fields)) == ""


@pytest.mark.parametrize(
    ("preempt", "rates", "servers", "waits"),
    [
        ("no", (0.3, 0.5), 1, (1.142857, 5.714286)),
        ("resume", (0.3, 0.5), 1, (0.428571, 6.142857)),
        ("no", (0.32, 1.28), 2, (0.423280, 2.116402)),
    ],
)
def test_priorities(
    preempt: str, rates: tuple[float, float], servers: int, waits: tuple[float, float]
) -> None:
    queue = {"order": "priority", "preempt": preempt}
    station = clinic(
        classes=two_classes(rates), service=exponential(1), servers=servers, queue=queue
    )
    model, found = solved(station)
    assert model.startswith(f"M/M/{servers}, 2 priorities")
    assert [found[f"wait.desk.mean{{class=c{k}}}"] for k in (0, 1)] == pytest.approx(
        waits, rel=1e-5
    )
    mean = sum(rate * wait for rate, wait in zip(rates, waits, strict=True)) / sum(rates)
    assert found["wait.desk.mean"] == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("preempt", ["no", "resume"])
def test_classes_of_one_priority_share_a_level(preempt: str) -> None:
    # The level's service is a mixture; who takes longer is interrupted longer.
    services = [{"desk": exponential(1)}, {"desk": exponential(2)}, {"desk": "4 min"}]
    station = clinic(
        classes=[
            {"id": f"c{k}", "arrivals": per_min(0.1), "priority": min(k, 1), "service": service}
            for k, service in enumerate(services)
        ],
        queue={"order": "priority", "preempt": preempt},
        horizon="20000 min",
    )
    _, found = solved(station)
    waits = {name: value for name, value in found.items() if "{" in name}
    assert len(waits) == 3
    assert (waits["wait.desk.mean{class=c1}"] < waits["wait.desk.mean{class=c2}"]) == (
        preempt == "resume"
    )
    assert_agrees(station, waits, replications=8, within=0.5)


@pytest.mark.parametrize(
    ("queue", "diseased", "healthy"),
    [
        ({"order": "ai", "preempt": "resume"}, 6.3551, 43.7383),
        ({"order": "flag", "preempt": "resume"}, 6.3551, 43.7383),
        ({"order": "ai"}, 13.0841, 42.9907),
        ({"order": "fifo"}, 40.0, 40.0),
    ],
    ids=str,
)
def test_ai_triage(queue: dict[str, str], diseased: float, healthy: float) -> None:
    desk = node("desk", "server", exponential(10), queue=queue)
    pathway = [{"id": "ai", "twin": "score", "then": "desk"}, desk]
    room = clinic(arrivals=per_min(0.08), cases=AI, pathway=pathway)
    _, found = solved(room)
    assert found["wait.desk.mean{truth=malignant}"] == pytest.approx(diseased, rel=1e-4)
    assert found["wait.desk.mean{truth=benign}"] == pytest.approx(healthy, rel=1e-4)
    # With interruption or without, exponential services keep the mean over all.
    assert found["wait.desk.mean"] == pytest.approx(40.0)


def test_a_threshold_turns_an_ai_into_flags() -> None:
    cases = AI | {"ai": {"roc": [{"fpr": 0.05, "tpr": 0.6}, {"fpr": 0.2, "tpr": 0.9}]}}

    def waits(order: str, threshold: float) -> dict[str, float]:
        desk = node("desk", "server", exponential(10), queue=order)
        pathway = [{"id": "ai", "twin": "score", "then": "desk"}, desk]
        decision = {"threshold": threshold}
        return solved(
            clinic(arrivals=per_min(0.08), cases=cases, pathway=pathway, decision=decision)
        )[1]

    flagged = theory.ai_triage(0.08, 0.1, 0.1, 0.6, 0.05, "nonpreemptive")
    found = waits("flag", 0.4)
    assert found["wait.desk.mean{truth=malignant}"] == pytest.approx(flagged.diseased_wait)
    assert found["wait.desk.mean{flagged=yes}"] == pytest.approx(flagged.flagged.wait)
    assert waits("ai", 0.4)["wait.desk.mean{truth=malignant}"] < flagged.diseased_wait


def test_a_network() -> None:
    network = clinic(
        arrivals=per_min(1.0),
        pathway=[
            node("a", "nurse", exponential(1 / 3), then="lab"),
            {"id": "lab", "delay": "45 min", "then": "b"},
            node("b", "doctor", exponential(0.25), then={"a": 0.5, "end": "otherwise"}),
        ],
        staff={"nurse": 1, "doctor": 1},
    )
    model, found = solved(network)
    assert model == "a: M/M/1, b: M/M/1, lab: M/G/∞"
    assert found["number.a.mean"] == pytest.approx(2.0)
    assert found["number.b.mean"] == pytest.approx(1.0)
    assert found["number_in_system.mean"] == pytest.approx(2.0 + 1.0 + 2 * 45)
    assert found["time_in_system.mean"] == pytest.approx(93)
    assert found["throughput.per_h"] == 60


def test_what_follows_a_solvable_station_may_not_be_solvable() -> None:
    chain = clinic(
        arrivals=per_min(0.5),
        pathway=[
            node("a", "nurse", then="b"),
            node("b", "doctor", "1 min", then="c"),
            node("c", "porter"),
        ],
        staff={"nurse": 1, "doctor": 1, "porter": 1},
    )
    found = exact(chain)
    assert found is not None
    assert (found.model, found.why_not) == (
        "a: M/M/1, b: M/G/1",
        {"c": "what leaves 'b' is no Poisson stream"},
    )
    assert "wait.c.mean" not in found.values
    assert "number_in_system.mean" not in found.values
    assert why_not(chain) == "c: what leaves 'b' is no Poisson stream"


def test_a_condition_leaves_what_comes_before_it_solvable() -> None:
    desk = node("desk", "server", decides="alone", then={"more": "referred", "end": "otherwise"})
    referring = clinic(
        arrivals=per_min(0.5),
        cases={"source": "nominal", "population": {}},
        pathway=[desk, node("more", "doctor")],
        staff={"server": 1, "doctor": 1},
    )
    found = exact(referring)
    assert found is not None
    assert found.model == "M/M/1"
    assert found.values["wait.desk.mean{truth=malignant}"] == pytest.approx(1.0)
    assert found.why_not == {"more": "'referred' decides who comes from 'desk'"}


def test_shared_staff_and_joint_staff() -> None:
    shared = clinic(
        classes=[
            {"id": "a", "arrivals": per_min(0.3)},
            {"id": "b", "arrivals": per_min(0.2), "enter": "room"},
        ],
        pathway=[node("desk", "server"), node("room", "server", exponential(2))],
    )
    model, found = solved(shared)
    assert model == "M/G/1"
    assert [found[f"wait.{name}.mean"] for name in ("desk", "room")] == pytest.approx([11 / 3] * 2)
    both = clinic(
        arrivals=per_min(1.4),
        pathway=[node("desk", ["nurse", "room"])],  # type: ignore[arg-type]
        staff={"nurse": 3, "room": 2},
    )
    model, found = solved(both)
    assert model == "M/M/2"
    assert found["utilisation.nurse"] == pytest.approx(1.4 / 3)
    assert found["utilisation.room"] == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"arrivals": per_min(0.5), "horizon": None, "cases": {"source": "nominal", "count": 9}},
         "arrivals end after a number of patients"),
        ({"arrivals": per_min(0.5) | {"profile": "weekday-clinic"}}, "changes with the hour"),
        ({"arrivals": per_min(0.2) | {"batch": 2}}, "patients come in groups"),
        ({"arrivals": {"gap": {"gamma": {"mean": "2 min", "sd": "1 min"}}}}, "no Poisson process"),
        ({"arrivals": {"gap": "2 min"}}, "service is not exponential"),
        ({"arrivals": {"gap": "1 min"}, "service": exponential(1), "servers": 2}, "fifo server"),
        ({"arrivals": per_min(0.5), "servers": 2, "service": {"gamma": {"mean": "1 min",
          "sd": "2 min"}}}, "2 servers and a service that is neither exponential nor constant"),
        ({"arrivals": per_min(0.5), "queue": {"balk": {"at_length": 3}}}, "turn away"),
        ({"arrivals": per_min(0.5), "queue": {"room": 2}}, "service is not exponential"),
        ({"arrivals": per_min(0.5), "queue": {"patience": "3 min"}}, "patience is not exponential"),
        ({"arrivals": per_min(0.5), "queue": {"overdue_after": "3 min"}}, "how long somebody has"),
        ({"arrivals": per_min(2), "allow_unstable": True}, "no steady state"),
        ({"arrivals": per_min(0.1), "staff": {"server": {"count": 1, "roster":
          "daily 08:00-20:00"}}}, "people on duty changes"),
        ({"arrivals": per_min(0.1), "staff": {"server": {"count": 2, "absent": [{"from": "1 h",
          "for": "1 h"}]}}}, "people on duty changes"),
        ({"arrivals": per_min(0.1), "clock": "real"}, "on the real clock"),
        ({"arrivals": {"replay": {"times": [0, 1]}}}, "appointments or a log"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_not_solvable_says_why(fields: dict[str, Any], words: str) -> None:
    scenario = clinic(**fields)
    assert exact(scenario) is None
    assert words in why_not(scenario)


def test_an_unequal_mixture_at_several_servers_is_not_solvable() -> None:
    station = clinic(
        classes=two_classes((0.5, 0.5), service=[{"desk": exponential(1)}, {"desk": "1 min"}]),
        servers=2,
    )
    assert exact(station) is None


def test_a_heavy_tail_is_no_number() -> None:
    tail = {"loglogistic": {"median": "0.2 min", "shape": 1.5}}
    station = clinic(arrivals=per_min(0.5), service=tail)
    assert exact(station) is None
    assert "spread" in why_not(station)
