"""Stores of encoded images: a data directory, memory, Redis, and one face over them.

All are addressed by content and verify it on every read: an image is what its reference says,
or an error. They pickle without their connections, since Ray's actors build their own.
"""

import errno
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, cast

from services.config import Settings
from twin.errors import DependencyError, ImageError, SettingsError
from twin.images import BlobRef, FileRef, ImageRef, name_of
from twin.ports import ImageReader

if TYPE_CHECKING:
    from redis import Redis

# What the system says of a path that names no file; anything else is the file system's fault.
_NO_SUCH_FILE: Final = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}
)
_PATIENCE_S: Final = (
    5.0  # assumption: a store on the same network that is silent for longer is down
)


@dataclass(frozen=True, slots=True)
class FileReader:
    """Reads images below a data directory.

    Parameters:
        root: the directory that references are relative to.
    """

    root: Path

    def read(self, ref: ImageRef) -> bytes:
        """Return a file's bytes.

        Raises:
            ImageError: no such file, a path that leads outside the directory, or another content.
            DependencyError: the file system did not deliver.
        """
        if not isinstance(ref, FileRef):
            raise ImageError(name_of(ref), "is no file reference")
        try:
            data = self._place(ref).read_bytes()
        except OSError as cause:
            if cause.errno in _NO_SUCH_FILE:
                raise ImageError(ref.path, "no such file in the data directory") from cause
            raise DependencyError(f"image {ref.path}: {cause.strerror}") from cause
        return _verified(data, ref)

    def _place(self, ref: FileRef) -> Path:
        relative = PurePosixPath(ref.path)
        if "\0" in ref.path or "\\" in ref.path:
            raise ImageError(ref.path, "is no relative path with forward slashes")
        # Real paths, so that neither .. nor a symbolic link leads out.
        root = Path(os.path.realpath(self.root))
        place = Path(os.path.realpath(root / relative))
        if relative.is_absolute() or not place.is_relative_to(root):
            raise ImageError(ref.path, "leads outside the data directory")
        return place


@dataclass(frozen=True, slots=True)
class MemoryBlobs:
    """Keeps uploaded images in memory: for tests and for runs within one process."""

    _blobs: dict[str, bytes] = field(default_factory=dict)

    def put(self, data: bytes) -> BlobRef:
        """Store an encoded image.

        >>> store = MemoryBlobs()
        >>> store.read(store.put(b"an image"))
        b'an image'
        """
        ref = _ref(data)
        self._blobs[ref.sha256] = data
        return ref

    def read(self, ref: ImageRef) -> bytes:
        """Return the bytes that were put.

        Raises:
            ImageError: there is no such image.
        """
        if not isinstance(ref, BlobRef):
            raise ImageError(name_of(ref), "is no blob reference")
        data = self._blobs.get(ref.sha256)
        if data is None:
            raise ImageError(name_of(ref), "no such upload")
        return _verified(data, ref)


@dataclass(slots=True)
class RedisBlobs:
    """Keeps uploaded images in Redis, for a time.

    It connects when it is first used. An upload outlives its case: until then it is in the log by
    reference alone.

    Parameters:
        url: of the server, such as redis://localhost:6379/0.
        prefix: of all keys.
        ttl_s: how long an upload stays, in seconds.
    """

    url: str = field(repr=False)  # may hold a password
    prefix: str
    ttl_s: int = 7 * 24 * 3600  # assumption: a case is scored within a week of its upload
    _client: "Redis | None" = field(default=None, init=False, repr=False, compare=False)

    def put(self, data: bytes) -> BlobRef:
        """Store an encoded image; storing it again prolongs its stay.

        Raises:
            DependencyError: Redis did not take it.
        """
        from redis import RedisError

        ref = _ref(data)
        try:
            self._connected().set(self._key(ref), data, ex=self.ttl_s)
        except RedisError as cause:
            raise DependencyError(f"store of uploads: {cause}") from cause
        return ref

    def read(self, ref: ImageRef) -> bytes:
        """Return the bytes that were put.

        Raises:
            ImageError: no such image, or no longer; or another content.
            DependencyError: Redis did not answer.
        """
        from redis import RedisError

        if not isinstance(ref, BlobRef):
            raise ImageError(name_of(ref), "is no blob reference")
        try:
            data = cast(bytes | None, self._connected().get(self._key(ref)))
        except RedisError as cause:
            raise DependencyError(f"store of uploads: {cause}") from cause
        if data is None:
            raise ImageError(name_of(ref), "no such upload, or its time has run out")
        return _verified(data, ref)

    def _key(self, ref: BlobRef) -> str:
        return f"{self.prefix}:blob:{ref.sha256}"

    def _connected(self) -> "Redis":
        if self._client is None:
            from services.redis_client import redis_client

            try:
                self._client = redis_client(
                    self.url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
                )
            except ValueError as cause:
                raise SettingsError("REDIS_URL", "...", str(cause)) from cause
        return self._client

    def __reduce__(self) -> tuple[type["RedisBlobs"], tuple[str, str, int]]:
        return RedisBlobs, (self.url, self.prefix, self.ttl_s)


@dataclass(frozen=True, slots=True)
class ImageStore:
    """One face over the stores: each kind of reference goes to its own.

    Parameters:
        files: reads file references; None where no data directory is configured.
        blobs: reads blob references; None where no uploads are taken.
    """

    files: ImageReader | None = None
    blobs: ImageReader | None = None

    @classmethod
    def of(cls, settings: Settings) -> "ImageStore":
        """Return the stores that the settings name."""
        return cls(
            # Resolved: an actor's working directory is another one than ours.
            files=FileReader(settings.data.resolve()) if settings.data else None,
            blobs=RedisBlobs(settings.redis, settings.name) if settings.redis else None,
        )

    def read(self, ref: ImageRef) -> bytes:
        """Return the encoded image behind a file or blob reference.

        Raises:
            ImageError: no store for such references, no such image, or another content.
            DependencyError: the store did not answer.
        """
        if isinstance(ref, FileRef):
            if self.files is None:
                raise ImageError(name_of(ref), "no data directory is configured (DERMTWIN_DATA)")
            return self.files.read(ref)
        if isinstance(ref, BlobRef):
            if self.blobs is None:
                raise ImageError(name_of(ref), "no store of uploads is configured")
            return self.blobs.read(ref)
        raise ImageError(name_of(ref), "is rendered, not read")


def _ref(data: bytes) -> BlobRef:
    return BlobRef(sha256=hashlib.sha256(data).hexdigest())


def _verified(data: bytes, ref: FileRef | BlobRef) -> bytes:
    found = hashlib.sha256(data).hexdigest()
    if found != ref.sha256:
        raise ImageError(name_of(ref), f"sha256 is {found[:12]}..., not {ref.sha256[:12]}...")
    return data
