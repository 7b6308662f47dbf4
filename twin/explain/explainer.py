"""Explains images with a model's files: maps, and how faithful they are."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from twin.errors import InvariantError
from twin.explain.explanation import Explanation
from twin.explain.faithfulness import faithfulness
from twin.explain.fillings import blurred
from twin.explain.gradient_explainers import GradientExplainers
from twin.explain.maps import Map, Pixels, scaled
from twin.explain.methods import METHODS
from twin.explain.stack_score import StackScore
from twin.meta import MetaStack
from twin.model import Files, learner_of, meta_of, sketch_of, stem_of

_SEED: Final = 0  # of random maps: the same image has the same ones


class Explainer:
    """Makes maps of images; imports TensorFlow.

    Parameters:
        files: of the model: all that the stack is made of, and its surrogate.
        learners: names of the base learners among them.
    """

    def __init__(self, files: Files, learners: Sequence[str], model_id: str) -> None:
        self._model_id = model_id
        self._stem, self._sketch = stem_of(files), sketch_of(files)
        self._learners = {name: learner_of(files, name) for name in learners}
        self._meta = meta_of(files)
        self._gradients = GradientExplainers(files, model_id)

    def explain(
        self,
        pixels: Pixels,
        methods: Sequence[str],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
        *,
        checked: bool = False,
    ) -> Explanation:
        """Return one map per method.

        Parameters:
            pixels: RGB, shape (224, 224, 3).
            methods: names of `twin.explain.methods.METHODS`.
            meta: the stack version that answered; None for the model's own.
            absent: learners that gave no vote.
            checked: measure deletion and insertion of each map, too; some hundred scorings each.

        Raises:
            DependencyError: no learner is left.
            InvariantError: there is no such method.
        """
        score = self.score(meta, absent)
        maps = tuple(self.map(pixels, name, meta, absent) for name in methods)
        checks = {}
        if checked:
            filling = blurred(pixels)
            checks = {
                one.method: faithfulness(pixels, one, score, filling, seed=_SEED) for one in maps
            }
        log_odds = float(score(pixels[np.newaxis])[0])
        return Explanation(log_odds=log_odds, maps=maps, checks=checks)

    def score(
        self, meta: MetaStack | None = None, absent: frozenset[str] = frozenset()
    ) -> StackScore:
        """Return the true stack as a function of pixels; parameters as above."""
        there = {name: one for name, one in self._learners.items() if name not in absent}
        return StackScore(self._stem, self._sketch, there, meta or self._meta)

    def map(
        self,
        pixels: Pixels,
        method: str,
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> Map:
        """Return the map of one method; parameters and errors as above."""
        if method not in METHODS:
            raise InvariantError(f"no explainer {method}; there are {', '.join(METHODS)}")
        ask = METHODS[method].ask
        if ask is not None:
            raw = ask(pixels, self.score(meta, absent), blurred(pixels))
            return scaled(raw, method=method, fidelity=1.0, model_id=self._model_id)
        return self._gradients.maps(pixels[np.newaxis], method, meta=meta, absent=absent)[0]
