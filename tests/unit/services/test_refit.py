"""Refit of the base learners: which cases it uses and how, on a tiny model."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stack_logs import write_run
from tiny_model import patients, tiny_model

from services import learning
from services import refit as module
from services.artefacts import ArtefactStore
from services.commands.refit import exit_code
from services.config import Settings
from services.exits import Exit
from services.lineage import RunLog
from services.refit import RefitOrder, refit
from services.refit_cases import copies, labelled_cases
from services.refit_gate import gate_of
from twin.errors import ArtefactError, DataError
from twin.events import (
    CaseArrived,
    CaseClosed,
    Event,
    FeedbackReceived,
    GateRow,
    StackPromoted,
    VerdictIssued,
)
from twin.learners.registry import LEARNERS
from twin.model import meta_of
from twin.restacking.evidence import Evidence, Side
from twin.restacking.gate import Judgement
from twin.restacking.ledger import is_held_out
from twin.restacking.plan import GatePlan
from twin.stacks import digest_of, plain

ROW = GateRow(metric="auc", margin=0.01, labels=9, malignant=4, verdict="fail")


def feedback(number: int, at_min: float, label: str, **more: Any) -> FeedbackReceived:
    return FeedbackReceived(
        feedback_id=f"f{number}-{at_min:g}-{label}",
        case_id=f"c{number}",
        at_min=at_min,
        label=label,
        **more,
    )


def events(count: int = 30) -> list[Event]:
    """Cases with a label each; those that the readers passed are verified once in four."""
    meta = meta_of(tiny_model().files)
    held = plain(meta)
    log: list[Event] = [
        StackPromoted(
            at_min=0.0,
            epoch=0,
            version=0,
            parent=None,
            how="trained",
            model_id=tiny_model().model_id,
            threshold=0.5,
            penalty=meta.penalty,
            stacks=held,
            digest=digest_of(0.5, meta.penalty, held, ()),
            window_from_min=0.0,
            labels=0,
            malignant=0,
            reason="as trained",
        )
    ]
    for number, patient in enumerate(patients(count, seed=11)):
        at = float(number)
        scores = dict.fromkeys(LEARNERS, 1.0 if patient.malignant else -1.0)
        p = meta.weights_for(scores).p_malignant(scores)
        referred = number % 2 == 0
        log += [
            CaseArrived(
                case_id=f"c{number}", at_min=at, image=patient.image, age=45, skin_tone="VI"
            ),
            VerdictIssued(
                case_id=f"c{number}",
                at_min=at,
                p_malignant=p,
                threshold=0.5,
                malignant=p >= 0.5,
                log_odds=scores,
                model_id=tiny_model().model_id,
            ),
            CaseClosed(
                case_id=f"c{number}",
                at_min=at + 10,
                referred=referred,
                left_early=False,
                waits_min={},
            ),
            feedback(
                number,
                at + 100,
                "malignant" if patient.malignant else "benign",
                p_verified=1.0 if referred else 0.25,
            ),
        ]
    return log


@pytest.fixture
def home(tmp_path: Path) -> Path:
    store = ArtefactStore(tmp_path)
    store.save(tiny_model())
    kept = {"kind": "synthetic", "cases": 40, "stem": "analytic", "quick": True, "seed": 3}
    store.keep_lesson(tiny_model().model_id, kept)
    return tmp_path


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What training was given; it gives the tiny model."""
    seen: dict[str, Any] = {"times": 0}

    def train(pixels: Any, labels: Any, groups: Sequence[str], **how: Any) -> Any:
        seen.update(pixels=pixels, labels=labels, groups=groups, times=seen["times"] + 1)
        return tiny_model()

    monkeypatch.setattr(module, "train", train)
    return seen


class Gate:
    """Takes note of what it is asked."""

    def __call__(
        self, evidence: Evidence, ours: Side, new: Side, plan: GatePlan, every: Evidence
    ) -> Judgement:
        self.evidence, self.ours, self.new = evidence, ours, new
        self.plan, self.every = plan, every
        return Judgement("fail", (ROW,), "the area may fall")


def silent(stage: str, done: int, total: int) -> None:
    pass


def made(home: Path, log: Path, gate: Gate, **more: Any) -> dict[str, Any]:
    order = RefitOrder(log=RunLog(log), **more)
    found: dict[str, Any] = refit(order, Settings(home=home), silent, gate)
    return found


def test_only_labels_that_count_and_came_in_time_are_used() -> None:
    log = [
        *events(6),
        feedback(1, 150.0, "withdrawn", revision=1),
        feedback(2, 151.0, "melanom"),
        feedback(77, 90.0, "benign"),
    ]
    found = labelled_cases(log)
    assert [one.arrived.case_id for one in found.cases] == ["c0", "c2", "c3", "c4", "c5"]
    assert found.apart == {"superseded": 1, "unknown case": 1, "unknown class": 1, "withdrawn": 1}
    # All three who were referred have a label, and two of the three others.
    assert found.evidence.weight.tolist() == [1.0, 1.0, 1.5, 1.0, 1.5]
    early = labelled_cases(log, until_min=103.0)
    assert [one.arrived.case_id for one in early.cases] == ["c0", "c1", "c2"]


def test_a_picture_is_held_out_by_the_rule_of_re_stacking() -> None:
    found = labelled_cases(events(30))
    held_out = [is_held_out(one.picture) for one in found.cases]
    assert found.evidence.held_out.tolist() == held_out
    assert 0 < sum(held_out) < 30


def test_copies_have_the_weights_as_their_mean() -> None:
    one = labelled_cases(events(1)).evidence
    many = replace(
        one,
        case_id=tuple(f"k{number}" for number in range(4000)),
        weight=np.where(np.arange(4000) % 2, 1.0, 4.0),
    )
    times = np.array(copies(many))
    assert times[0::2].mean() == pytest.approx(1.6, abs=0.03)  # 4 / 2.5
    assert times[1::2].mean() == pytest.approx(0.4, abs=0.03)
    assert set(times[0::2]) == {1, 2}
    assert copies(many) == times.tolist()


RESTACKED = """
name: clinic
cases: {source: synthetic}
arrivals: {rate_per_h: 6}
horizon: 30 d
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: 5 min, then: end}
staff: {reader: 1}
decision: {reader: {sensitivity: 0.9, specificity: 0.8}}
feedback: {delay: 1 d}
restack: {every: 10 d, gate: {auc_drop_max: 0.05, per: [sex]}}
"""


def test_the_gate_has_the_margins_of_the_run(tmp_path: Path) -> None:
    log = RunLog(write_run(tmp_path, events=events(1)))
    assert gate_of(log) == (GatePlan(), "default margins: there is no scenario beside the log")
    scenario, of_point = log.file.with_name("scenario.yaml"), log.file.parent / "points"
    scenario.write_text(RESTACKED)
    of_run = GatePlan(auc_drop_max=0.05, per=("sex",))
    assert gate_of(log) == (of_run, "the run's scenario")
    assert gate_of(RunLog(log.file.with_name("events-00002.jsonl")))[0] == of_run
    of_point.mkdir()
    (of_point / "001.yaml").write_text(RESTACKED.replace("0.05", "0.07"))
    for name in ("001-events.jsonl", "001-events-00003.jsonl"):
        assert gate_of(RunLog(of_point / name))[0].auc_drop_max == 0.07
    for without, why in (
        (RESTACKED.replace("{auc_drop_max: 0.05, per: [sex]}", "off"), "has its gate off"),
        (RESTACKED.partition("restack:")[0], "does not re-stack"),
    ):
        scenario.write_text(without)
        assert gate_of(log) == (GatePlan(), f"default margins: the run's scenario {why}")


def test_a_refit_is_kept_with_its_verdict_and_made_once(
    home: Path, taught: dict[str, Any], tmp_path: Path
) -> None:
    log, gate = write_run(home, events=events()), Gate()
    log.with_name("scenario.yaml").write_text(RESTACKED)
    found = made(home, log, gate, out=tmp_path / "out")
    facts = found["refit"]
    assert facts["parent"] == tiny_model().model_id != found["model_id"]
    assert facts["run"] == "run-1/events.jsonl"
    assert (facts["gate"]["verdict"], facts["gate"]["reason"]) == ("fail", "the area may fall")
    assert facts["gate"]["plan_from"] == "the run's scenario"
    assert facts["gate"]["plan"]["auc_drop_max"] == gate.plan.auc_drop_max == 0.05
    assert len(gate.every) == 30  # whether labels can be believed is asked of all of them
    # The original images come first, then the copies of cases that are not held out.
    cases = labelled_cases(events()).cases
    fitted = [one for one in cases if not is_held_out(one.picture)]
    assert len(taught["labels"]) == len(taught["groups"]) == 40 + facts["copies"]
    assert set(taught["groups"][40:]) <= {one.picture for one in fitted}
    assert taught["pixels"](40).shape == (224, 224, 3)
    judged = [one for one in cases if is_held_out(one.picture)]
    assert gate.evidence.case_id == tuple(one.arrived.case_id for one in judged)
    assert gate.ours.p_malignant.tolist() == [one.verdict.p_malignant for one in judged]
    assert gate.new.p_malignant.shape == gate.ours.p_malignant.shape
    # What is kept loads, is verified, and is found again.
    kept = ArtefactStore(home).load(found["model_id"])
    assert json.loads(json.dumps(kept.content["refit"])) == json.loads(json.dumps(facts))
    assert ArtefactStore(home).load(str(tmp_path / "out")).model_id == found["model_id"]
    again = made(home, log, gate)
    assert (again["made_anew"], again["model_id"], taught["times"]) == (False, found["model_id"], 1)
    assert made(home, log, gate, until_min=129.0)["made_anew"]  # other labels, another refit


def test_a_held_out_picture_that_was_learned_from_does_not_judge(
    home: Path, taught: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, gate = write_run(home, events=events()), Gate()
    held_out = [one for one in labelled_cases(events()).cases if is_held_out(one.picture)]
    lesson, material = module.learned_from(ArtefactStore(home).lesson(tiny_model().model_id), 1)
    known = replace(material, refs=[held_out[0].arrived.image, *material.refs[1:]])
    monkeypatch.setattr(module, "learned_from", lambda *_: (lesson, known))
    facts = made(home, log, gate)["refit"]
    assert held_out[0].arrived.case_id not in gate.evidence.case_id
    assert facts["left_out"]["held-out picture is in the original material"] == 1


def test_what_is_missing_is_said(home: Path, taught: dict[str, Any]) -> None:
    log = write_run(home, events=events(3))
    with pytest.raises(DataError, match="both classes are needed"):
        made(home, log, Gate())
    (home / "models" / "lessons" / f"{tiny_model().model_id}.json").unlink()
    with pytest.raises(ArtefactError, match="what it learned from was not kept"):
        made(home, log, Gate())
    assert taught["times"] == 0


def test_the_gates_verdict_is_the_exit_code() -> None:
    assert [exit_code(word) for word in ("pass", "fail", "few")] == [
        Exit.OK,
        Exit.GATE_FAILED,
        Exit.INCONCLUSIVE,
    ]


def test_what_a_model_learned_from_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def train(pixels: Any, labels: Any, groups: Sequence[str], **how: Any) -> Any:
        seen.update(first=pixels(0), labels=labels.tolist(), groups=groups, seed=how["seed"])
        return tiny_model()

    monkeypatch.setattr(learning, "train", train)
    taught = learning.Lesson(quick=True, seed=3)
    model, _, _ = learning.learn_synthetic(tmp_path, 12, taught, silent)  # type: ignore[arg-type]
    lesson, found = learning.learned_from(ArtefactStore(tmp_path).lesson(model.model_id), 1)
    assert (lesson.quick, lesson.seed, lesson.stem) == (True, 3, "analytic")
    assert (found.malignant.tolist(), found.groups) == (seen["labels"], seen["groups"])
    assert np.array_equal(found.imaging.pixels(found.refs[0]), seen["first"])
