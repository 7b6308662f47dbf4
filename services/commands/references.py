"""References to files that a user names on the command line."""

import hashlib
from pathlib import Path

from twin.errors import ImageError
from twin.images import FileRef


def reference_to(path: Path) -> FileRef:
    """Return a reference to a file, relative to the root of its file system.

    Raises:
        ImageError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(str(path), error.strerror or str(error)) from error
    absolute = path.resolve()
    relative = absolute.relative_to(absolute.anchor).as_posix()
    return FileRef(path=relative, sha256=hashlib.sha256(data).hexdigest())
