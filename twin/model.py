"""The model artefact: files of plain data, sealed by a manifest, named by their content.

There is no pickle in it, so loading a model never runs code. Each component loads its own part
and imports only what that part needs.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from twin.arrays import pack, unpack
from twin.codebook import Codebook, codebook_of
from twin.errors import ArtefactError
from twin.explain.surrogate import Surrogate, load_surrogate
from twin.features import FEATURES
from twin.learners.contract import Fitted
from twin.learners.registry import LEARNERS
from twin.learners.sight import sighted
from twin.meta import MetaStack, load_meta
from twin.reference import Reference, load_reference
from twin.sketch import Sketch, load_sketch
from twin.stem import Stem
from twin.stem_weights import StemWeights
from twin.training_cases import TrainingCases, load_training_cases

FORMAT: Final = 4  # raise it when an older program would misread a newer artefact
MANIFEST: Final = "manifest.json"
STEM: Final = "stem"
META: Final = "meta"
REFERENCE: Final = "reference"
SURROGATE: Final = "surrogate"
CASES: Final = "cases"
_STEM_FILE: Final = "stem.npz"
_CODE: Final = "codebook_"  # begins the names of the codebook's arrays in it
_SKETCH_FILE: Final = "sketch.npz"
_META_FILE: Final = "meta.json"
_REFERENCE_FILE: Final = "reference.npz"
_SURROGATE_FILE: Final = "surrogate.npz"
_CASES_FILE: Final = "cases.npz"
_NAMED: Final = {
    STEM: (_STEM_FILE, _SKETCH_FILE),
    META: (_META_FILE,),
    REFERENCE: (_REFERENCE_FILE,),
    CASES: (_CASES_FILE,),
    # Whoever takes gradients needs all that they go through.
    SURROGATE: (_SURROGATE_FILE, _STEM_FILE, _SKETCH_FILE, _META_FILE),
}

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A verified artefact in memory."""

    content: Mapping[str, Any]  # the manifest without its seal; JSON values only
    files: Files  # file name -> content, the manifest among them

    @classmethod
    def from_files(cls, files: Files, name: str) -> Self:
        """Verify an artefact and return it.

        Parameters:
            files: file name -> content.
            name: where it comes from, for messages.

        Raises:
            ArtefactError: a file is missing, unknown or altered, or the format is another.
        """
        content = _verified_manifest(files, name)
        _verify_files(files, content, name)
        return cls(content=content, files=dict(files))

    @property
    def model_id(self) -> str:
        """First 12 hex digits of the sha256 of the manifest's content, which seals all files."""
        return _seal(self.content)

    @property
    def threshold(self) -> float:
        """Operating point on p_malignant."""
        return float(self.content["threshold"])

    @property
    def learners(self) -> tuple[str, ...]:
        """Base learners, in the registry's order."""
        return tuple(name for name in LEARNERS if name in self.content["learners"])

    def part(self, component: str) -> dict[str, bytes]:
        """Return the files of a component: `stem`, `meta`, a learner, or another name above."""
        names = _NAMED.get(component) or (LEARNERS[component].file,)
        return {name: self.files[name] for name in names}

    def manifest(self) -> bytes:
        """Return the content with its seal, as it is written."""
        return _manifest(self.content)

    def annotated(self, **facts: object) -> "Model":
        """Return the model with more facts in its manifest, JSON values; its id is another."""
        content = {**self.content, **facts}
        return Model(content=content, files={**self.files, MANIFEST: _manifest(content)})

    def report(self) -> dict[str, Any]:
        """Return what training found out: per learner and for the stack, out of fold."""
        meta = self.content["meta"]
        return {
            "stem": self.content["stem"],
            "features": self.content["features"],
            "learners": {
                name: {
                    **self.content["learners"][name]["out_of_fold"],
                    "meta_weight": meta["weights"][name],
                }
                for name in self.learners
            },
            "stack": {**meta["out_of_fold"], "penalty": meta["penalty"]},
        }


def build(
    *,
    stem: StemWeights,
    features: str,
    codebook: Codebook | None,
    learners: Mapping[str, Fitted],
    meta: MetaStack,
    sketch: Sketch,
    reference: Reference,
    surrogate: Surrogate,
    cases: TrainingCases,
    facts: Mapping[str, Any],
) -> Model:
    """Put a model together.

    Parameters:
        features: name of the feature set.
        codebook: whose code follows the set's features; None where there is no code.
        facts: the rest of the manifest: threshold, per-learner and other facts, JSON values.
    """
    code = codebook.arrays() if codebook else {}
    files = {
        _STEM_FILE: pack(
            {
                "kernel": stem.kernel,
                "scale": stem.scale,
                "shift": stem.shift,
                "is_basis": np.array(stem.is_basis),
                "source": np.array(stem.source),
                "features": np.array(features),
                **{_CODE + name: array for name, array in code.items()},
            }
        ),
        _SKETCH_FILE: sketch.to_bytes(),
        _META_FILE: meta.to_bytes(),
        _REFERENCE_FILE: reference.to_bytes(),
        _SURROGATE_FILE: surrogate.to_bytes(),
        _CASES_FILE: cases.to_bytes(),
        **{LEARNERS[name].file: fitted.to_bytes() for name, fitted in learners.items()},
    }
    content = {
        **facts,
        "format": FORMAT,
        "features": features,
        "stem": stem.source,
        "files": {name: _sha256(files[name]) for name in sorted(files)},
    }
    return Model(content=content, files={**files, MANIFEST: _manifest(content)})


def stem_of(files: Files) -> Stem:
    """Load the stem from a model's files or from its part; imports TensorFlow.

    Raises:
        ArtefactError: this program does not know its features.
    """
    arrays = unpack(files[_STEM_FILE], _STEM_FILE)
    weights = StemWeights(
        kernel=arrays["kernel"],
        scale=arrays["scale"],
        shift=arrays["shift"],
        source=str(arrays["source"]),
        is_basis=bool(arrays["is_basis"]),
    )
    features = str(arrays["features"])
    if features not in FEATURES:
        raise ArtefactError(_STEM_FILE, f"features {features} are unknown to this program")
    code = {
        name.removeprefix(_CODE): array for name, array in arrays.items() if name.startswith(_CODE)
    }
    return Stem(weights, features, codebook_of(code) if code else None)


def learner_of(files: Files, name: str) -> Fitted:
    """Load one base learner; imports its library if it has one beside NumPy."""
    learner = LEARNERS[name]
    content = files[learner.file]
    return sighted(learner.load(content), content)


def sketch_of(files: Files) -> Sketch:
    """Load what sketches features, from a model's files or from the stem's part."""
    return load_sketch(files[_SKETCH_FILE])


def meta_of(files: Files) -> MetaStack:
    """Load the meta-learner; NumPy alone."""
    return load_meta(files[_META_FILE])


def reference_of(files: Files) -> Reference:
    """Load what the training images looked like to the model; NumPy alone."""
    return load_reference(files[_REFERENCE_FILE])


def surrogate_of(files: Files) -> Surrogate:
    """Load the smooth stand-in for the learners; NumPy alone."""
    return load_surrogate(files[_SURROGATE_FILE])


def training_cases_of(files: Files) -> TrainingCases:
    """Load which images the model learned from; NumPy alone."""
    return load_training_cases(files[_CASES_FILE])


def _verified_manifest(files: Files, name: str) -> dict[str, Any]:
    """Return the manifest's content, once its seal holds."""
    if MANIFEST not in files:
        raise ArtefactError(name, f"has no {MANIFEST}")
    try:
        content: dict[str, Any] = json.loads(files[MANIFEST])["content"]
        written = int(content["format"])
        if written == FORMAT:  # what another format has is not for us to judge
            dict(content["files"]), dict(content["learners"]), float(content["threshold"])
    except (ValueError, KeyError, TypeError) as error:
        raise ArtefactError(name, f"{MANIFEST} is not a manifest: {error!r}") from error
    if written != FORMAT:
        writer = "a later" if written > FORMAT else "an earlier"
        raise ArtefactError(
            name,
            f"format {written}, but this program reads {FORMAT}: {writer} version of dermtwin "
            "wrote it. Use that version, or train the model again with `dermtwin train`",
        )
    if _manifest(content) != files[MANIFEST]:
        raise ArtefactError(name, f"{MANIFEST} was altered: its seal does not fit")
    return content


def _verify_files(files: Files, content: Mapping[str, Any], name: str) -> None:
    listed: dict[str, str] = content["files"]
    if unknown := sorted(set(content["learners"]) - set(LEARNERS)):
        raise ArtefactError(name, f"learner {unknown[0]} is unknown to this program")
    named = {name for names in _NAMED.values() for name in names}
    needed = {*named, *(LEARNERS[learner].file for learner in content["learners"])}
    if absent := sorted((needed | set(listed)) - set(files)):
        raise ArtefactError(name, f"lacks {absent[0]}")
    if extra := sorted(set(files) - set(listed) - {MANIFEST}):
        raise ArtefactError(name, f"holds {extra[0]}, which its manifest does not know")
    for file, expected in listed.items():
        if _sha256(files[file]) != expected:
            raise ArtefactError(name, f"{file} was altered: its sha256 is another")


def _manifest(content: Mapping[str, Any]) -> bytes:
    return _canonical({"content": content, "model_id": _seal(content)})


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _seal(content: Mapping[str, Any]) -> str:
    return _sha256(_canonical(content))[:12]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
