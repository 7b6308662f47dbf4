"""Chooses the stores of images that the settings name."""

from services.config import Settings
from services.image_store import FileReader, ImageStore, RedisBlobs


def image_store(settings: Settings) -> ImageStore:
    """Return a store over the data directory and, where a Redis is named, its uploads."""
    return ImageStore(
        files=FileReader(settings.data.absolute()) if settings.data else None,
        blobs=RedisBlobs(settings.redis, settings.name) if settings.redis else None,
    )
