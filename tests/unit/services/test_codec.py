import json
import threading
import time
from dataclasses import MISSING, fields

import pytest
from event_strategies import events
from hypothesis import given
from hypothesis import strategies as st

from services.bus import codec
from services.bus.bounds import MAX_CASE_ID
from services.bus.codec import decode, read_log
from twin.acquisition.acquisition import Acquisition
from twin.dermoscopy.recipe import LesionRecipe
from twin.errors import EventError
from twin.events import CaseArrived, CaseClosed, CaseRejected, ComponentChanged
from twin.images import BlobRef, FileRef, SyntheticRef
from twin.log import SCHEMA_OF, STILL_READ, encode, line
from twin.meter import MAX_WORDS

REJECTED = CaseRejected(case_id="c1", at_min=2.0, reason="no image")
RECIPE = LesionRecipe(
    seed=2**63 - 1,
    **{name: 0.1 for name in LesionRecipe.__dataclass_fields__ if name != "seed"},
)
IMAGES = [
    SyntheticRef(recipe=RECIPE),
    FileRef(path="benign/1.jpg", sha256="ab" * 32),
    BlobRef(sha256="cd" * 32),
    BlobRef(sha256="cd" * 32, acquisition=Acquisition(seed=2**63 - 1, severity={"hair": 5})),
]
TELEMETRY = ComponentChanged(
    component="knn", at_unix_s=1e9, state="ready", restarts=0, model_id="m", facts={"n": 1.0}
)


def schema_of(event):
    return SCHEMA_OF[type(event)]


def altered(event, **changes) -> bytes:
    """Encode an event with fields replaced, or left out where the value is `...`."""
    fields = json.loads(encode(event)) | changes
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def refusal(schema: str, raw: bytes) -> str:
    with pytest.raises(EventError) as caught:
        decode(schema, raw)
    assert caught.value.args[0] == raw
    return caught.value.args[1]


@given(events)
def test_every_event_survives_the_journey_byte_for_byte(event):
    raw = encode(event)
    decoded = decode(schema_of(event), raw)
    assert decoded == event
    assert type(decoded) is type(event)
    assert encode(decoded) == raw


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.kind)
def test_an_image_reference_keeps_its_kind(image):
    event = CaseArrived(case_id="c1", at_min=0.0, image=image)
    decoded = decode("CaseArrived/2", encode(event))
    assert decoded.image == image
    assert type(decoded.image) is type(image)


@pytest.mark.parametrize("schema", ["", "CaseArrived", "CaseArrived/1", "Case/1", "EventError/1"])
def test_an_unknown_schema_is_named(schema):
    assert repr(schema) in refusal(schema, encode(REJECTED))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "Input should be an object"),
        (b"null", "Input should be an object"),
        (altered(REJECTED, surprise=1), "surprise: Unexpected"),
        (altered(REJECTED, reason=...), "reason: Field required"),
        (altered(REJECTED, reason=None), "reason: "),
        (altered(REJECTED, at_min="2"), "at_min: "),
        (altered(REJECTED, at_min=True), "at_min: "),
        (altered(REJECTED, at_min=float("nan")), "at_min: Input should be a finite number"),
        (altered(REJECTED, at_min=float("inf")), "at_min: Input should be a finite number"),
        (altered(REJECTED).replace(b"2.0", b"1e999"), "at_min: Input should be a finite number"),
        (altered(REJECTED, at_min=-0.001), "at_min: "),
        (altered(REJECTED, case_id=""), "case_id: "),
        (altered(REJECTED, case_id="x" * (MAX_CASE_ID + 1)), "case_id: "),
        (altered(REJECTED, case_id=7), "case_id: "),
    ],
)
def test_what_is_no_event_is_refused_with_the_reason(raw, reason):
    assert refusal("CaseRejected/1", raw).startswith(f"CaseRejected/1: {reason}")


def test_a_number_within_a_dictionary_must_be_finite():
    raw = encode(TELEMETRY).replace(b'{"n":1.0}', b'{"n":NaN}')
    assert "facts.n: Input should be a finite number" in refusal("ComponentChanged/2", raw)


def test_words_about_a_component_are_no_longer_than_a_line():
    for name in ("last_input", "last_output"):
        longest = altered(TELEMETRY, **{name: "x" * MAX_WORDS})
        assert len(getattr(decode("ComponentChanged/2", longest), name)) == MAX_WORDS
        longer = altered(TELEMETRY, **{name: "x" * (MAX_WORDS + 1)})
        assert f"{name}: " in refusal("ComponentChanged/2", longer)


def test_what_components_said_in_the_first_version_is_still_read():
    old = altered(TELEMETRY, last_input=..., last_output=...)
    assert decode("ComponentChanged/1", old) == TELEMETRY
    text = line(TELEMETRY).replace(b"ComponentChanged/2", b"ComponentChanged/1")
    assert list(read_log([text])) == [TELEMETRY]


def test_the_first_version_has_none_of_the_later_fields():
    raw = altered(TELEMETRY, last_input="64 images")
    reason = "ComponentChanged/1: last_input: is no field of this version"
    assert refusal("ComponentChanged/1", raw) == reason


def test_fields_that_came_since_an_earlier_version_have_defaults():
    for schema, (kind, names) in STILL_READ.items():
        assert schema not in SCHEMA_OF.values()
        defaults = {one.name for one in fields(kind) if one.default is not MISSING}
        assert set(names) <= defaults


def test_a_truth_value_is_no_number_and_no_text():
    read = CaseClosed(case_id="c1", at_min=1.0, referred=True, left_early=False, waits_min={})
    for value in (1, "true", None):
        assert "referred: " in refusal("CaseClosed/1", altered(read, referred=value))


def test_the_longest_case_id_and_the_first_minute_are_fine():
    event = CaseRejected(case_id="x" * MAX_CASE_ID, at_min=0.0, reason="")
    assert decode("CaseRejected/1", encode(event)) == event


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ({"kind": "file", "path": "a.png"}, "image.FileRef.sha256: Field required"),
        ({"kind": "blob", "sha256": 1}, "image.BlobRef.sha256: "),
        ({"kind": "blob", "sha256": "a", "path": "b"}, "image.BlobRef.path: Unexpected"),
        ({"kind": "synthetic", "recipe": {}}, "image.SyntheticRef.recipe.seed: Field required"),
        (
            {"kind": "blob", "sha256": "a", "acquisition": {"seed": 1}},
            "image.BlobRef.acquisition.severity: Field required",
        ),
        (
            {"kind": "blob", "sha256": "a", "acquisition": {"seed": 1, "severity": {"hair": 1.5}}},
            "image.BlobRef.acquisition.severity.hair: ",
        ),
        ({"kind": "film", "sha256": "a"}, "image."),
    ],
)
def test_a_wrong_reference_is_judged_by_its_kind(image, reason):
    event = CaseArrived(case_id="c1", at_min=0.0, image=IMAGES[1])
    assert reason in refusal("CaseArrived/2", altered(event, image=image))


@given(st.lists(events, max_size=5))
def test_a_log_file_reads_back(written):
    assert list(read_log([line(event) for event in written])) == written


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"\n", "line 2: expected topic, schema and event"),
        (b'{"event":{}}\n', "line 2: expected topic, schema and event"),
        (line(REJECTED).replace(b"verdicts", b"cases"), "line 2: CaseRejected/1 does not belong"),
        (line(REJECTED).replace(b"/1", b"/9"), "line 2: schema 'CaseRejected/9'"),
        (line(REJECTED).replace(b"/1", b"/\xff"), "line 2: schema is not UTF-8"),
        (line(REJECTED).replace(b"2.0", b"x"), "line 2: CaseRejected/1: Invalid JSON"),
    ],
)
def test_a_damaged_line_is_named(text, reason):
    with pytest.raises(EventError) as caught:
        list(read_log([line(REJECTED), text]))
    assert caught.value.args[0] == text
    assert caught.value.args[1].startswith(reason)


def test_importing_the_codec_builds_no_validator():
    from services.bus import codec

    codec._adapter.cache_clear()
    decode("CaseRejected/1", encode(REJECTED))
    decode("CaseRejected/1", encode(REJECTED))
    assert codec._adapter.cache_info().currsize == 1


def test_validators_are_built_one_at_a_time(monkeypatch):
    inside, most = [], []

    def build(kind):
        inside.append(kind)
        time.sleep(0.02)
        most.append(len(inside))
        inside.remove(kind)

    monkeypatch.setattr(codec, "TypeAdapter", build)
    build_anew = codec._adapter.__wrapped__
    threads = [threading.Thread(target=build_anew, args=(CaseRejected,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]
