"""Durations with a sign, for times relative to an appointment: negative is early."""

from simulator.quantities import QuantityError, format_duration, parse_duration


def parse_signed_duration(value: object) -> float:
    """Return a duration in minutes, which a minus sign makes negative.

    Raises:
        QuantityError: not a number with a unit, with or without a sign.

    >>> parse_signed_duration("-5 min"), parse_signed_duration("+30 s"), parse_signed_duration("1h")
    (-5.0, 0.5, 60.0)
    """
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text[:1] in ("-", "+"):
        try:
            minutes = parse_duration(text[1:])
        except QuantityError as error:
            raise QuantityError((), error.args[1].replace(repr(text[1:]), repr(text))) from error
        return -minutes if text[0] == "-" else minutes
    return parse_duration(value)


def format_signed_duration(minutes: float) -> str:
    """Return a duration as `parse_signed_duration` reads it back.

    >>> format_signed_duration(-5.0), format_signed_duration(0.5)
    ('-5 min', '30 s')
    """
    return f"-{format_duration(-minutes)}" if minutes < 0 else format_duration(minutes)
