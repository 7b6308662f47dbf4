"""The faults of a stress run: what carries them out on a twin of ours."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.deployment import Deployment
from services.faults.drill import Drill
from services.faults.drill_file import DrillFile
from services.faults.hands import ServerHand, StoreHand
from services.faults.injector import Injector
from services.faults.messages import Messages
from services.logs import Log
from services.wall_clock import VARIABLE
from simulator.language.schema import Scenario
from twin.events import CaseArrived

_IN_MEMORY: Final = (
    "the embedded broker has its log in memory: restart a Kafka on disk, by KAFKA_BOOTSTRAP_SERVERS"
)


@contextmanager
def orders_to_twin(scenario: Scenario, folder: Path) -> Iterator[DrillFile | None]:
    """Have the twin that is started in the block obey a file; None where nothing goes wrong."""
    if not scenario.disturbances:
        yield None
        return
    orders = DrillFile((folder / "drill.json").resolve())
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(orders.path)
    try:
        yield orders
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
        orders.clear()


def drill_on(
    twin: Deployment,
    scenario: Scenario,
    orders: DrillFile,
    recent: Callable[[], Sequence[CaseArrived]],
    probe: Callable[[], Mapping[str, float]],
    log: Log,
) -> tuple[Drill, Messages]:
    """Return a drill that was not begun, and what it sends.

    Parameters:
        recent: the cases that the load has sent last.
    """
    hands: dict[str, ServerHand] = {}
    if twin.store is not None:
        hands["redis"] = StoreHand(twin.store)
    # A publisher of its own: a flush tells whoever calls it what was lost, and nobody else.
    messages = Messages(twin.publisher(), recent, orders.poison)
    injector = Injector(
        twin,
        hands=hands,
        orders=orders,
        messages=messages,
        refusals={} if twin.broker is None else {"restart kafka": _IN_MEMORY},
    )
    drill = Drill(scenario.disturbances, injector, probe, log, conditions=scenario.steady_state)
    return drill, messages
