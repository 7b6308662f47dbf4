"""A Ray cluster of three nodes on this machine: work is on all of them and outlives one."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import ray
from loop_samples import meta
from ray.cluster_utils import Cluster
from rich.progress import Progress

from actors.calls import Calls
from actors.cluster import Placement, start_ray, stop_ray
from actors.hosts import MetaHost
from actors.parts import Parts
from actors.seat import Seat
from actors.supervisor import Supervisor
from actors.system import ActorSystem
from services.config import Settings
from services.console import Bars
from services.experiments.nominal import Runner
from services.runs import RunOrder, run_scenario

pytestmark = pytest.mark.slow
_STORE_BYTES = 80 * 1024**2  # little above Ray's floor
CLINIC = """\
name: nodes
horizon: 26 w
replications: 12
warmup: 1 d
cases: {source: nominal, population: {prevalence: 0.2}, ai: {sensitivity: 0.9, specificity: 0.8}}
arrivals: {rate_per_h: 5}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: {exponential: {mean: 10 min}}, queue: ai, then: end}
staff: {reader: 1}
"""


class Nodes(Cluster):
    """A head without a CPU, so that all that has a share of one is on the two others, or waits."""

    def __init__(self) -> None:
        head = {"num_cpus": 0, "object_store_memory": _STORE_BYTES}
        super().__init__(initialize_head=True, head_node_args=head)

    def two(self) -> list:
        """Return two working nodes; where one was lost there is a new one."""
        while len(self.worker_nodes) < 2:
            # Room on each for what the other had: an actor that has no place is waited for.
            self.add_node(num_cpus=4, object_store_memory=_STORE_BYTES)
        return sorted(self.worker_nodes, key=lambda node: node.node_id)

    def lose(self, node: ray._private.node.Node) -> None:
        self.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    # Ray notes its latest cluster in its folder, and others on this machine would join it. The
    # name is short, as sockets are in there.
    with (
        tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("RAY_TMPDIR", folder)
        nodes = Nodes()
        nodes.two()
        start_ray(nodes.address, cpus_needed=0)
        yield nodes
        stop_ray()
        nodes.shutdown()


def test_an_experiment_is_on_all_nodes_and_a_lost_one_changes_nothing(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = nodes.two()

    note = Runner._note

    def lose_the_first(runner: Runner, node: str) -> None:
        note(runner, node)
        if len(runner.nodes) == 2 and first in nodes.worker_nodes:  # others are under way on it
            nodes.lose(first)

    monkeypatch.setattr(Runner, "_note", lose_the_first)
    order = RunOrder(text=CLINIC, source="clinic.yaml", workers=2)
    bars = Bars(Progress(disable=True))
    spread = run_scenario(order, Settings(home=tmp_path / "nodes", ray=nodes.address), bars)
    alone = run_scenario(replace(order, workers=1), Settings(home=tmp_path / "alone"), bars)
    assert first not in nodes.worker_nodes
    assert set(spread["nodes"]) == {first.node_id, second.node_id}
    assert spread["points"] == alone["points"]
    assert spread["digest"] == alone["digest"]


def test_actors_go_to_different_nodes_and_those_of_a_lost_one_are_built_elsewhere(
    nodes: Nodes,
) -> None:
    lost, left = nodes.two()
    own = meta()
    scores = {name: np.zeros(3) for name in own.learners}
    calls = Calls(Supervisor("m", lambda _: None))
    arguments = ("meta", "m", {"meta.json": own.to_bytes()})
    seats = [Seat(f"meta-{n}", MetaHost, arguments, 1.0, "SPREAD") for n in range(2)]
    try:
        for seat in seats:
            assert calls.supervisor.is_ready(seat)
        before = [node_of(seat.actor) for seat in seats]
        assert set(before) == {lost.node_id, left.node_id}
        there = seats[before.index(lost.node_id)]
        nodes.lose(lost)
        deadline_s = time.monotonic() + 90
        while not there.restarts:  # an actor outlives its node for a moment
            assert time.monotonic() < deadline_s
            sent = [calls.send(seat, scores) for seat in seats]
            answers = [calls.answer_of(call, scores) for call in sent]
            assert None not in answers
            assert len({answer[1].tobytes() for answer in answers}) == 1
            time.sleep(0.05)
        # Before Ray knows that a node is lost, it may place an actor there once more.
        assert [seat.restarts > 0 for seat in seats] == [seat is there for seat in seats]
        assert {node_of(seat.actor) for seat in seats} == {left.node_id}
    finally:
        calls.supervisor.stop()


def test_several_stems_of_a_worker_are_meant_for_different_nodes(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Supervisor, "start", Supervisor.enlist)  # no process is needed
    bare = {"stem": {}, "learners": {"knn": {}}, "meta": {}, "surrogate": {}, "reference": {}}
    parts = Parts(model_id="m", threshold=0.5, **bare)
    placement = Placement(replicas={"stem": 2})
    system = ActorSystem(parts, None, placement=placement, on_change=lambda _: None)
    seats = system.supervisor.seats
    assert {seat.name: seat.strategy for seat in seats.values()} == {
        "stem-1": "SPREAD",
        "stem-2": "SPREAD",
        "knn": "DEFAULT",
        "meta": "DEFAULT",
    }


def node_of(actor: ray.actor.ActorHandle) -> str:
    return ray.get(actor.__ray_call__.remote(lambda _: ray.get_runtime_context().get_node_id()))
