from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from simulator.language.arrivals import (
    ARRIVAL_VARIANTS,
    AppointmentArrivals,
    ArrivalForm,
    ArrivalSpec,
    PoissonArrivals,
    RenewalArrivals,
    ReplayArrivals,
)
from simulator.language.profiles import NAMED, hourly_factors
from simulator.language.slots import AppointmentSpec, format_signed, parse_signed
from simulator.quantities import QuantityError

ADAPTER: TypeAdapter[ArrivalForm] = TypeAdapter(ArrivalSpec)
POISSON: dict[str, Any] = {"rate_per_h": 6}
BOOKED: dict[str, Any] = {"every": "15 min", "during": "Mon-Fri 08:00-16:00"}
EXAMPLES: list[dict[str, Any]] = [
    POISSON,
    {"rate_per_d": 40, "profile": "weekday-clinic", "no_show": "8 %"},
    {"rate_per_h": 1, "profile": [0] * 8 + [1.5] * 9 + [0] * 7, "batch": 2},
    {"rate_per_h": 1, "profile": list(range(168)), "batch": {"mean": 2.5}},
    {"rate_per_h": 1, "batch": {"sizes": [1, 2, 3], "shares": [0.5, "30 %", 0.2]}},
    {"gap": {"gamma": {"mean": "10 min", "sd": "5 min"}}, "no_show": 0.1},
    {"gap": "12 min"},
    {"appointments": {**BOOKED, "patients": 2, "no_show": 0.1}},
    {"appointments": {**BOOKED, "punctuality": {"mean": "-5 min", "sd": "10 min"}}},
    {"appointments": {"at": ["Tue 09:00", "Mon 08:00"], "punctuality": {"sd": "90 s"}}},
    {"replay": {"times": [0, 1.5, "2 h"]}, "no_show": 0.5},
]


def spec(**fields: object) -> ArrivalForm:
    return ADAPTER.validate_python(fields)


def refusal(fields: object) -> tuple[str, str]:
    """Return where the value is at fault, as the loader shows it, and what it is told."""
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(fields)
    [detail] = caught.value.errors()
    error = detail.get("ctx", {}).get("error")
    below, reason = error.args if isinstance(error, QuantityError) else ((), detail["msg"])
    place = [str(step) for step in detail["loc"] if not str(step).startswith("<")]
    return ".".join([*place, *below]), reason


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_what_is_written_out_is_read_back(example: dict[str, Any]) -> None:
    read = ADAPTER.validate_python(example)
    written = ADAPTER.dump_python(read, by_alias=True, exclude_none=True)
    assert ADAPTER.validate_python(written) == read
    assert read.model_dump(by_alias=True, exclude_none=True) == written


def test_the_key_tells_the_form() -> None:
    kinds = [type(ADAPTER.validate_python(EXAMPLES[index])) for index in (0, 5, 7, 10)]
    assert kinds == [PoissonArrivals, RenewalArrivals, AppointmentArrivals, ReplayArrivals]
    assert list(ARRIVAL_VARIANTS.values()) == kinds


@pytest.mark.parametrize(
    ("example", "per_min"),
    [
        ({"rate_per_h": 6}, 0.1),
        ({"rate_per_d": 144, "profile": "emergency"}, 0.1),
        ({"rate_per_h": 6, "batch": 3, "no_show": 0.5}, 0.15),
        ({"rate_per_h": 6, "batch": {"mean": 2.5}}, 0.25),
        ({"rate_per_h": 6, "batch": {"sizes": [1, 4], "shares": [0.5, 0.5]}}, 0.25),
        ({"gap": "10 min", "no_show": "10 %"}, 0.09),
        # 32 slots a day on 5 days of the week
        ({"appointments": {**BOOKED, "patients": 2, "no_show": 0.1}}, 160 * 2 * 0.9 / 10080),
        ({"appointments": {"at": ["Mon 08:00", "Mon 09:00"]}}, 2 / 10080),
        ({"replay": {"times": [5, 10, 25]}, "no_show": 0.5}, 0.05),
    ],
    ids=str,
)
def test_mean_rate_counts_the_patients_who_come(example: object, per_min: float) -> None:
    assert ADAPTER.validate_python(example).mean_rate_per_min == pytest.approx(per_min)


@pytest.mark.parametrize("times", [[5], [5, 5]])
def test_a_replay_without_a_span_has_no_rate(times: list[float]) -> None:
    assert spec(replay={"times": times}).mean_rate_per_min is None


@pytest.mark.parametrize("name", NAMED)
def test_named_profiles_keep_the_mean_rate(name: str) -> None:
    factors = hourly_factors(name)
    assert factors.shape == (168,)
    assert factors.mean() == pytest.approx(1)
    assert factors.min() >= 0


def test_only_the_ratios_of_a_profile_count() -> None:
    low = [1.0] * 12 + [3.0] * 12
    high = [7e300 * factor for factor in low]
    assert hourly_factors(tuple(high)) == pytest.approx(hourly_factors(tuple(low)))
    assert hourly_factors(tuple(low))[[0, 11, 12, 36]] == pytest.approx([0.5, 0.5, 1.5, 1.5])
    assert hourly_factors(None) == pytest.approx(1)


def test_a_week_of_factors_starts_on_monday() -> None:
    factors = hourly_factors((*[0.0] * 24, *[1.0] * 24, *[0.0] * 120))
    assert factors[[23, 24, 47, 48]] == pytest.approx([0, 7, 7, 0])


@pytest.mark.parametrize(
    ("given", "slots"),
    [
        ({"every": "1 h", "during": "Mon 08:00-10:00"}, (480, 540)),
        ({"every": "45 min", "during": "Mon 08:00-10:00"}, (480, 525, 570)),
        # Over the end of the week the slots keep their rhythm.
        ({"every": "50 min", "during": "Sun 23:00-01:00"}, (40, 10020, 10070)),
        ({"every": "12 h", "during": "daily 00:00-24:00"}, tuple(range(0, 10080, 720))),
        ({"at": ["Tue 09:00", "Mon 08:00"]}, (480, 1980)),
    ],
    ids=str,
)
def test_slots_of_the_week(given: dict[str, Any], slots: tuple[float, ...]) -> None:
    assert AppointmentSpec.model_validate(given).slots() == slots


@pytest.mark.parametrize(("text", "minutes"), [("-5 min", -5), ("+1 h", 60), ("- 30 s", -0.5)])
def test_signed_durations(text: str, minutes: float) -> None:
    assert parse_signed(text) == minutes
    assert parse_signed(format_signed(minutes)) == minutes


@pytest.mark.parametrize(
    ("fields", "place", "words"),
    [
        ({}, "", "needs one of rate_per_h, rate_per_d, gap, appointments and replay"),
        ({**POISSON, "rate_per_d": 2}, "rate_per_d", "stands beside rate_per_h"),
        ({"rate_per_h": 0}, "rate_per_h", "greater than or equal to"),
        ({**POISSON, "gap": "1 min"}, "rate_per_h", "Extra inputs are not permitted"),
        ({**POISSON, "no_show": 1}, "no_show", "1 is nobody at all"),
        ({**POISSON, "no_show": 1.5}, "no_show", "1.5 is no share"),
        ({**POISSON, "profile": "weekly"}, "profile", "'weekly' is no profile; accepted is weekd"),
        ({**POISSON, "profile": [1] * 23}, "profile", "has 23 factors; accepted is"),
        ({**POISSON, "profile": [1] * 23 + [-1]}, "profile.23", "-1 is no factor"),
        ({**POISSON, "profile": [1] * 23 + [True]}, "profile.23", "True is no factor"),
        ({**POISSON, "profile": [0] * 24}, "profile", "nobody would ever come"),
        ({**POISSON, "batch": 0}, "batch.size", "greater than or equal to 1"),
        ({**POISSON, "batch": {}}, "batch", "one of size, mean and sizes, got none of them"),
        ({**POISSON, "batch": {"mean": 2, "size": 2}}, "batch", "got size and mean"),
        ({**POISSON, "batch": {"mean": 0.5}}, "batch.mean", "greater than or equal to 1"),
        ({**POISSON, "batch": {"sizes": [1]}}, "batch", "go together, one share for each size"),
        (
            {**POISSON, "batch": {"sizes": [1, 2], "shares": [1]}},
            "batch.shares",
            "1 shares for 2 sizes",
        ),
        (
            {**POISSON, "batch": {"sizes": [1, 2], "shares": [0.5, 0.4]}},
            "batch.shares",
            "shares sum to 0.9, expected 1",
        ),
        ({"gap": "0 min"}, "gap", "has a mean of 0 min; expected at least 0.0006 min"),
        ({"appointments": {"every": "1 h"}}, "appointments", "needs every and during, or at"),
        ({"appointments": {**BOOKED, "every": "1 s"}}, "appointments.every", "1 s is less than"),
        ({"appointments": {**BOOKED, "at": ["Mon 08:00"]}}, "appointments.at", "give one of them"),
        ({"appointments": {"at": ["Mon 08:00"] * 2}}, "appointments.at", "names a slot twice"),
        ({"appointments": {"at": []}}, "appointments.at", "is empty"),
        ({"appointments": {"at": ["Mon"]}}, "appointments.at.0", "'Mon' is no time of the week"),
        ({"appointments": {**BOOKED, "during": "Mon"}}, "appointments.during", "without times"),
        (
            {"appointments": {**BOOKED, "punctuality": {"mean": "-2 w", "sd": "1 min"}}},
            "appointments.punctuality.mean",
            "-2 w is more than a week",
        ),
        (
            {"appointments": {**BOOKED, "punctuality": {"sd": "-1 min"}}},
            "appointments.punctuality.sd",
            "'-1 min' is no duration",
        ),
        ({"replay": {"file": "log.csv"}}, "replay.file", "'log.csv' was not read"),
        ({"replay": {"times": []}}, "replay.times", "is empty"),
        ({"replay": {"times": [3, 2]}}, "replay.times.1", "2 min comes after 3 min; times go up"),
        ({"replay": {"times": [-1]}}, "replay.times.0", "-1 is no time"),
        ({"replay": {"times": ["soon"]}}, "replay.times.0", "'soon' is no duration"),
    ],
    ids=str,
)
def test_unsound_arrivals_are_refused(fields: object, place: str, words: str) -> None:
    where, reason = refusal(fields)
    assert where == place
    assert words in reason


def test_every_field_is_described_with_an_example() -> None:
    schema = ADAPTER.json_schema()
    for model in schema["$defs"].values():
        for name, field in model["properties"].items():
            assert field.get("description"), name
            assert field.get("examples"), name


@pytest.mark.parametrize("kind", ARRIVAL_VARIANTS.values())
def test_examples_of_fields_are_valid(kind: type[ArrivalForm]) -> None:
    for name, field in kind.model_fields.items():
        for example in field.examples or ():
            base = {} if name in {"rate_per_h", "rate_per_d"} else dict(_least(kind))
            kind.model_validate({**base, field.alias or name: example})


def _least(kind: type[ArrivalForm]) -> dict[str, Any]:
    return {
        PoissonArrivals: POISSON,
        RenewalArrivals: {"gap": "1 min"},
        AppointmentArrivals: {"appointments": BOOKED},
        ReplayArrivals: {"replay": {"times": [1]}},
    }[kind]
