"""Puts worker and re-stacker together: on the log of a twin, with what they stand on."""

from contextlib import ExitStack

from actors.system import ActorSystem
from services.beats import Beats
from services.logs import Log
from services.restacker import TOPICS as RESTACKER_TOPICS
from services.restacker import RestackerLoop
from services.worker import Worker
from twin.pipeline import pipeline_of
from twin.restacking.twin_loop import TwinLoop

GROUP = "worker"  # keeps how far the cases are answered


def open_worker(
    system: ActorSystem,
    kafka: str,
    prefix: str,
    *,
    threshold: float | None,
    loop: TwinLoop | None,
    batch: int,
    log: Log,
    clients: ExitStack,
    share: tuple[int, int] | None = (0, 1),
    name: str = "worker",
) -> Worker:
    """Return a worker on the stack's actors; `clients` closes what it talks through.

    Parameters:
        threshold: operating point; None: the model's own. A loop brings its own.
        loop: what happens to the stack; None where nothing does.
        share: (i, n): it reads every n-th partition; None: it joins a group of workers, whose
            broker shares the partitions out among those who are there.
        name: what its telemetry calls it.
    """
    from services.bus.kafka_group import KafkaGroupMember
    from services.bus.kafka_publisher import KafkaPublisher
    from services.bus.kafka_subscriber import KafkaSubscriber

    answers = KafkaPublisher(kafka, prefix)
    clients.callback(answers.close)
    cases = (
        KafkaGroupMember(kafka, prefix, ("cases",), GROUP)
        if share is None
        else KafkaSubscriber(kafka, prefix, ("cases",), GROUP, share)
    )
    clients.callback(cases.close)
    stacks = None
    if loop is not None and loop.decides:
        stacks = KafkaSubscriber(kafka, prefix, ("stacks",), f"{name}-stacks")
        clients.callback(stacks.close)
    return Worker(
        cases,
        answers,
        pipeline_of(system, threshold, loop),
        batch=batch,
        log=log,
        on_idle=system.supervisor.check,
        stacks=stacks,
        beats=Beats(name, system.model_id, "cases", answers.publish),
    )


def open_restacker(
    loop: TwinLoop, model_id: str, kafka: str, prefix: str, *, log: Log, clients: ExitStack
) -> RestackerLoop:
    """Return a re-stacker; `clients` closes what it talks through."""
    from services.bus.kafka_publisher import KafkaPublisher
    from services.bus.kafka_subscriber import KafkaSubscriber

    whole_log = KafkaSubscriber(kafka, prefix, RESTACKER_TOPICS, "restacker")
    clients.callback(whole_log.close)
    decisions = KafkaPublisher(kafka, prefix)
    clients.callback(decisions.close)
    beats = Beats("restacker", model_id, "epochs", decisions.publish)
    return RestackerLoop(whole_log, decisions, loop.restacker, log, beats)
