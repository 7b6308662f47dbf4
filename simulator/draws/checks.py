"""What parameters of distributions are refused, and in which words."""

from simulator.quantities import QuantityError, format_duration

# Standard deviation per mean. Assumption: outside of it nobody has measured a duration. SciPy's
# inverse of the gamma distribution loses its digits from a shape of 1e7 on, which is 3e-4 here.
NARROWEST, WIDEST = 1e-3, 100.0


def require_time(name: str, value_min: float) -> None:
    """Refuse a time that is not above 0."""
    if not value_min > 0:
        shown = format_duration(value_min) if value_min == 0 else f"{value_min} min"
        raise QuantityError((name,), f"must be above 0, got {shown}; write a constant instead")


def require_between(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number that is not from `low` to `high`."""
    if not low <= value <= high:
        raise QuantityError((name,), f"must be from {low:g} to {high:g}, got {value:g}")


def require_spread(mean_min: float, sd_min: float) -> None:
    """Refuse a mean or a standard deviation of 0, and a ratio that nobody has measured."""
    require_time("mean", mean_min)
    require_time("sd", sd_min)
    # One part in a billion: at a limit, the products may round to either side.
    if not NARROWEST * mean_min * (1 - 1e-9) <= sd_min <= WIDEST * mean_min * (1 + 1e-9):
        reason = f"must be from {NARROWEST:g} to {WIDEST:g} times the mean"
        raise QuantityError(("sd",), f"{reason}, got {sd_min / mean_min:g}")


def require_shares(shares: tuple[float, ...], values: tuple[float, ...], of: str) -> None:
    """Refuse shares that are not one for each value, negative, or do not sum to 1."""
    if len(shares) != len(values):
        raise QuantityError(("shares",), f"{len(shares)} shares for {len(values)} {of}")
    if any(not share >= 0 for share in shares):
        raise QuantityError(("shares",), f"must be 0 or more, got {min(shares):g}")
    total = sum(shares)
    if not abs(total - 1) <= 1e-6:
        raise QuantityError(("shares",), f"sum to {total:.6g}, expected 1")
