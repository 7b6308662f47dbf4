"""Checksums of many files."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

Progress = Callable[[str, int, int], None]
_THREADS: Final = 4  # assumption: hashing releases the interpreter, and disks like a few readers


def sha256_of_file(file: Path) -> str:
    """Return the sha256 of a file's bytes, hex.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checksums(
    root: Path, paths: Sequence[str], on_progress: Progress | None = None
) -> Iterator[str | OSError]:
    """Yield the sha256 of each file in turn, or why it cannot be read."""

    def one(path: str) -> str | OSError:
        try:
            return sha256_of_file(root / path)
        except OSError as error:
            return error

    with ThreadPoolExecutor(_THREADS) as pool:
        for done, found in enumerate(pool.map(one, paths), start=1):
            if on_progress is not None:
                on_progress("checksums", done, len(paths))
            yield found
