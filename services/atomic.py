"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_text(file: Path, text: str, mode: int = 0o644) -> None:
    """Write a text file in UTF-8; what was there stays until the new one is complete.

    Parameters:
        file: to write.
        text: of the file.
        mode: who may read it; by default everybody, for data is for sharing.

    Raises:
        OSError: the directory cannot be written to.
    """
    write_bytes(file, text.encode(), mode)


def write_bytes(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file; what was there stays until the new one is complete.

    Raises:
        OSError: the directory cannot be written to.
    """
    handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    staging = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        staging.chmod(mode)  # mkstemp keeps everybody else out
        staging.replace(file)
    except BaseException:
        staging.unlink(missing_ok=True)
        raise
