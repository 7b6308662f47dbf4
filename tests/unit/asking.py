"""Explaining without TensorFlow, and cases to explain."""

import threading
from dataclasses import replace

import numpy as np
from samples import arrived, verdict

from twin.explain.explanation import Explanation
from twin.explain.faithfulness import Faithfulness
from twin.explain.maps import scaled
from twin.meta import MetaStack, MetaWeights
from twin.ports import Unscorable

MODEL = "m" * 12
OWN = MetaStack(
    learners=("svm", "knn"),
    penalty=0.01,
    stacks={
        ("svm", "knn"): MetaWeights(intercept=-0.5, weights={"svm": 2.0, "knn": 1.0}),
        ("svm",): MetaWeights(intercept=0.25, weights={"svm": 3.0}),
        ("knn",): MetaWeights(intercept=0.0, weights={"knn": 1.0}),
    },
)
ARRIVED = arrived("c1")
VERDICT = replace(verdict("c1"), model_id=MODEL)  # svm 1.5, knn -0.25


class FakeExplaining:
    """Answers with a ramp; waits for `go`; fails with `failures` first."""

    def __init__(self):
        self.asked = []
        self.failures = []
        self.go = threading.Event()
        self.go.set()
        self.began = threading.Event()

    def explain(self, images, methods, meta=None, absent=frozenset(), *, checked=False):
        self.asked.append((tuple(images), tuple(methods), meta, absent, checked))
        self.began.set()
        assert self.go.wait(20)
        if self.failures:
            raise self.failures.pop(0)
        answers = []
        for ref in images:
            if getattr(ref, "sha256", "").startswith("x"):
                answers.append(Unscorable(reason="truncated"))
                continue
            ramp = np.tile(np.arange(224.0), (224, 1))
            maps = tuple(scaled(ramp, method=one, fidelity=0.8, model_id=MODEL) for one in methods)
            line, lines = np.array([2.0, 0.0]), np.array([[4.0, 0.0], [4.0, 2.0]])
            check = Faithfulness(
                deletion=line, insertion=line, random_deletion=lines, random_insertion=lines
            )
            checks = dict.fromkeys(methods, check) if checked else {}
            answers.append(Explanation(log_odds=2.25, maps=maps, checks=checks))
        return answers
