"""`dermtwin mirror`: the mirror of a log in Redis, as a process of its own."""

import sys
from typing import Annotated

import typer

from services.commands.options import environment_settings
from services.console import say

Delay = Annotated[
    float,
    typer.Option(
        "--delay-s",
        min=0,
        max=3600,
        help="Fold each record so many seconds late, to see what people see then.",
    ),
]
WithParent = Annotated[
    bool,
    typer.Option(hidden=True, help="End when standard input ends: `dermtwin up` starts it so."),
]


def mirror(delay_s: Delay = 0.0, with_parent: WithParent = False) -> None:
    """Fold a twin's log into Redis until Ctrl-C; `dermtwin up` starts one of its own.

    It needs KAFKA_BOOTSTRAP_SERVERS and REDIS_URL, and takes up where the mirror in Redis is; an
    empty Redis is filled from the log's beginning. One mirror at a time. What it cannot use goes to
    the dead letters: see `dermtwin dead-letters list`.

    Example: KAFKA_BOOTSTRAP_SERVERS=localhost:9092 REDIS_URL=redis://localhost:6379 dermtwin mirror
    """
    from services.bus.kafka_publisher import KafkaPublisher
    from services.bus.kafka_subscriber import KafkaSubscriber
    from services.bus.kafka_topics import ensure_topics
    from services.bus.topics import MIRRORED, TOPICS
    from services.child import asked_to_stop, end_with_parent
    from services.dead_letters.keeper import Letters
    from services.logs import open_log
    from services.mirror.judge import Judge
    from services.mirror.loop import Mirror
    from services.mirror.redis_mirror import RedisMirror
    from twin.errors import SettingsError

    settings = environment_settings()
    for name, value in (("KAFKA_BOOTSTRAP_SERVERS", settings.kafka), ("REDIS_URL", settings.redis)):
        if value is None:
            raise SettingsError(name, "", "is not set: a mirror needs a log and a Redis")
    assert settings.kafka is not None and settings.redis is not None
    if with_parent:
        end_with_parent()
    stop = asked_to_stop()
    ensure_topics(settings.kafka, settings.name, TOPICS)
    subscriber = KafkaSubscriber(settings.kafka, settings.name, MIRRORED, "mirror")
    kept = RedisMirror(settings.redis, settings.name)
    publisher = KafkaPublisher(settings.kafka, settings.name)
    log = open_log(sys.stderr)
    loop = Mirror(
        subscriber,
        kept,
        judge=Judge(Letters(publisher, "mirror", log)),
        delay_s=delay_s,
        tell=lambda words: log.warning("mirror", because=words),
    )
    log.info("mirror", prefix=settings.name, delay_s=delay_s)
    try:
        loop.run(stop)
    finally:
        subscriber.close()
        publisher.close()
        kept.close()
    say("the mirror is down")
