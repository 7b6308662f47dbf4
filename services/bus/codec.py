"""Bytes from the log to events: the boundary where strangers' data enters.

The other direction is `twin.log.encode`; for every event `decode(schema, encode(event)) == event`,
and what `encode` wrote comes out byte for byte when it is encoded again (in the present version,
if it was of an earlier one).
"""

import re
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from services.bus.bounds import fault_of
from twin.errors import EventError, VersionError
from twin.events import Event
from twin.log import SCHEMA_OF, STILL_READ, TOPIC_OF

_KIND_OF: Final[dict[str, type]] = {schema: kind for kind, schema in SCHEMA_OF.items()} | {
    schema: kind for schema, (kind, _) in STILL_READ.items()
}
_VERSION: Final = re.compile(r"[0-9]{1,9}")
_RENAMED: Final = {"CaseRead": "CaseClosed"}  # events of earlier versions, and what they are now
_LINE: Final = re.compile(rb'\{"topic":"([^"]*)","schema":"([^"]*)","event":(.*)\}\n?', re.DOTALL)
_ADVICE: Final = (
    "Read the log with the version that wrote it, or run its scenario again with this one"
)
# Kinds of faults, as people count them.
NO_JSON: Final = "not JSON"
WRONG_VERSION: Final = "wrong version"
WRONG_FIELDS: Final = "wrong fields"
OUT_OF_BOUNDS: Final = "out of bounds"
# The configuration is an attribute of the type, whose attributes pydantic goes through meanwhile:
# two threads that build at once would meet there.
_BUILDING: Final = threading.Lock()
# Nothing is converted: "1" is no number, and what is not a field is an error.
_STRICT: Final = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@lru_cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    """Build the validator of an event type; about 20 ms, so only for types that come."""
    with _BUILDING:
        return TypeAdapter(with_config(_STRICT)(kind))


def decode(schema: str, raw: bytes) -> Event:
    """Return the event that the bytes hold.

    Parameters:
        schema: name and version, from the message's header. Of some events earlier versions are
            read, too (`twin.log.STILL_READ`); what they lack has its default.
        raw: JSON.

    Raises:
        VersionError: another version of this program wrote it; the reason says which.
        EventError: with the bytes and the reason.

    >>> decode("CaseRejected/1", b'{"at_min":2.0,"case_id":"c1","reason":"no image"}').case_id
    'c1'
    """
    kind = _KIND_OF.get(schema)
    if kind is None:
        raise _unknown(schema, raw)
    try:
        event: Event = _adapter(kind).validate_json(raw)
    except ValidationError as error:
        reason, what = _reason(error)
        raise EventError(raw, f"{schema}: {reason}", what) from error
    if schema in STILL_READ and (new := [n for n in STILL_READ[schema][1] if getattr(event, n)]):
        raise EventError(raw, f"{schema}: {new[0]}: is no field of this version", WRONG_FIELDS)
    if (fault := fault_of(event)) is not None:
        raise EventError(raw, f"{schema}: {fault}", OUT_OF_BOUNDS)
    return event


def _unknown(schema: str, raw: bytes) -> EventError:
    """Return why bytes of a schema that is not known are no event of this version."""
    if not schema:
        return EventError(raw, "schema '' names no event", "no schema")
    name, _, version = schema.partition("/")
    today, shown = _RENAMED.get(name, name), repr(schema[:80])
    read = [one for one in _KIND_OF if one.partition("/")[0] == today]
    if not read:
        return EventError(raw, f"schema {shown} is none of {', '.join(_KIND_OF)}", "wrong schema")
    if not _VERSION.fullmatch(version):
        return EventError(raw, f"schema {shown} is not {' or '.join(read)}", WRONG_VERSION)
    later = today == name and int(version) > max(int(one.partition("/")[2]) for one in read)
    writer = "a later" if later else "an earlier"
    reads = f"this one reads {' and '.join(read)}"
    told = f"schema {shown} is of {writer} version of dermtwin; {reads}"
    return VersionError(raw, told, WRONG_VERSION)


def _reason(error: ValidationError) -> tuple[str, str]:
    """Return the first error that says something, and its kind.

    An image that fits none of the references yields an error for each; those of references of
    another kind are noise.
    """
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    wrong_kind = {item["loc"][:-1] for item in errors if item["loc"][-1:] == ("kind",)}
    telling = [item for item in errors if not any(item["loc"][: len(w)] == w for w in wrong_kind)]
    first = (telling or errors)[0]
    # A field's name may be a stranger's, too.
    where = ".".join(str(part)[:80] for part in first["loc"][:8])
    if not where:
        return str(first["msg"])[:300], NO_JSON if first["type"] == "json_invalid" else WRONG_FIELDS
    what = OUT_OF_BOUNDS if first["type"] == "finite_number" else WRONG_FIELDS
    return f"{where}: {first['msg'][:300]}", what


def read_log(lines: Iterable[bytes]) -> Iterator[Event]:
    """Yield the events of a log file that `twin.log.line` wrote.

    Raises:
        EventError: with the line and, in the reason, its number.
    """
    for number, text in enumerate(lines, start=1):
        match = _LINE.fullmatch(text)
        if match is None:
            raise EventError(text, f"line {number}: expected topic, schema and event")
        topic, schema, raw = match.groups()
        try:
            event = decode(schema.decode(), raw)
        except (EventError, UnicodeDecodeError) as error:
            reason = error.args[1] if isinstance(error, EventError) else "schema is not UTF-8"
            if isinstance(error, VersionError):
                raise VersionError(text, f"line {number}: {reason}. {_ADVICE}") from error
            raise EventError(text, f"line {number}: {reason}") from error
        if TOPIC_OF[type(event)].encode() != topic:
            raise EventError(
                text, f"line {number}: {schema.decode()} does not belong to that topic"
            )
        yield event
