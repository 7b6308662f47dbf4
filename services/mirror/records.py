"""Messages of the bus as records of the log."""

from services.bus.port import Message
from services.bus.reading import read_or_none
from twin.state import Record


def record_of(message: Message) -> Record:
    """Return a message as a record of the log; without an event if its bytes are none."""
    event = read_or_none(message)
    return Record(message.topic, message.partition, message.offset, event, message.sent_unix_ms)
