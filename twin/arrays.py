"""Arrays and their bytes: the same arrays always give the same bytes, and never a pickle."""

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import ArtefactError

Arrays = Mapping[str, NDArray[Any]]

# NumPy's own writer stamps members with the time of day; the zip format's first date does not.
_DATE: Final = (1980, 1, 1, 0, 0, 0)


def pack(arrays: Arrays) -> bytes:
    """Return the bytes of an .npz file that `numpy.load` reads.

    >>> pack({"a": np.arange(3)}) == pack({"a": np.arange(3)})
    True
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            member = zipfile.ZipInfo(f"{name}.npy", _DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w") as file:
                np.lib.format.write_array(file, np.asarray(arrays[name]), allow_pickle=False)
    return buffer.getvalue()


def peek(content: bytes, name: str, array: str) -> NDArray[Any] | None:
    """Return one array of what `pack` wrote, without reading the others; None if it has no such.

    Raises:
        ArtefactError: these are not its bytes; `name` is named.
    """
    with _opened(content, name) as arrays:
        return arrays[array] if array in arrays.files else None


def unpack(content: bytes, name: str) -> dict[str, NDArray[Any]]:
    """Read what `pack` wrote.

    Raises:
        ArtefactError: these are not its bytes; `name` is named.
    """
    with _opened(content, name) as arrays:
        return {key: arrays[key] for key in arrays.files}


@contextmanager
def _opened(content: bytes, name: str) -> Iterator[Any]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            yield arrays
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ArtefactError(name, f"not a file of arrays: {error}") from error
