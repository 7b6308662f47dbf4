import json
import random

import pytest
from samples import arrived, closed, rejected, verdict

from twin.events import ComponentChanged
from twin.log import SCHEMA_OF, TOPIC_OF, digest, encode, in_order, key_of, line

LOG = [
    arrived("a", 1.0),
    verdict("a", 1.0),
    closed("a", 9.0),
    arrived("b", 2.0),
    rejected("b", 2.0),
]


def component() -> ComponentChanged:
    return ComponentChanged(
        component="knn", at_unix_s=1.0, state="failed", restarts=1, model_id="m", reason="killed"
    )


def test_the_digest_does_not_depend_on_the_order_in_which_events_were_seen() -> None:
    shuffled = list(LOG)
    random.Random(3).shuffle(shuffled)
    assert shuffled != LOG
    assert digest(shuffled) == digest(LOG)


def test_the_digest_depends_on_every_event_and_value() -> None:
    assert digest(LOG[:-1]) != digest(LOG)
    assert digest([*LOG[1:], arrived("a", 1.5)]) != digest(LOG)


def test_telemetry_is_not_part_of_the_log() -> None:
    assert digest([*LOG, component()]) == digest(LOG)


def test_a_case_is_told_in_the_order_of_its_life() -> None:
    kinds = [type(event).__name__ for event in in_order(LOG) if event.case_id == "a"]
    assert kinds == ["CaseArrived", "VerdictIssued", "CaseClosed"]


def test_the_canonical_form_refuses_numbers_that_json_has_not() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        encode(verdict(p_malignant=float("nan")))


def test_a_line_names_topic_and_schema() -> None:
    told = json.loads(line(verdict("a")))
    assert (told["topic"], told["schema"], told["event"]["case_id"]) == (
        "verdicts",
        "VerdictIssued/2",
        "a",
    )


def test_every_event_has_a_topic_a_schema_and_a_key() -> None:
    assert set(TOPIC_OF) == set(SCHEMA_OF)
    assert key_of(arrived("a")) == "a"
    assert key_of(component()) == "knn"
