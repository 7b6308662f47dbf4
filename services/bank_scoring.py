"""Scores the images of a bank in this process, on all cores."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Final

import numpy as np

from services.base_scores import BaseScore, BaseScores
from simulator.cases.bank import Scores
from twin.images import ImageRef, name_of
from twin.meta import MetaStack
from twin.ports import Answer, Opinion, Unscorable

BATCH: Final = 32  # images scored and committed together; assumption: some seconds of work

Score = Callable[[Sequence[ImageRef]], list[Answer]]
Open = Callable[[], tuple[Score, Callable[[], None]]]  # builds a stack: how to score, and close


def score_all(
    images: Sequence[ImageRef],
    kept: BaseScores,
    open_stack: Open,
    meta: MetaStack,
    *,
    threads: int,
    on_progress: Callable[[int, int], None],
) -> tuple[Scores, int]:
    """Return the scores of images, and how many were scored now.

    Parameters:
        images: in the order of the bank's entries.
        kept: scores from before; new ones are added to it batch by batch.
        open_stack: called once for every two threads, as a stem uses two, and not at all if all
            scores are known.
        meta: makes probabilities of log-odds.
        threads: that may be busy at once.
        on_progress: called with images done, and all of them.
    """
    answers: dict[int, BaseScore | Unscorable] = dict(kept.known(images))
    todo = [place for place in range(len(images)) if place not in answers]
    on_progress(len(answers), len(images))
    if todo:
        batches = [todo[first : first + BATCH] for first in range(0, len(todo), BATCH)]
        with _stacks(open_stack, min(max(1, threads // 2), len(batches))) as stacks:
            for places, found in _scored(stacks, batches, images):
                said = [
                    BaseScore(one.log_odds, one.sketch) if isinstance(one, Opinion) else one
                    for one in found
                ]
                kept.keep(
                    (images[place], one)
                    for place, one in zip(places, said, strict=True)
                    if not isinstance(one, Unscorable)
                )
                answers.update(zip(places, said, strict=True))
                on_progress(len(answers), len(images))
    return _columns(answers, images, meta), len(todo)


@contextmanager
def _stacks(open_stack: Open, count: int) -> Iterator[list[Score]]:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    opened = []
    try:
        for _ in range(count):
            opened.append(open_stack())
        # Images are rendered side by side: with BLAS threads of each beside them, two cores made
        # 34 images a second instead of 57 (measured on a busy machine).
        with threadpool_limits(1, user_api="blas"):
            yield [score for score, _ in opened]
    finally:
        for _, close in opened:
            close()


def _scored(
    stacks: Sequence[Score], batches: Sequence[Sequence[int]], images: Sequence[ImageRef]
) -> Iterator[tuple[Sequence[int], list[Answer]]]:
    """Yield batches as they come; each stack has one at a time."""
    waiting: dict[Future[list[Answer]], tuple[Sequence[int], Score]] = {}
    coming = iter(batches)
    with ThreadPoolExecutor(len(stacks), thread_name_prefix="bank") as pool:

        def begin(score: Score) -> None:
            places = next(coming, None)
            if places is not None:
                future = pool.submit(score, [images[place] for place in places])
                waiting[future] = (places, score)

        for score in stacks:
            begin(score)
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                places, score = waiting.pop(future)
                found = future.result()
                begin(score)
                yield places, found


def _columns(
    answers: Mapping[int, BaseScore | Unscorable], images: Sequence[ImageRef], meta: MetaStack
) -> Scores:
    p_malignant = np.full(len(images), np.nan)
    log_odds = np.full((len(images), len(meta.learners)), np.nan)
    columns_seen = max(
        (len(one.sketch) for one in answers.values() if isinstance(one, BaseScore)), default=0
    )
    sketch = np.full((len(images), columns_seen), np.nan)
    faults = {}
    for place, image in enumerate(images):
        said = answers[place]
        if isinstance(said, Unscorable):
            start = f"image {name_of(image)}: "
            faults[place] = f"{start}{said.reason.removeprefix(start)}"
        else:
            log_odds[place] = [said.log_odds.get(name, np.nan) for name in meta.learners]
            sketch[place, : len(said.sketch)] = said.sketch
    scored = np.isfinite(log_odds).any(axis=1)
    if scored.any():
        # By the stack's own function, case by case: the bits that the twin in the loop would give.
        columns = dict(zip(meta.learners, log_odds[scored].T, strict=True))
        p_malignant[scored] = meta.probability(columns)
    return Scores(
        p_malignant=p_malignant,
        log_odds=log_odds,
        learners=meta.learners,
        faults=faults,
        sketch=sketch,
    )
