"""The faults of a stress run: what carries them out on a twin of ours."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from services.config import Settings
from services.deployment import Deployment
from services.embedded.servers import EmbeddedServers
from services.faults.drill import Drill
from services.faults.drill_file import DrillFile
from services.faults.hands import OwnRedis, ServerHand, StoreHand
from services.faults.injector import Injector
from services.faults.messages import Messages
from services.faults.proxy import Cable
from services.logs import Log
from services.wall_clock import VARIABLE
from simulator.language.schema import Scenario
from twin.events import CaseArrived

# Cases wait for so long before a backlog of some seconds shows: assumption.
SHOWS_S: Final = 5.0
_IN_MEMORY: Final = (
    "the embedded broker has its log in memory: restart a Kafka on disk, by KAFKA_BOOTSTRAP_SERVERS"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the twin is told of its servers, and what faults need to know of them."""

    settings: Settings
    store: EmbeddedServers | None = None  # a Redis that we run, and the deployment does not
    cables: Mapping[str, Cable] = field(default_factory=dict)


@contextmanager
def ground_for(scenario: Scenario, settings: Settings) -> Iterator[Ground]:
    """Put a cable before Redis where a fault pulls it.

    Kafka tells its clients its own address, so a cable before it is a matter of its configuration:
    such a fault is refused.
    """
    cut = any((one.action, one.target) == ("cut_off", "redis") for one in scenario.disturbances)
    if not cut:
        yield Ground(settings=settings)
        return
    with ExitStack() as stack:
        store, address = None, settings.redis
        if address is None:
            store = stack.enter_context(EmbeddedServers(kafka=False))
            address = store.redis_url
        parts = urlsplit(address)
        cable = stack.enter_context(Cable((parts.hostname or "localhost", parts.port or 6379)))
        place = parts.netloc.rpartition("@")[0]
        netloc = f"{place}@{cable.address}" if place else cable.address
        through = urlunsplit(parts._replace(netloc=netloc))
        own = settings.model_copy(update={"redis": through})
        yield Ground(settings=own, store=store, cables={"redis": cable})


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
    ground: Ground,
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
    elif ground.store is not None:
        hands["redis"] = OwnRedis(ground.store)
    # A publisher of its own: a flush tells whoever calls it what was lost, and nobody else.
    messages = Messages(twin.publisher(), recent, orders.poison)
    injector = Injector(
        twin,
        hands=hands,
        cables=ground.cables,
        orders=orders,
        messages=messages,
        refusals={} if twin.broker is None else {"restart kafka": _IN_MEMORY},
    )
    drill = Drill(
        scenario.disturbances,
        injector,
        probe,
        log,
        conditions=scenario.steady_state,
        shows_s=SHOWS_S,
    )
    return drill, messages
