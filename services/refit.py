"""Full refit: new base learners from the original material and a run's labelled cases.

The slow remedy, and an explicit one: what comes out is held against the stack in force by the
same gate as any challenger, on pictures that the new learners have not seen, and it is kept with
the gate's verdict in its manifest. It replaces nothing by itself.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.local import LocalStack
from services.artefacts import ArtefactStore
from services.config import Settings
from services.image_store import ImageStore
from services.learning import Material, code_digest, learned_from
from services.lineage import RunLog
from services.parts import parts_of
from services.refit_cases import Labelled, copies, labelled_cases
from services.refit_gate import gate_of
from twin.errors import DataError
from twin.imaging import Imaging
from twin.model import Model
from twin.ports import Opinion
from twin.restacking.answers import side_of
from twin.restacking.decision import Judge
from twin.restacking.evidence import Side
from twin.restacking.gate import judge
from twin.restacking.ledger import LedgerCase, picture_of
from twin.restacking.lineage import Lineage
from twin.restacking.plan import GatePlan
from twin.stacks import version_of
from twin.training import Progress, train

Flags = NDArray[np.bool_]
_BATCH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RefitOrder:
    """What a user asked for."""

    log: RunLog
    until_min: float = math.inf  # messages received before it count
    out: Path | None = None  # where the artefact goes beside the store


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parted:
    """Labelled cases by what they are for; flags of shape (n,)."""

    fitted: Flags
    judged: Flags
    known: int  # held-out cases whose picture was in the original material


def refit(
    order: RefitOrder, settings: Settings, bars: Progress, gate: Judge = judge
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
    plan, plan_from = gate_of(order.log)
    key = _key(order, lineage, plan)
    done = store.remembered(key)
    if done is not None:
        return _result(store, done, order, fresh=False)
    labelled = labelled_cases(order.log.events(), order.until_min)
    lesson, material = learned_from(store.lesson(parent.model_id), settings.threads)
    parted = _part(labelled, material, order)
    fitted = _some(labelled.cases, parted.fitted)
    times = copies(labelled.evidence.rows(parted.fitted))
    extra = [one for one, often in zip(fitted, times, strict=True) for _ in range(often)]
    extra_malignant = np.repeat(labelled.evidence.malignant[parted.fitted], times)
    group_of = _groups(material)
    recent = Imaging(ImageStore.of(settings))
    many = len(material.refs)
    model = train(
        lambda place: (
            material.imaging.pixels(material.refs[place])
            if place < many
            else recent.pixels(extra[place - many].arrived.image)
        ),
        np.concatenate([material.malignant, extra_malignant]),
        [*material.groups, *(group_of.get(c.picture, c.picture) for c in extra)],
        stem=lesson.weights(),
        settings=lesson.settings,
        seed=lesson.seed,
        threads=settings.threads,
        on_progress=bars,
    )
    answered, p_malignant = _score(model, labelled.cases, parted.judged, settings, bars)
    evidence = labelled.evidence.rows(answered)
    judgement = gate(
        evidence,
        side_of(version_of(champion), evidence),
        Side(p_malignant=p_malignant, threshold=model.threshold),
        plan,
        labelled.evidence,
    )
    facts = {
        "parent": parent.model_id,
        "run": order.log.name,
        "log_sha256": hashlib.sha256(order.log.file.read_bytes()).hexdigest(),
        "champion": champion.version,
        "until_min": order.until_min if math.isfinite(order.until_min) else None,
        "original_images": many,
        "fitted_cases": len(fitted),
        "copies": len(extra),
        "judged_cases": len(evidence),
        "judged_malignant": int(evidence.malignant.sum()),
        "left_out": {
            "held-out picture is in the original material": parted.known,
            "not scorable": int(parted.judged.sum()) - len(evidence),
        },
        "labels_apart": labelled.apart,
        "gate": {
            "verdict": judgement.verdict,
            "reason": judgement.reason,
            "plan": asdict(plan) | {"per": list(plan.per)},
            "plan_from": plan_from,
            "rows": [asdict(row) for row in judgement.rows],
        },
    }
    model = model.annotated(refit=facts)
    store.save(model)
    store.remember(key, model.model_id)
    return _result(store, model, order, fresh=True)


def _part(labelled: Labelled, material: Material, order: RefitOrder) -> _Parted:
    """Part the pictures as re-stacking does: two thirds to fit to, a third for the gate.

    Raises:
        DataError: a part has none of one class.
    """
    original = {picture_of(ref) for ref in material.refs}
    held_out = labelled.evidence.held_out
    unseen = held_out & np.array([case.picture not in original for case in labelled.cases], bool)
    for name, rows in (("to fit to", ~held_out), ("for the gate", unseen)):
        malignant = labelled.evidence.malignant[rows]
        if len(set(malignant.tolist())) < 2:
            reason = (
                f"{len(malignant)} labels {name}, {int(malignant.sum())} malignant: "
                "both classes are needed"
            )
            raise DataError(order.log.file, reason)
    return _Parted(fitted=~held_out, judged=unseen, known=int((held_out & ~unseen).sum()))


def _some(cases: Sequence[LedgerCase], rows: Flags) -> list[LedgerCase]:
    return [cases[place] for place in np.flatnonzero(rows).tolist()]


def _groups(material: Material) -> Mapping[str, str]:
    """Return the lesion of each original picture: a patient with it belongs to its fold."""
    pairs = zip(material.refs, material.groups, strict=True)
    return {picture_of(ref): group for ref, group in pairs}


def _score(
    model: Model,
    cases: Sequence[LedgerCase],
    wanted: Flags,
    settings: Settings,
    bars: Progress,
) -> tuple[Flags, NDArray[np.float64]]:
    """Return which of the wanted cases the new model can score, shape (n,), and probabilities."""
    stack = LocalStack(parts_of(model), ImageStore.of(settings))
    answered = np.zeros(len(cases), np.bool_)
    p_malignant: list[float] = []
    places = np.flatnonzero(wanted).tolist()
    try:
        for first in range(0, len(places), _BATCH):
            some = places[first : first + _BATCH]
            answers = stack.submit([cases[place].arrived.image for place in some]).collect()
            for place, answer in zip(some, answers, strict=True):
                if isinstance(answer, Opinion):
                    answered[place] = True
                    p_malignant.append(answer.p_malignant)
            bars("held-out images", first + len(some), len(places))
    finally:
        stack.close()
    return answered, np.array(p_malignant, np.float64)


def _key(order: RefitOrder, lineage: Lineage, plan: GatePlan) -> str:
    """Return a hash of all that decides a refit."""
    decisive = (
        "refit",
        hashlib.sha256(order.log.file.read_bytes()).hexdigest(),
        repr(order.until_min),
        repr(plan),
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
