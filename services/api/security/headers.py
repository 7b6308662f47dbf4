"""Headers of every answer, and which of them a path may set itself."""

from typing import Final

Header = tuple[bytes, bytes]

_POLICY: Final = (
    "default-src 'self'; "
    "img-src 'self' data: blob:; "
    "style-src 'self' 'unsafe-inline'; "  # plotly writes style attributes
    "object-src 'none'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'; "
    "form-action 'self'"
)
_FEATURES: Final = (  # of browsers; the page uses none of them
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)
# What a path sets itself stays: a page of explanations has a policy of its own, an image may be
# kept in a cache. Data of patients is kept nowhere unless a path says so.
DEFAULTS: Final[tuple[Header, ...]] = (
    (b"content-security-policy", _POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", ", ".join(f"{one}=()" for one in _FEATURES).encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


def with_defaults(headers: list[Header]) -> list[Header]:
    """Return the headers of an answer and those it has not set; none that names the server."""
    kept = [(name, value) for name, value in headers if name.lower() != b"server"]
    present = {name.lower() for name, _ in kept}
    kept.extend(pair for pair in DEFAULTS if pair[0] not in present)
    return kept
