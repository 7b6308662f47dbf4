"""The whole error taxonomy, ordered by whose fault it is.

Input errors are dead-lettered and the run goes on; dependency errors are retried and nothing
is committed; invariant errors stop the process. Every class takes positional arguments only
and puts its words into `__str__`, so that SimPy and pickle can rebuild it from `args`.
"""


class DermtwinError(Exception):
    """Base of everything the project raises on purpose."""


class InputError(DermtwinError):
    """What came in from outside is at fault."""


class DependencyError(DermtwinError):
    """A server, an actor or a library that we rely on did not do its part."""


class InvariantError(DermtwinError):
    """We are at fault: a law of the design does not hold."""


class ImageError(InputError):
    """An image could not be read. Arguments: reference, reason."""

    def __str__(self) -> str:
        reference, reason = self.args
        return f"image {reference}: {reason}"


class EventError(InputError):
    """Bytes that are no event. Arguments: the raw bytes, reason, and the reason's kind if known."""

    @property
    def reason(self) -> str:
        """What is wrong, in words."""
        return str(self.args[1])

    @property
    def kind(self) -> str:
        """What is wrong, in a word or two, by which people count."""
        return str(self.args[2]) if len(self.args) > 2 else "no event"

    def __str__(self) -> str:
        raw = self.args[0]
        shown = raw[:60] if isinstance(raw, bytes) else raw
        return f"not an event ({self.reason}): {shown!r}"


class VersionError(EventError):
    """An event as another version of this program writes it. Arguments: the raw bytes, reason."""


class DataError(InputError):
    """A data directory or manifest is unusable. Arguments: path, reason."""

    def __str__(self) -> str:
        path, reason = self.args
        return f"{path}: {reason}"


class ArtefactError(InputError):
    """A model artefact is missing, altered or of another format. Arguments: path, reason."""

    def __str__(self) -> str:
        path, reason = self.args
        return f"model {path}: {reason}"


class ScenarioError(InputError):
    """A scenario is not valid. Arguments: source, line (from 1, or 0 if unknown), key, reason."""

    def __str__(self) -> str:
        source, line, key, reason = self.args
        where = f"{source}:{line}" if line else f"{source}"
        return f"{where}: {key}: {reason}" if key else f"{where}: {reason}"


class SettingsError(InputError):
    """An environment variable or option is not valid. Arguments: name, value, reason."""

    def __str__(self) -> str:
        name, value, reason = self.args
        return f"{name}={value!r}: {reason}"


class IllegalTransitionError(InvariantError):
    """A move that the life-cycle table does not hold. Arguments: entity, id, state, event."""

    def __str__(self) -> str:
        entity, identifier, state, event = self.args
        return f"{entity} {identifier}: no transition from {state} on {event}"
