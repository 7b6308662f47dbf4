"""What the live twin is told with, made from what the paths share."""

from collections.abc import Mapping

from services.api.context import ApiContext
from services.api.idempotency import Idempotency
from services.api.teller import Teller
from services.api.telling.older import OlderCases
from services.api.telling.telling import Telling
from services.image_store import RedisBlobs
from services.upfile import UpFile


def telling_of(context: ApiContext) -> Telling:
    """Return what a twin that is up is told with; it connects when it is first used."""
    up = UpFile(context.settings.home)

    def loop() -> str | None:
        note: Mapping[str, str] | None = up.read()
        return None if note is None else note.get("at_epochs")

    return Telling(
        prefix=context.prefix,
        known=context.history,
        teller=Teller.of(context.kafka, context.prefix),
        # The prefix of `ImageStore.of`, which the twin reads them with.
        blobs=RedisBlobs(context.redis, context.settings.name),
        idempotency=context.idempotency or Idempotency(context.redis, context.prefix),
        older=OlderCases(context.redis, context.prefix).read,
        loop=loop,
    )
