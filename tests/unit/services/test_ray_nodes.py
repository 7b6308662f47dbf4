"""A Ray cluster of three nodes on this machine: work is on all of them and outlives one."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster
from rich.progress import Progress
from tiny_model import patients, tiny_parts

from actors.cluster import Placement, start_ray, stop_ray
from actors.local import LocalStack
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
            # Room on each for the whole stack: an actor that has no place is waited for.
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


def test_a_stack_on_two_nodes_goes_on_when_one_of_them_is_lost(nodes: Nodes) -> None:
    lost, left = nodes.two()
    images = [patient.image for patient in patients(5, seed=8)]
    local = LocalStack(tiny_parts(), None)
    expected = local.submit(images).collect()
    local.close()
    placement = Placement(replicas={"stem": 2}, cpus={"stem": 1.0}, stem_threads=1)
    system = ActorSystem(tiny_parts(), None, placement=placement, on_change=lambda _: None)
    try:
        system.supervisor.await_ready()
        seats = system.supervisor.seats
        before = {name: node_of(seat.actor) for name, seat in seats.items()}
        assert {before["stem-1"], before["stem-2"]} == {lost.node_id, left.node_id}
        tickets = [system.submit(images) for _ in range(2)]
        nodes.lose(lost)
        tickets.append(system.submit(images))
        assert [ticket.collect() for ticket in tickets] == [expected] * 3
        restarted = {name for name, seat in seats.items() if seat.restarts}
        assert restarted == {name for name, node in before.items() if node == lost.node_id}
        assert {node_of(seat.actor) for seat in seats.values()} == {left.node_id}
    finally:
        system.close()


def node_of(actor: ray.actor.ActorHandle) -> str:
    return ray.get(actor.__ray_call__.remote(lambda _: ray.get_runtime_context().get_node_id()))
