"""Hypothesis strategies for every kind of event, and for logs as the fold may meet them."""

import zlib

from hypothesis import strategies as st

from twin.acquisition.acquisition import Acquisition
from twin.dermoscopy.recipe import LesionRecipe
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    ComponentChanged,
    DriftReported,
    DriftSignal,
    EpochReached,
    Estimate,
    FeedbackReceived,
    GateRow,
    StackOrdered,
    StackPromoted,
    StackRejected,
    VerdictIssued,
)
from twin.images import BlobRef, FileRef, SyntheticRef
from twin.log import TOPIC_OF, key_of
from twin.state import Record

finite = st.floats(allow_nan=False, allow_infinity=False)
minutes = st.floats(min_value=0, max_value=1e9)
text = st.text(max_size=20)
case_ids = st.text(min_size=1, max_size=200)
names = st.sampled_from(["stem", "knn", "meta"])

recipes = st.builds(
    LesionRecipe,
    seed=st.integers(0, 2**63 - 1),
    **{name: finite for name in LesionRecipe.__dataclass_fields__ if name != "seed"},
)
sha256 = st.binary(min_size=32, max_size=32).map(bytes.hex)
paths = st.lists(st.text("ab-. é", min_size=1, max_size=5), min_size=1, max_size=3).map(
    lambda parts: "/".join(f"{part}x" for part in parts)
)
acquisitions = st.none() | st.builds(
    Acquisition,
    seed=st.integers(0, 2**63 - 1),
    severity=st.dictionaries(st.text(min_size=1, max_size=9), st.integers(1, 5), max_size=3),
)
images = st.one_of(
    st.builds(SyntheticRef, recipe=recipes, acquisition=acquisitions),
    st.builds(FileRef, path=paths, sha256=sha256, acquisition=acquisitions),
    st.builds(BlobRef, sha256=sha256, acquisition=acquisitions),
)
maybe = st.none() | text


def arrivals(ids=case_ids):
    return st.builds(
        CaseArrived,
        case_id=ids,
        at_min=minutes,
        image=images,
        age=st.none() | st.integers(0, 120),
        sex=maybe,
        site=maybe,
        skin_tone=maybe,
    )


def answers(ids=case_ids):
    verdicts = st.builds(
        VerdictIssued,
        case_id=ids,
        at_min=minutes,
        p_malignant=finite,
        threshold=finite,
        malignant=st.booleans(),
        log_odds=st.dictionaries(text, finite, max_size=6),
        missing=st.lists(text, max_size=3).map(tuple),
        model_id=text,
        sketch=st.lists(finite, max_size=2).map(tuple),
        stack=st.integers(0, 9),
    )
    rejections = st.builds(CaseRejected, case_id=ids, at_min=minutes, reason=text)
    return verdicts | rejections


def closings(ids=case_ids):
    return st.builds(
        CaseClosed,
        case_id=ids,
        at_min=minutes,
        referred=st.booleans(),
        left_early=st.booleans(),
        waits_min=st.dictionaries(st.text(max_size=8), finite, max_size=3),
    )


def messages(ids=case_ids, feedback_ids=case_ids):
    return st.builds(
        FeedbackReceived,
        feedback_id=feedback_ids,
        case_id=ids,
        at_min=minutes,
        label=st.sampled_from(["malignant", "benign", "withdrawn", "nevus", ""]),
        revision=st.integers(0, 2),
        way=text,
        p_verified=st.floats(min_value=0, max_value=1, exclude_min=True),
    )


maybe_number = st.none() | finite
rows = st.builds(
    GateRow,
    metric=text,
    group=text,
    **dict.fromkeys(("champion", "challenger", "change", "low", "high"), maybe_number),
    margin=finite,
    labels=st.integers(0, 99),
    malignant=st.integers(0, 99),
    verdict=text,
)
epochs = st.integers(0, 3)
decided = {
    "at_min": minutes,
    "epoch": epochs,
    "version": st.integers(0, 3),
    "window_from_min": finite,
    "labels": st.integers(0, 99),
    "malignant": st.integers(0, 99),
    "facts": st.dictionaries(text, finite, max_size=2),
    "gate": st.lists(rows, max_size=2).map(tuple),
    "reason": text,
}
stack_events = st.one_of(
    st.builds(
        EpochReached,
        at_min=minutes,
        epoch=epochs,
        cases=st.integers(0, 99),
        feedback=st.integers(0, 99),
    ),
    st.builds(StackOrdered, order_id=names, at_min=minutes, version=epochs, by=text, reason=text),
    st.builds(
        StackPromoted,
        **decided,
        parent=st.none() | epochs,
        how=st.sampled_from(["trained", "restack", "rollback"]),
        restores=st.none() | epochs,
        model_id=text,
        threshold=finite,
        penalty=finite,
        inputs=st.just(("input.0",)),
        stacks=st.dictionaries(
            st.just("knn+svm"), st.lists(finite, min_size=4, max_size=4), min_size=1
        ),
        digest=text,
    ),
    st.builds(
        StackRejected,
        **decided,
        verdict=st.sampled_from(["rejected", "waiting", "kept"]),
        how=text,
        threshold=maybe_number,
        weights=st.dictionaries(text, finite, max_size=2),
    ),
    st.builds(
        DriftReported,
        at_min=minutes,
        epoch=epochs,
        cases=st.integers(0, 99),
        signals=st.lists(
            st.builds(
                DriftSignal,
                detector=text,
                stream=text,
                alarms=st.lists(finite, max_size=2).map(tuple),
                value=finite,
                p_value=maybe_number,
            ),
            max_size=2,
        ).map(tuple),
        estimates=st.lists(
            st.builds(
                Estimate,
                metric=text,
                **dict.fromkeys(("value", "low", "high"), maybe_number),
                valid=st.booleans(),
                reason=text,
            ),
            max_size=2,
        ).map(tuple),
    ),
)
components = st.builds(
    ComponentChanged,
    component=names,
    at_unix_s=finite,
    state=text,
    restarts=st.integers(0, 9),
    model_id=text,
    reason=text,
    facts=st.dictionaries(text, finite, max_size=3),
    last_input=text,
    last_output=text,
)
events = st.one_of(arrivals(), answers(), closings(), messages(), stack_events, components)

few = st.sampled_from(["a", "b", "c:*[", "d"])  # so that cases meet themselves again


@st.composite
def logs(draw, most=30):
    """Draw records in an order that a reader may meet them in, by key and topic in partitions.

    Among them are repeated events, conflicting ones and bytes that are none.
    """
    kinds = st.one_of(
        arrivals(few), answers(few), closings(few), messages(few, few), stack_events, components
    )
    drawn = draw(st.lists(kinds, max_size=most))
    repeated = draw(st.lists(st.sampled_from(drawn), max_size=5)) if drawn else []
    written: dict[tuple[str, int], list] = {}
    for event in drawn + repeated:
        place = (TOPIC_OF[type(event)], zlib.crc32(key_of(event).encode()) % 2)
        written.setdefault(place, []).append(event)
    for place in draw(st.lists(st.sampled_from(sorted(written)), max_size=2)) if written else []:
        written[place].append(None)
    records = {
        place: [Record(*place, offset, event) for offset, event in enumerate(events)]
        for place, events in written.items()
    }
    turns = draw(st.permutations([place for place in records for _ in records[place]]))
    waiting = {place: iter(queue) for place, queue in records.items()}
    return [next(waiting[place]) for place in turns]
