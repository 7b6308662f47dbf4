import doctest

import pytest

from simulator.report import (
    families,
    markdown_cells,
    markup,
    sheets,
    spoken,
    timeline,
    units,
    wording,
)
from simulator.report.markup import Html, tag
from simulator.report.timeline import ticked
from simulator.report.units import change, number, remark, value
from simulator.report.wording import label, words


@pytest.mark.parametrize(
    "module",
    [families, markdown_cells, markup, sheets, spoken, timeline, units, wording],
)
def test_examples_of_the_docstrings(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.failed == 0 and found.attempted > 0


def test_every_metric_has_words_of_its_own() -> None:
    names = [
        "wait.read.mean", "wait.read.p50", "wait.read.p95", "wait.read.max", "queue.read.mean",
        "queue.read.max", "number.read.mean", "delayed.read.share", "blocked.read.share",
        "balked.read.share", "reneged.read.share", "visits.read.count", "utilisation.nurse",
        "time_in_system.mean", "time_to_diagnosis.all.mean", "time_to_diagnosis.malignant.p95",
    ]  # fmt: skip
    from simulator.language.metrics import DIAGNOSTIC, OF_ALL, UPSTREAM

    names += [*DIAGNOSTIC, *UPSTREAM, *(name for name in OF_ALL if "." in name)]
    said = [words(name) for name in names]
    assert len(set(said)) == len(names)
    # None is the bare name but those that are words already.
    assert {name for name, one in zip(names, said, strict=True) if name == one} == set()


def test_markup_is_escaped_once_and_only_once() -> None:
    assert (
        tag("td", "<b>", tag("i", "&"), title='"')
        == '<td title="&quot;">&lt;b&gt;<i>&amp;</i></td>'
    )
    assert tag("p", Html("<hr>")) == "<p><hr></p>"


def test_numbers_keep_three_digits_and_their_sign() -> None:
    assert number(-0.0) == "0"
    assert number(-1234.5) == "−1,234"
    assert number(-0.00004, like=5.0) == "0.00"
    assert value("wait.read.mean", 4000.0) == "2.78 d"
    assert value("wait.read.mean", None) == "no figure"


def test_differences_of_shares_are_points() -> None:
    found = {"mean": -0.05, "low": -0.06, "high": -0.04}
    assert change("utilisation.nurse", 0.5, found) == ("−5 points", "−6.00 to −4.00 points")


def test_doubts_stand_beside_the_interval() -> None:
    answer = {"value": 0.5, "low": 0.4, "high": 0.6, "valid": True}
    lacking = answer | {"reason": "38 of 40 replications have no value"}
    assert remark("sensitivity", lacking) == "40.0 to 60.0 % (2 of 40 replications)"
    doubted = answer | {"valid": False, "reason": "too short"}
    assert remark("sensitivity", doubted) == "40.0 to 60.0 % (not valid: too short)"


def test_a_clock_that_starts_in_the_morning_has_its_first_midnight_later() -> None:
    week = ticked(10080.0, 480.0)
    assert week["ticktext"][0] == "Tue" and week["tickvals"][0] == pytest.approx(16 / 24, abs=1e-5)
    assert ticked(365 * 1440.0, 0.0)["ticktext"][:2] == ["day 0", "day 28"]


def test_labels_keep_keys_apart() -> None:
    both = {"label": {"a.staff.nurse.count": 1, "b.staff.nurse.count": 0.123456}}
    assert label(both) == "a.staff.nurse.count = 1, b.staff.nurse.count = 0.1235"
