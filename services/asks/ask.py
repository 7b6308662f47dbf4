"""What is asked: why the stack answered as it did on one case, by one method."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from services.bus.codec import decode
from twin.errors import EventError
from twin.events import CaseArrived, StackPromoted, VerdictIssued
from twin.log import SCHEMA_OF, encode

_KEY_HEX: Final = 40  # digits of a digest that tell images apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One explanation, asked for as the log has the case: the events hold all that counts."""

    arrived: CaseArrived
    verdict: VerdictIssued
    promoted: StackPromoted | None  # the version that answered; None for the model's own stack
    method: str  # of `twin.explain.methods.METHODS`
    checked: bool = False  # with deletion and insertion

    @property
    def key(self) -> str:
        """What the explanation hangs on, and nothing else: image, model, stack, who was missing.

        Cases of the same image share it. The stack's digest is there because another log may
        have another stack of the same number.
        """
        image = json.dumps(asdict(self.arrived.image), sort_keys=True, allow_nan=False)
        digest = hashlib.sha256(image.encode()).hexdigest()[:_KEY_HEX]
        stack = str(self.verdict.stack)
        if self.promoted is not None:
            stack += f"-{self.promoted.digest[:12]}"
        absent = "+".join(sorted(self.verdict.missing)) or "none"
        checked = "checked" if self.checked else "plain"
        return ":".join((digest, self.verdict.model_id, stack, absent, self.method, checked))


def encoded(ask: Ask, reply_to: str, deadline_unix_s: float) -> bytes:
    """Return what goes into the list of asks.

    Parameters:
        reply_to: the list that answers go into.
        deadline_unix_s: from then on, nobody waits.
    """
    promoted = None if ask.promoted is None else encode(ask.promoted).decode()
    return json.dumps(
        {
            "arrived": encode(ask.arrived).decode(),
            "verdict": encode(ask.verdict).decode(),
            "promoted": promoted,
            "method": ask.method,
            "checked": ask.checked,
            "reply_to": reply_to,
            "deadline_unix_s": deadline_unix_s,
        }
    ).encode()


def decoded(raw: bytes) -> tuple[Ask, str, float]:
    """Read what `encoded` wrote: the ask, where answers go, and until when somebody waits.

    Raises:
        EventError: these are not its bytes.
    """
    try:
        told: dict[str, Any] = json.loads(raw)
        ask = Ask(
            arrived=cast(CaseArrived, _event(CaseArrived, told["arrived"])),
            verdict=cast(VerdictIssued, _event(VerdictIssued, told["verdict"])),
            promoted=None
            if told["promoted"] is None
            else cast(StackPromoted, _event(StackPromoted, told["promoted"])),
            method=str(told["method"]),
            checked=bool(told["checked"]),
        )
        return ask, str(told["reply_to"]), float(told["deadline_unix_s"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EventError(raw, f"no ask: {error}") from error


def _event(kind: type, text: str) -> object:
    return decode(SCHEMA_OF[kind], text.encode())
