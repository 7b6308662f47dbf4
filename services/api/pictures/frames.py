"""Messages between the API and the process that renders: a JSON head and bytes."""

import json
import struct
from typing import IO, Any, Final

_LENGTHS: Final = struct.Struct(">II")  # of head and body, bytes

Frame = tuple[dict[str, Any], bytes]


def send(stream: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
    """Write one message.

    Raises:
        OSError: nobody reads any more.
    """
    written = json.dumps(head, allow_nan=False).encode()
    stream.write(_LENGTHS.pack(len(written), len(body)) + written + body)
    stream.flush()


def receive(stream: IO[bytes]) -> Frame | None:
    """Read one message; None where the stream ended, between messages or within one.

    >>> import io
    >>> pipe = io.BytesIO()
    >>> send(pipe, {"a": 1}, b"xyz")
    >>> _ = pipe.seek(0)
    >>> receive(pipe), receive(pipe)
    (({'a': 1}, b'xyz'), None)
    """
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_size, body_size = _LENGTHS.unpack(lengths)
    whole = stream.read(head_size + body_size)
    if len(whole) < head_size + body_size:
        return None
    return json.loads(whole[:head_size]), whole[head_size:]
