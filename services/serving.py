"""Worker and re-stacker as processes of their own: what `dermtwin worker` and `restacker` do."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from services.bus.topics import TOPICS
from services.child import asked_to_stop, restarts_before
from services.config import Settings
from services.logs import Log
from services.parts import loop_of, parts_of
from services.stages import open_restacker, open_worker
from services.watch import Watch
from twin.errors import SettingsError
from twin.lifecycle import ComponentState
from twin.model import Model
from twin.restacking.twin_loop import TwinLoop


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a worker stands among others."""

    name: str  # of the worker, in telemetry
    share: tuple[int, int] | None  # (i, n), i from 0; None: the group's broker says

    @property
    def tag(self) -> str:
        """What goes before the names of its actors."""
        rest = self.name.removeprefix("worker").removeprefix("-")
        return "" if not rest else f"w{rest}." if rest.isdigit() else f"{rest}."


def place_of(share: str | None, name: str | None) -> Place:
    """Return the place that options of the command line name.

    Raises:
        SettingsError: the share is not I/N.

    >>> place_of("2/2", None)
    Place(name='worker-2', share=(1, 2))
    """
    if share is None:
        return Place(name=name or f"worker-{socket.gethostname()}", share=None)
    turn, sign, workers = share.partition("/")
    if not (sign and turn.isdigit() and workers.isdigit() and 1 <= int(turn) <= int(workers)):
        raise SettingsError("--share", share, "expected I/N with I from 1 to N, such as 1/2")
    named = "worker" if workers == "1" else f"worker-{turn}"
    return Place(name=name or named, share=(int(turn) - 1, int(workers)))


def serve_cases(
    settings: Settings,
    artefact: Model,
    loop: TwinLoop | None,
    place: Place,
    *,
    batch: int,
    log: Log,
) -> None:
    """Answer cases until SIGTERM or Ctrl-C.

    Raises:
        DependencyError: Kafka, Ray or a component stayed away; nothing is committed beyond what
            was published.
    """
    from services.bus.kafka_publisher import KafkaPublisher
    from services.bus.kafka_topics import ensure_topics
    from services.image_store import ImageStore
    from services.ray_stack import ray_stack, sustained

    kafka = log_of(settings)
    workers = place.share[1] if place.share else 1
    with ExitStack() as clients:
        watch = Watch()
        # The actors load while the rest of this is done.
        system = clients.enter_context(
            ray_stack(
                settings,
                parts_of(artefact),
                ImageStore.of(settings),
                watch,
                sustained(settings, workers),
                place.tag,
            )
        )
        stop = asked_to_stop()  # now: Ray puts a handler of its own in place when it starts
        ensure_topics(kafka, settings.name, TOPICS, settings.partitions)
        telling = KafkaPublisher(kafka, settings.name)
        clients.callback(telling.close)
        watch.pass_on(telling.publish)
        worker = open_worker(
            system,
            kafka,
            settings.name,
            threshold=None,
            loop=loop,
            batch=batch,
            log=log,
            clients=clients,
            share=place.share,
            name=place.name,
        )
        worker.beats.restarts = restarts_before()
        worker.beats.tell(ComponentState.STARTING, "waits for the components")
        system.supervisor.await_ready()
        worker.run(stop)


def serve_epochs(settings: Settings, artefact: Model, loop: TwinLoop, *, log: Log) -> None:
    """Decide at epochs until SIGTERM or Ctrl-C.

    Raises:
        DependencyError: Kafka stayed away.
    """
    from services.bus.kafka_topics import ensure_topics

    kafka, stop = log_of(settings), asked_to_stop()
    with ExitStack() as clients:
        ensure_topics(kafka, settings.name, TOPICS, settings.partitions)
        restacker = open_restacker(
            loop, artefact.model_id, kafka, settings.name, log=log, clients=clients
        )
        restacker.beats.restarts = restacker.restarts = restarts_before()
        restacker.run(stop)


def loop_to_serve(scenario: Path, artefact: Model) -> TwinLoop:
    """Return what a scenario says of the loop.

    Raises:
        SettingsError: it says nothing of it.
    """
    from services.commands.scenario_files import read_scenario
    from simulator.language.scenario import load

    loop = loop_of(load(read_scenario(scenario), str(scenario)), artefact)
    if loop is None or not loop.decides:
        reason = "has neither restack nor drift: leave the option out"
        raise SettingsError("--scenario", str(scenario), reason)
    return loop


def log_of(settings: Settings) -> str:
    """Return the address of the log.

    Raises:
        SettingsError: there is none.
    """
    if settings.kafka is None:
        reason = "is not set: it reads a twin's log; `dermtwin up` has one"
        raise SettingsError("KAFKA_BOOTSTRAP_SERVERS", "", reason)
    return settings.kafka
