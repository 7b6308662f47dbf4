"""Which features and settings tell malignant from benign, by cross-validation inside train alone?

The trials of docs/accuracy.md. Lesions are never apart; every fold fits its own standardisation,
weights and axes. The test images are not read. A standard error is that of a bootstrap over lesions
of the mean over fold seeds; a difference is paired. `ham` is the AUC on HAM10000's nevi and
melanomas alone, where the source of the file tells nothing.

    python -m benchmarks.accuracy_trials --cache DIR --only mirror --seeds 2

A trial screens with one SVM (no sigmoid: a logistic over its held-out decisions), or, where its
name begins with `six`, fits all six learners and the meta-learner as training does. Features and
held-out scores are kept in DIR, and a run that was stopped goes on where it was.
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy_blocks import BLOCKS, Look
from simulator.cases.datasets import load_images
from twin.codebook import fit_codebook
from twin.decoding import decode
from twin.evaluate import auc
from twin.folds import lesion_folds
from twin.kernels import fit_view, relevance
from twin.l1_logistic import log_loss
from twin.learners.registry import LEARNERS
from twin.meta import Folds, choose_penalty, held_out, penalty_path
from twin.stem_weights import analytic, calibrated
from twin.training import FULL

Floats = NDArray[np.float64]
_TINY: Final = 1e-4  # penalty of the logistic over one SVM
_DRAWS: Final = 300  # of lesions
_METRICS: Final = ("auc", "accuracy", "ham", "log_loss", "brier")


@dataclass(frozen=True, slots=True)
class Trial:
    """One row of the table."""

    name: str
    blocks: tuple[str, ...]  # side by side
    against: str  # the trial it is compared with; itself for the first
    weighed: bool = False  # by relevance
    views: tuple[str, ...] = ()  # blocks of moved images: more rows to fit on
    coded: tuple[str, ...] = ()  # learners that see a codebook's code and nothing else


_BOTH: Final = ("symmetric", "mirror")
_CODED: Final = ("knn", "xgboost", "gradient_boosting", "catboost", "random_forest")
TRIALS: Final = {
    trial.name: trial
    for trial in (
        Trial("symmetric", ("symmetric",), "symmetric"),
        *(
            Trial(f"+ {name}", ("symmetric", name), "symmetric")
            for name in BLOCKS
            if name not in ("symmetric", "shifted", "zoomed")
        ),
        Trial("half, quarter", ("half", "quarter"), "symmetric"),
        Trial("rows shifted", ("symmetric",), "symmetric", views=("shifted",)),
        Trial("rows zoomed", ("symmetric",), "symmetric", views=("zoomed",)),
        Trial("weighed", ("symmetric",), "symmetric", weighed=True),
        Trial("weighed + mirror", _BOTH, "weighed", weighed=True),
        Trial("weighed + four-zones", ("symmetric", "four-zones"), "weighed", weighed=True),
        Trial("weighed + structure", ("symmetric", "structure"), "weighed", weighed=True),
        Trial("weighed + mirror + variogram", (*_BOTH, "variogram"), "weighed + mirror", True),
        Trial("six symmetric", ("symmetric",), "six symmetric"),
        Trial("six weighed", ("symmetric",), "six symmetric", weighed=True),
        Trial("six weighed + mirror", _BOTH, "six symmetric", weighed=True),
        *(
            Trial(f"six, code: {', '.join(who)}", _BOTH, "six weighed + mirror", True, (), who)
            for who in (("knn",), ("knn", "xgboost"), ("knn", "svm"), _CODED)
        ),
    )
}


class Bench:
    """The training images, and what was worked out of them before."""

    def __init__(self, data: Path, cache: Path) -> None:
        self._data, self._cache = data, cache
        self._images = load_images(data, split="train")
        self.y = np.array([image.malignant for image in self._images])
        self.groups = [image.group for image in self._images]
        with (data / "manifest.csv").open(newline="") as file:
            rows = {row["sha256"]: row for row in csv.DictReader(file)}
        matched = [rows[image.sha256] for image in self._images]
        self.ham = np.array(
            [row["match_set"] == "HAM10000" and row["dx"] in ("nv", "mel") for row in matched]
        )
        self._look: Look | None = None
        cache.mkdir(parents=True, exist_ok=True)

    def features(self, name: str) -> NDArray[np.float32]:
        """Return a block's features of all images, shape (n, c)."""
        file = self._cache / f"block-{name}.npy"
        if not file.exists():
            look = self._look = self._look or self._new_look()
            started_s, found = time.process_time(), []
            for place in range(len(self.y)):
                found.append(BLOCKS[name](look, self._pixels(place)))
                _tell(f"features {name}", place + 1, len(self.y))
            took_ms = (time.process_time() - started_s) / len(self.y) * 1e3
            _say(f"{name}: {len(found[0])} features, {took_ms:.1f} processor ms an image, decoded")
            _keep(file, np.stack(found))
        kept: NDArray[np.float32] = np.load(file)
        return kept

    def scores(self, trial: Trial, learner: str, seed: int, folds: Folds) -> Floats:
        """Return a learner's held-out scores, shape (n,)."""
        # Trees see no distances, so weights change nothing for them
        weighed = trial.weighed and learner in ("svm", "knn", "screen")
        if learner in trial.coded:
            return self._coded_scores(learner, seed, folds, weighed=weighed)
        parts = [*trial.blocks, *(["weighed"] if weighed else []), *trial.views, learner]
        file = self._cache / f"scores-{'-'.join(parts)}-{seed}.npy"
        if not file.exists():
            x = np.concatenate([self.features(name) for name in trial.blocks], axis=1)
            views = [x, *(self.features(name) for name in trial.views)]
            z, started_s = np.empty(len(self.y)), time.process_time()
            for done, (seen, unseen) in enumerate(folds):
                rows = np.concatenate([view[seen] for view in views])
                labels = np.tile(self.y[seen], len(views))
                z[unseen] = _answers(learner, rows, labels, x[unseen], weighed=weighed, seed=seed)
                _tell(f"{trial.name}: {learner}, seed {seed}", done + 1, len(folds))
            took_s = time.process_time() - started_s
            _say(f"{trial.name}: {learner}, seed {seed}: {took_s:.0f} processor seconds")
            _keep(file, z)
        kept: Floats = np.load(file)
        return kept

    def _coded_scores(self, learner: str, seed: int, folds: Folds, *, weighed: bool) -> Floats:
        """Return held-out scores of a learner that sees codes; each fold has its own codebook."""
        file = self._cache / f"scores-code-{'weighed-' if weighed else ''}{learner}-{seed}.npy"
        if not file.exists():
            z = np.empty(len(self.y))
            for fold, (seen, unseen) in enumerate(folds):
                x = self._codes(seed, fold, seen)
                z[unseen] = _answers(
                    learner, x[seen], self.y[seen], x[unseen], weighed=weighed, seed=seed
                )
                _tell(f"code: {learner}, seed {seed}", fold + 1, len(folds))
            _keep(file, z)
        kept: Floats = np.load(file)
        return kept

    def _codes(self, seed: int, fold: int, seen: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the code of every image, by a codebook fitted to a sample of the seen ones."""
        file = self._cache / f"codes-{seed}-{fold}.npy"
        if not file.exists():
            look = self._look = self._look or self._new_look()
            step = -(-len(seen) // FULL.calibration_images)
            book = fit_codebook([look.moments(self._pixels(place)) for place in seen[::step]], seed)
            found = []
            for place in range(len(self.y)):
                found.append(book.encode(look.moments(self._pixels(place))))
                _tell(f"codes, seed {seed}, fold {fold + 1}", place + 1, len(self.y))
            _keep(file, np.stack(found))
        kept: NDArray[np.float32] = np.load(file)
        return kept

    def _pixels(self, place: int) -> NDArray[np.uint8]:
        path = self._images[place].path
        return decode((self._data / path).read_bytes(), path)

    def _new_look(self) -> Look:
        step = -(-len(self.y) // FULL.calibration_images)
        sample = (self._pixels(place) for place in range(0, len(self.y), step))
        return Look(calibrated(analytic(), sample, FULL.response_sd))


def _answers(
    learner: str,
    x: NDArray[np.float32],
    y: NDArray[np.bool_],
    asked: NDArray[np.float32],
    *,
    weighed: bool,
    seed: int,
) -> Floats:
    """Fit, and return answers for rows that were not seen."""
    told = LEARNERS["svm" if learner == "screen" else learner].defaults
    if learner != "screen":
        settings = {**told, **({"relevance": 1.0} if weighed else {})}
        return LEARNERS[learner].fit(x, y, seed=seed, settings=settings).score(asked)
    from sklearn.svm import SVC

    view = fit_view(x, int(told["dimensions"]), relevance(x, y) if weighed else None)
    # Quicker than row by row; last bits do not matter here
    near, far = (((rows - view.mean) / view.scale) @ view.axes for rows in (x, asked))
    gamma = float(told["gamma"]) / (near.shape[1] * float(near.var()))
    answers: Floats = (
        SVC(C=told["C"], gamma=gamma, cache_size=400).fit(near, y).decision_function(far)
    )
    return answers


def stacked(bench: Bench, trial: Trial, seed: int) -> Floats:
    """Return held-out log-odds of a trial, shape (n,)."""
    folds = lesion_folds(bench.y, bench.groups, FULL.folds, seed)
    names = list(LEARNERS) if trial.name.startswith("six") else ["screen"]
    z = np.stack([bench.scores(trial, name, seed, folds) for name in names], axis=1)
    path = penalty_path(z, bench.y, folds) if len(names) > 1 else None
    penalty = choose_penalty(path) if path else _TINY
    return held_out(z, bench.y, folds, penalty)


def figures(bench: Bench, z: Floats, rows: NDArray[np.intp] | slice = slice(None)) -> Floats:
    """Return the metrics, in the order of `_METRICS`, of some rows."""
    y, z, ham = bench.y[rows], z[rows], bench.ham[rows]
    p = 1 / (1 + np.exp(-z))
    found = (
        auc(p, y),
        ((p >= 0.5) == y).mean(),
        auc(p[ham], y[ham]),
        log_loss(z, y),
        ((p - y) ** 2).mean(),
    )
    return np.array(found, np.float64)


def drawn(groups: Sequence[str]) -> list[NDArray[np.intp]]:
    """Return rows of bootstrap samples of lesions."""
    _, of = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(of == lesion) for lesion in range(of.max() + 1)]
    stream = np.random.default_rng(0)
    draws = (stream.integers(len(members), size=len(members)) for _ in range(_DRAWS))
    return [np.concatenate([members[lesion] for lesion in draw]) for draw in draws]


def main() -> None:
    """Run the trials asked for and print their table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="where to keep what was found")
    parser.add_argument("--only", choices=list(TRIALS), action="append", help="default: all")
    parser.add_argument("--seeds", type=int, default=2, help="of folds")
    asked = parser.parse_args()
    if not os.environ.get("DERMTWIN_DATA"):
        sys.exit("set DERMTWIN_DATA to a directory of images with train and test splits")
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        bench = Bench(Path(os.environ["DERMTWIN_DATA"]), asked.cache)
        draws = drawn(bench.groups)
        table = Table("trial", "features", *_METRICS, "auc against", "accuracy against")
        for trial in (TRIALS[name] for name in asked.only or TRIALS):
            table.add_row(*_row(bench, trial, asked.seeds, draws))
        Console(width=200).print(table)


def _row(bench: Bench, trial: Trial, seeds: int, draws: list[NDArray[np.intp]]) -> list[str]:
    """Return a row of the table: figures, standard errors, and differences with theirs."""
    zs, others = (
        [stacked(bench, one, seed) for seed in range(seeds)]
        for one in (trial, TRIALS[trial.against])
    )
    mean, base = (np.mean([figures(bench, z) for z in each], axis=0) for each in (zs, others))
    again = [
        [np.mean([figures(bench, z, rows) for z in each], axis=0) for rows in draws]
        for each in (zs, others)
    ]
    se = np.std(again[0], axis=0)
    apart = np.std(np.subtract(again[0], again[1]), axis=0)
    width = sum(bench.features(name).shape[1] for name in trial.blocks)
    told = [f"{value:.4f} ± {error:.4f}" for value, error in zip(mean, se, strict=True)]
    gains = [f"{mean[place] - base[place]:+.4f} ± {apart[place]:.4f}" for place in (0, 1)]
    _say(f"{trial.name}: {told[0]} {told[1]} {told[2]} against {trial.against}: {' '.join(gains)}")
    return [trial.name, str(width), *told, *gains]


def _keep(file: Path, array: NDArray[Any]) -> None:
    """Write a file whole or not at all, so that a stopped run leaves nothing half."""
    part = file.with_suffix(".part.npy")
    np.save(part, array)
    part.replace(file)


def _tell(what: str, done: int, total: int) -> None:
    """Show progress on a terminal, in one line that is written over."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{what}: {done} of {total}", end=end, file=sys.stderr, flush=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
