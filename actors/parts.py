"""The parts of a model artefact as the hosts want them: bytes, one bundle per component."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A verified artefact, split by component so that each actor is sent only its own."""

    model_id: str
    threshold: float  # the model's own operating point on p_malignant
    stem: Mapping[str, bytes]  # file name -> content
    learners: Mapping[str, Mapping[str, bytes]]  # learner -> file name -> content
    meta: Mapping[str, bytes]
    surrogate: Mapping[str, bytes]  # with all that its gradients go through
    reference: Mapping[str, bytes]  # for those who re-stack and watch for drift

    @property
    def explained(self) -> dict[str, bytes]:
        """What an explainer needs: all that the stack's answer is made of, and its surrogate."""
        files = {**self.stem, **self.meta, **self.surrogate}
        for part in self.learners.values():
            files |= part
        return files
