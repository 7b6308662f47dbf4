"""`dermtwin up`: servers, actors, worker and mirror stay up until Ctrl-C."""

import signal
import sys
import threading

from services.commands.options import Batch, Json, ModelChoice, environment_settings
from services.console import emit, say, two_columns


def up(model: ModelChoice = None, batch: Batch = 64, as_json: Json = False) -> None:
    """Bring the twin up and keep it up; Ctrl-C or SIGTERM takes everything down.

    Servers are embedded unless KAFKA_BOOTSTRAP_SERVERS and REDIS_URL name others.

    Example: dermtwin up &  dermtwin status
    """
    from services.artefacts import ArtefactStore
    from services.commands.upfile import UpFile
    from services.live import live_twin
    from services.logs import open_log
    from services.parts import parts_of

    settings = environment_settings()
    artefact = ArtefactStore(settings.home).load_or_latest(model)
    stop = threading.Event()
    say(f"starting model {artefact.model_id}")
    with live_twin(
        settings,
        parts_of(artefact),
        prefix=settings.name,
        threshold=None,
        batch=batch,
        log=open_log(sys.stderr),
    ) as twin:
        addresses = {
            "kafka": twin.kafka,
            "redis": twin.redis,
            "prefix": twin.prefix,
            "model_id": artefact.model_id,
        }
        # Set now: Ray puts a handler of its own in place when it starts.
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        with UpFile(settings.home).hold(addresses):
            emit(addresses, as_json=as_json, table=two_columns("dermtwin is up", addresses))
            say("Ctrl-C takes it down")
            while not stop.wait(0.2):
                twin.check()
    say("the twin is down")
