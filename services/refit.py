"""Full refit: new base learners from the original material and a run's labelled cases.

The slow remedy, and an explicit one: what comes out is held against the stack in force by the
same gate as any challenger, on pictures that the new learners have not seen, and it is kept with
the gate's verdict in its manifest. It replaces nothing by itself.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from actors.local import LocalStack
from services.artefacts import ArtefactStore
from services.config import Settings
from services.image_store import ImageStore
from services.learning import Material, code_digest, learned_from
from services.lineage import RunLog
from services.parts import parts_of
from services.refit_cases import Labelled, LabelledCase, copies, labelled_cases, picture_of
from twin.errors import DataError
from twin.groups import AGE_BAND_STARTS, AGE_BANDS, GROUP_OF_TONE
from twin.imaging import Imaging
from twin.learners.registry import LEARNERS
from twin.model import Model
from twin.ports import Opinion
from twin.restacking.comparison import columns_of
from twin.restacking.evidence import Evidence, Side
from twin.restacking.gate import Judgement, judge
from twin.restacking.lineage import Lineage
from twin.restacking.plan import GatePlan
from twin.stacks import version_of
from twin.training import Progress, train

Gate = Callable[[Evidence, Side, Side, GatePlan], Judgement]
_BATCH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RefitOrder:
    """What a user asked for."""

    log: RunLog
    until_min: float = math.inf  # messages received before it count
    out: Path | None = None  # where the artefact goes beside the store
    gate: GatePlan = field(default_factory=GatePlan)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parted:
    """Labelled cases by what they are for."""

    fitted: tuple[LabelledCase, ...]
    judged: tuple[LabelledCase, ...]
    known: int  # held-out cases whose picture was in the original material


def refit(
    order: RefitOrder, settings: Settings, bars: Progress, gate: Gate = judge
) -> dict[str, Any]:
    """Train a new model and hold it against the champion; return what came out, JSON values.

    Nothing is written before all is done, so an interruption leaves nothing behind; the same
    refit is not made twice.

    Raises:
        DataError: the log has no stack versions or too few labels, or was altered.
        ArtefactError: the run's model or what it learned from is not in this home.
    """
    lineage = order.log.lineage()
    champion = lineage.in_force(order.until_min)
    store = ArtefactStore(settings.home)
    parent = store.load(champion.model_id)
    key = _key(order, lineage)
    done = store.remembered(key)
    if done is not None:
        return _result(store, done, order, fresh=False)
    labelled = labelled_cases(order.log.events(), order.until_min)
    lesson, material = learned_from(store.lesson(parent.model_id), settings.threads)
    parted = _part(labelled, material, order)
    times = copies(parted.fitted)
    extra = [one for one, often in zip(parted.fitted, times, strict=True) for _ in range(often)]
    group_of = _groups(material)
    recent = Imaging(ImageStore.of(settings))
    many = len(material.refs)
    model = train(
        lambda place: (
            material.imaging.pixels(material.refs[place])
            if place < many
            else recent.pixels(extra[place - many].arrived.image)
        ),
        np.concatenate([material.malignant, np.array([c.malignant for c in extra], np.bool_)]),
        [*material.groups, *(group_of.get(c.picture, c.picture) for c in extra)],
        stem=lesson.weights(),
        settings=lesson.settings,
        seed=lesson.seed,
        threads=settings.threads,
        on_progress=bars,
    )
    scored, p_malignant, unscorable = _score(model, parted.judged, settings, bars)
    evidence = evidence_of(scored)
    stack = version_of(champion)
    ours = [
        stack.meta.weights_for(c.verdict.log_odds).p_malignant(columns_of(c.verdict))
        for c in scored
    ]
    judgement = gate(
        evidence,
        Side(p_malignant=np.array(ours), threshold=stack.threshold),
        Side(p_malignant=np.array(p_malignant), threshold=model.threshold),
        order.gate,
    )
    facts = {
        "parent": parent.model_id,
        "run": order.log.name,
        "log_sha256": hashlib.sha256(order.log.file.read_bytes()).hexdigest(),
        "champion": champion.version,
        "until_min": order.until_min if math.isfinite(order.until_min) else None,
        "original_images": many,
        "fitted_cases": len(parted.fitted),
        "copies": len(extra),
        "judged_cases": len(scored),
        "judged_malignant": int(evidence.malignant.sum()),
        "left_out": {
            "held-out picture is in the original material": parted.known,
            "not scorable": unscorable,
        },
        "labels_apart": labelled.apart,
        "gate": {
            "verdict": judgement.verdict,
            "reason": judgement.reason,
            "plan": asdict(order.gate) | {"per": list(order.gate.per)},
            "rows": [asdict(row) for row in judgement.rows],
        },
    }
    model = model.annotated(refit=facts)
    store.save(model)
    store.remember(key, model.model_id)
    return _result(store, model, order, fresh=True)


def evidence_of(cases: Sequence[LabelledCase]) -> Evidence:
    """Return labelled cases as the gate takes them."""
    learners = list(LEARNERS)
    columns = max((len(one.verdict.sketch) for one in cases), default=0)
    names = {one.picture: 0 for one in cases}
    place = {name: number for number, name in enumerate(names)}
    bare = (math.nan,) * columns
    return Evidence(
        case_id=tuple(one.arrived.case_id for one in cases),
        at_min=np.array([one.arrived.at_min for one in cases], np.float64),
        log_odds=np.array(
            [[one.verdict.log_odds.get(name, math.nan) for name in learners] for one in cases],
            np.float64,
        ).reshape(len(cases), len(learners)),
        sketch=np.array([one.verdict.sketch or bare for one in cases], np.float64),
        malignant=np.array([one.malignant for one in cases], np.bool_),
        referred=np.array([one.referred for one in cases], np.bool_),
        p_verified=np.array([one.p_verified for one in cases], np.float64),
        weight=np.array([one.weight for one in cases], np.float64),
        image=np.array([place[one.picture] for one in cases], np.intp),
        held_out=np.ones(len(cases), np.bool_),
        groups={
            "sex": tuple(one.arrived.sex for one in cases),
            "age_band": tuple(_age_band(one.arrived.age) for one in cases),
            "skin_tone": tuple(GROUP_OF_TONE.get(one.arrived.skin_tone or "") for one in cases),
            "site": tuple(one.arrived.site for one in cases),
        },
    )


def _part(labelled: Labelled, material: Material, order: RefitOrder) -> _Parted:
    """Part the pictures: two thirds to fit, a third for the gate.

    Raises:
        DataError: a part has none of one class.
    """
    original = {picture_of(ref) for ref in material.refs}
    held_out = [one for one in labelled.cases if one.held_out]
    unseen = tuple(one for one in held_out if one.picture not in original)
    fitted = tuple(one for one in labelled.cases if not one.held_out)
    for part, cases in (("to fit to", fitted), ("for the gate", unseen)):
        if len({one.malignant for one in cases}) < 2:
            malignant = sum(one.malignant for one in cases)
            reason = f"{len(cases)} labels {part}, {malignant} malignant: both classes are needed"
            raise DataError(order.log.file, reason)
    return _Parted(fitted=fitted, judged=unseen, known=len(held_out) - len(unseen))


def _groups(material: Material) -> Mapping[str, str]:
    """Return the lesion of each original picture: a patient with it belongs to its fold."""
    pairs = zip(material.refs, material.groups, strict=True)
    return {picture_of(ref): group for ref, group in pairs}


def _score(
    model: Model, cases: Sequence[LabelledCase], settings: Settings, bars: Progress
) -> tuple[list[LabelledCase], list[float], int]:
    """Return the cases that the new model can score, its probabilities, and how many it cannot."""
    stack = LocalStack(parts_of(model), ImageStore.of(settings))
    scored: list[LabelledCase] = []
    p_malignant: list[float] = []
    try:
        for first in range(0, len(cases), _BATCH):
            some = cases[first : first + _BATCH]
            answers = stack.submit([one.arrived.image for one in some]).collect()
            for one, answer in zip(some, answers, strict=True):
                if isinstance(answer, Opinion):
                    scored.append(one)
                    p_malignant.append(answer.p_malignant)
            bars("held-out images", first + len(some), len(cases))
    finally:
        stack.close()
    return scored, p_malignant, len(cases) - len(scored)


def _age_band(age: int | None) -> str | None:
    if age is None:
        return None
    return AGE_BANDS[int(np.searchsorted(AGE_BAND_STARTS[1:], age, side="right"))]


def _key(order: RefitOrder, lineage: Lineage) -> str:
    """Return a hash of all that decides a refit."""
    decisive = (
        "refit",
        hashlib.sha256(order.log.file.read_bytes()).hexdigest(),
        repr(order.until_min),
        repr(order.gate),
        lineage.versions[0].model_id,
        code_digest(),
    )
    return hashlib.sha256("\n".join(decisive).encode()).hexdigest()[:24]


def _result(
    store: ArtefactStore, model: Model, order: RefitOrder, *, fresh: bool
) -> dict[str, Any]:
    directory = store.export(model, order.out) if order.out else store.save(model)
    return {
        "model_id": model.model_id,
        "model_dir": str(directory),
        "made_anew": fresh,
        "refit": model.content["refit"],
    }
