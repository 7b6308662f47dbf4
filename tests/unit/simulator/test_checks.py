"""What a scenario must satisfy as a whole, beyond what `test_broken_scenarios.py` shows."""

import pytest
from broken_scenarios import BASE
from scenarios_by_feature import IMAGES, queue

from simulator.language.checks import problems
from simulator.language.form import ScenarioForm
from simulator.language.scenario import load, plain
from twin.errors import ScenarioError


def refusal(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        load(text, "x.yaml")
    return str(caught.value)


def test_a_sound_form_has_no_problems() -> None:
    form = ScenarioForm.model_validate(dict(plain(load(BASE, "x.yaml"))))
    assert list(problems(form)) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("horizon: 7 d", "ending: stop", "stop needs a horizon"),
        ("horizon: 7 d", "about: x", "arrivals never end"),
        (
            "staff: nurse",
            "staff: [nurse, nurse]",
            "names a group twice",
        ),
        ("queue: ai", "queue: {full: biopsy}", "'biopsy' is not used without room"),
        ("queue: ai", "queue: {left: biopsy}", "'biopsy' is not used without balk or patience"),
        ("queue: ai", "queue: {room: 3, full: nowhere}", "no node 'nowhere'"),
        ("staff: surgeon", "staff: reader", "'reader' also serves 'read' in order 'ai'"),
        (
            "staff: reader, service: 8 min, queue: ai",
            "staff: [reader, nurse], service: 8 min, queue: {order: priority, preempt: true}",
            "preempt needs nodes with one staff group",
        ),
        (
            "{id: ai, twin: score, then: read}",
            "{id: ai, delay: 0 s, then: read}",
            "without a score",
        ),
        (", ai: {sensitivity: 0.9, specificity: 0.8}", "", "cases.ai: is required"),
        ("population: {prevalence: 0.1}, ", "", "cases.population: is required"),
        ("id: read", "id: look", "pathway.ai.then: no node 'read'"),
    ],
)
def test_what_is_not_sound_together(old: str, new: str, words: str) -> None:
    assert old in BASE
    assert words in refusal(BASE.replace(old, new))


def test_conditions_ask_for_what_the_pathway_finds_out() -> None:
    text = queue(service="2 min").replace("then: end", "then: {desk: WHEN, end: otherwise}")
    assert "no node has 'twin: score'" in refusal(text.replace("WHEN", "flagged"))
    assert "no node decides" in refusal(text.replace("WHEN", "referred"))
    assert load(text.replace("WHEN", "visits < 2"), "x.yaml")


def test_more_work_than_staff_is_allowed_for_a_while_or_on_purpose() -> None:
    text = queue(service="20 min")
    assert "load 2.00" in refusal(text)
    assert load(text.replace("source: nominal", "source: nominal, count: 9"), "x.yaml")
    assert load(text + "allow_unstable: true\n", "x.yaml").allow_unstable


def test_a_route_of_no_share_is_a_way_that_a_sweep_may_open() -> None:
    node = "{id: read, staff: reader, service: 8 min, queue: ai, then: {biopsy: 0 %, end: 100 %}}"
    lines = [f"  - {node}" if "id: read" in line else line for line in BASE.splitlines()]
    assert load("\n".join(lines), "x.yaml")


def test_who_loses_patience_does_not_make_a_way_out() -> None:
    text = queue(queue="{patience: 5 min}").replace("then: end", "then: desk")
    assert "a cycle without exit" in refusal(text)


def test_a_cycle_of_one_class_is_told_with_the_class() -> None:
    more = "classes:\n  - {id: a, share: 0.5}\n  - {id: b, share: 0.5, then: {desk: desk}}\n"
    assert "a cycle without exit for class 'b'" in refusal(queue(more))


@pytest.mark.parametrize(
    ("learnt", "shown", "sound"),
    [
        ("train", "test", True),
        ("test", "train", True),
        ("train", "train", False),
        ("all", "test", False),
        ("train", "all", False),
    ],
)
def test_no_model_is_examined_on_what_it_learned_from(learnt: str, shown: str, sound: bool) -> None:
    text = IMAGES.replace("images: {split: test", f"images: {{split: {shown}")
    text = text.replace("learn_from: images, split: train", f"learn_from: images, split: {learnt}")
    if sound:
        assert load(text, "x.yaml").model.split == learnt
    else:
        assert "what it has seen" in refusal(text)


def test_a_replayed_log_needs_no_horizon() -> None:
    text = queue(arrivals="{replay: {times: [0, 5]}}").replace("horizon: 100 h\n", "")
    assert load(text, "x.yaml").horizon_min is None


def test_who_comes() -> None:
    classes = "classes:\n  - {id: a, arrivals: {rate_per_h: 1}}\n"
    assert "belongs to no class" in refusal(queue(classes))
    own = queue(classes).replace("arrivals: {rate_per_h: 6}\n", "")
    assert load(own, "x.yaml")
    shared = own.replace("arrivals: {rate_per_h: 1}", "share: 1.0")
    assert "is required where classes have a share" in refusal(shared)
