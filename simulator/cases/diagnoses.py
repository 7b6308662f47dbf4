"""One vocabulary of diagnoses across data sets."""

from collections.abc import Mapping
from typing import Final, get_args

from simulator.language.populations import MALIGNANT, Diagnosis

# Malignant or not. Actinic keratosis is a forerunner of carcinoma; HAM10000's class of that name
# holds carcinoma in situ as well and is commonly counted as malignant, and so we do.
DIAGNOSES: Final[Mapping[str, bool]] = {name: name in MALIGNANT for name in get_args(Diagnosis)}

# HAM10000's seven classes: Tschandl et al. 2018, doi:10.1038/sdata.2018.161.
HAM10000: Final[Mapping[str, str]] = {
    "nv": "nevus",
    "bkl": "seborrheic_keratosis",
    "df": "dermatofibroma",
    "vasc": "vascular_lesion",
    "mel": "melanoma",
    "bcc": "basal_cell_carcinoma",
    "akiec": "actinic_keratosis",
}

# Names of the ISIC archive, old (`diagnosis`) and new (`diagnosis_2` to `diagnosis_5`), in small
# letters: https://github.com/ImageMarkup/isic-metadata. They are put together as HAM10000 did:
# solar lentigo and lichen-planus-like keratosis with the seborrhoeic keratoses, carcinoma in situ
# (Bowen) with the actinic ones. Squamous cell carcinoma beyond that has no class of its own there
# and keeps its name.
_ISIC: Final[Mapping[str, str]] = {
    "nevus": "nevus",
    "nevus spilus": "nevus",
    "blue nevus": "nevus",
    "seborrheic keratosis": "seborrheic_keratosis",
    "pigmented benign keratosis": "seborrheic_keratosis",
    "solar lentigo": "seborrheic_keratosis",
    "lichenoid keratosis": "seborrheic_keratosis",
    "lichen planus like keratosis": "seborrheic_keratosis",
    "benign keratosis": "seborrheic_keratosis",
    "dermatofibroma": "dermatofibroma",
    "vascular lesion": "vascular_lesion",
    "angioma": "vascular_lesion",
    "hemangioma": "vascular_lesion",
    "angiokeratoma": "vascular_lesion",
    "pyogenic granuloma": "vascular_lesion",
    "benign soft tissue proliferations - vascular": "vascular_lesion",
    "melanoma": "melanoma",
    "melanoma metastasis": "melanoma",
    "melanoma in situ": "melanoma",
    "melanoma invasive": "melanoma",
    "melanoma, nos": "melanoma",
    "malignant melanocytic proliferations (melanoma)": "melanoma",
    "basal cell carcinoma": "basal_cell_carcinoma",
    "actinic keratosis": "actinic_keratosis",
    "solar or actinic keratosis": "actinic_keratosis",
    "squamous cell carcinoma in situ": "actinic_keratosis",
}
_LEVELS: Final = ("diagnosis_2", "diagnosis_3", "diagnosis_4", "diagnosis_5")


def diagnosis_of(word: str) -> str | None:
    """Return a diagnosis in our vocabulary; another one as it was written; None for no word.

    >>> diagnosis_of("mel"), diagnosis_of("Solar lentigo"), diagnosis_of("Cylindroma")
    ('melanoma', 'seborrheic_keratosis', 'Cylindroma')
    """
    return _known(word) or word.strip() or None


def isic_diagnosis_of(fields: Mapping[str, str]) -> str | None:
    """Return the diagnosis of the ISIC archive's metadata.

    The newer fields are a path from the general to the special; the first name on it that we know
    counts, or else the most special name. `diagnosis`, where there is no path, is the older field.

    >>> isic_diagnosis_of({"diagnosis_1": "Benign", "diagnosis_3": "Nevus", "diagnosis_4": "Clark"})
    'nevus'
    """
    path = [fields.get(name, "").strip() for name in _LEVELS]
    if not any(path):
        return diagnosis_of(fields.get("diagnosis", ""))
    known = (found for found in map(_known, path) if found)
    return next(known, None) or [name for name in path if name][-1]


def isic_label_of(fields: Mapping[str, str]) -> bool | None:
    """Return whether the ISIC archive calls a lesion malignant; None if it does not say.

    `diagnosis_1` is Benign, Indeterminate or Malignant; `benign_malignant` is the older field,
    whose "indeterminate/benign" and "indeterminate/malignant" are no more certain.

    >>> isic_label_of({"diagnosis_1": "Malignant"}), isic_label_of({"benign_malignant": "benign"})
    (True, False)
    """
    word = (fields.get("diagnosis_1") or fields.get("benign_malignant") or "").strip().lower()
    return {"benign": False, "malignant": True}.get(word)


def why_no_label(fields: Mapping[str, str]) -> str:
    """Return why `isic_label_of` says nothing."""
    word = (fields.get("diagnosis_1") or fields.get("benign_malignant") or "").strip()
    return f"called {word.lower()}" if word else "neither benign nor malignant is said of it"


def _known(word: str) -> str | None:
    plain = word.strip().lower()
    name = plain.replace(" ", "_")
    return HAM10000.get(plain) or _ISIC.get(plain) or (name if name in DIAGNOSES else None)
