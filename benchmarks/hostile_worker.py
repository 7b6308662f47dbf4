"""The real worker of the benchmark `hostile`, as a process of its own."""

import sys
import threading

from actors.local import LocalStack
from benchmarks.known_answers import KnownAnswers
from services.artefacts import ArtefactStore
from services.beats import Beats
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.child import end_with_parent
from services.commands.options import environment_settings
from services.logs import open_log
from services.parts import parts_of
from services.worker import Worker
from twin.pipeline import Pipeline


def main() -> None:
    """Serve until standard input ends."""
    settings = environment_settings()
    assert settings.kafka is not None
    end_with_parent()
    model = ArtefactStore(settings.home).load_or_latest(None)
    stack = KnownAnswers(LocalStack(parts_of(model), None))
    publisher = KafkaPublisher(settings.kafka, settings.name)
    worker = Worker(
        KafkaSubscriber(settings.kafka, settings.name, ("cases",), "worker"),
        publisher,
        Pipeline(stack),
        batch=64,
        log=open_log(sys.stderr),
        beats=Beats("worker", model.model_id, "cases", publisher.publish),
    )
    worker.run(threading.Event())


if __name__ == "__main__":
    main()
