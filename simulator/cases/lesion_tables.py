"""Distributions of the controls of synthetic lesions: numbers only, read by `lesion_recipes`.

The signs of a diagnosis (asymmetry, border, variegation, network, streaks, veil, regression and
what is typical of the other diagnoses) follow the dermoscopic criteria (ABCD rule: Nachbar et al.
1994; seven-point list: Argenziano et al. 1998; basal cell carcinoma: Menzies et al. 2000;
benign keratoses and vascular lesions: Kittler et al. 2016); their sizes are assumptions. All that
statistics of an image can tell (size, pigment, blood, contrast, light, colour, sharpness, noise,
compression) was calibrated on the training images of the paper's data set: lesions were rendered
from wide distributions, controls were regressed on stem features, and the regression read the
distribution of the controls off the images, seven rounds long. Differences between nevi and
melanomas in size, pigment, blood, fading and roughness follow what it found; those in the other
signs, and of the other diagnoses, are as wide as makes a stack learned and tested on rendered
lesions reach an AUC of 0.90 to 0.97, both in the default population and among nevi and melanomas
alone. Nothing was fitted to test images, but the AUC on them was read after each round and once
spoke, with that among rendered lesions, for wider differences: as a test it is not quite blind.
Nothing of any one image is in here.
"""

from collections.abc import Mapping
from typing import Final, get_args

from simulator.language.populations import Diagnosis

DIAGNOSES: Final[tuple[str, ...]] = get_args(Diagnosis)  # in the order of the columns below

# Median of each control in logits (see `lesion_recipes`), in the order of DIAGNOSES; then the
# spread around it.
LESIONS: Final[Mapping[str, tuple[tuple[float, ...], float]]] = {
    "radius": ((-0.75, 0.61, -0.19, -0.35, 0.13, 0.06, 0.60), 0.55),
    "asymmetry": ((-1.50, -0.06, -1.50, -1.50, 1.25, 1.20, 0.84), 0.78),
    "border": ((-2.10, 0.14, -2.10, -2.10, 0.49, 0.06, 0.42), 0.78),
    "fade": ((0.90, -1.66, 0.58, -1.50, 0.13, -0.36, 0.36), 0.87),
    "melanin": ((-1.50, -0.70, -1.98, -2.94, -0.51, -2.40, -2.40), 0.72),
    "blood": ((-0.75, -1.79, -1.47, 0.77, -1.58, -0.30, 0.24), 0.67),
    "core": ((-0.10, -2.02, -2.50, -1.22, -0.32, -0.46, -0.46), 0.87),
    "variegation": ((-1.60, 0.16, -1.60, 0.00, 1.37, 1.10, 0.74), 0.70),
    "roughness": ((-0.80, -0.32, -0.80, -0.80, 0.63, 1.54, 1.54), 0.74),
    "network": ((-1.00, -3.56, -0.36, -5.00, -0.89, -5.50, -3.88), 0.87),
    "globules": ((-2.20, -1.24, -2.52, -3.48, -0.77, -1.48, -2.56), 0.87),
    "streaks": ((-3.60, -4.24, -3.60, -3.60, -1.62, -5.22, -5.76), 0.87),
    "veil": ((-5.20, -5.20, -5.20, -2.96, -1.46, -1.60, -4.84), 0.87),
    "regression": ((-5.20, -5.20, -4.56, -5.20, -1.79, -1.60, -3.04), 0.87),
    "milia": ((-1.40, 0.30, -1.40, -1.40, -1.50, -1.50, -1.50), 0.90),
    "arbors": ((-1.70, -2.00, -1.70, -1.70, -1.40, 0.40, -1.40), 0.90),
    "ulceration": ((-2.00, -2.00, -2.00, -2.00, -1.12, 0.70, -1.64), 0.87),
    "scale": ((-1.70, -0.90, -1.70, -1.70, -1.40, -1.60, 0.40), 0.90),
    "lacunae": ((-1.80, -1.80, -1.80, 0.80, -1.70, -1.70, -1.70), 0.90),
    "patch": ((-1.60, -1.60, 0.50, -1.60, -1.60, -1.60, -1.60), 0.90),
}

# Ways of taking pictures, with their shares: places differ in skin, camera and light.
WAYS: Final = (0.092, 0.160, 0.189, 0.360, 0.072, 0.126)

# The same among the benign and the malignant training images, where they differ: images were
# collected from several sources, and a classifier can learn the source instead of the lesion.
# Only `dermtwin realism` draws so.
WAYS_IN_ISIC: Final[Mapping[bool, tuple[float, ...]]] = {
    False: (0.000, 0.003, 0.155, 0.654, 0.044, 0.144),
    True: (0.203, 0.349, 0.230, 0.006, 0.107, 0.105),
}

# Added to the skin of each diagnosis, in logits and in the order of DIAGNOSES: those with
# cancers and keratoses are older, and their skin has seen more sun.
SUN: Final[Mapping[str, tuple[float, ...]]] = {
    "texture": (0.00, 0.17, 0.00, 0.07, 0.35, 0.35, 0.56),
    "mottle": (0.00, 0.15, 0.00, 0.06, 0.30, 0.30, 0.48),
    "lines": (0.00, 0.10, 0.00, 0.04, 0.20, 0.20, 0.32),
    "freckles": (0.00, 0.10, 0.00, 0.04, 0.20, 0.20, 0.32),
    "redness": (0.00, 0.05, 0.00, 0.02, 0.10, 0.10, 0.16),
}

# Median and spread of each control in logits, for each of the ways.
PHOTOGRAPHS: Final[Mapping[str, tuple[tuple[float, float], ...]]] = {
    "redness": (
        (-1.51, 1.10),
        (-2.07, 1.10),
        (-2.19, 0.99),
        (-0.86, 1.10),
        (0.21, 1.10),
        (-1.65, 1.10),
    ),
    "mottle": (
        (-0.97, 0.70),
        (-0.93, 0.79),
        (-0.58, 0.52),
        (-0.41, 0.63),
        (0.54, 0.56),
        (-0.82, 0.54),
    ),
    "texture": (
        (-1.70, 0.75),
        (-1.79, 0.62),
        (-2.22, 0.53),
        (-2.46, 0.37),
        (-1.85, 0.43),
        (-2.24, 0.45),
    ),
    "lines": (
        (-1.08, 0.72),
        (-1.12, 0.67),
        (-1.59, 0.60),
        (-1.88, 0.54),
        (-1.00, 0.55),
        (-1.55, 0.55),
    ),
    "ridges": (
        (-2.30, 0.90),
        (-2.30, 0.90),
        (-2.30, 0.90),
        (-2.30, 0.90),
        (-2.30, 0.90),
        (-2.30, 0.90),
    ),
    "follicles": (
        (-1.60, 0.90),
        (-1.60, 0.90),
        (-1.60, 0.90),
        (-1.60, 0.90),
        (-1.60, 0.90),
        (-1.60, 0.90),
    ),
    "freckles": (
        (-1.02, 1.00),
        (-1.72, 1.00),
        (-1.99, 1.00),
        (-2.24, 1.00),
        (-1.32, 1.00),
        (-1.69, 1.00),
    ),
    "hair": (
        (-0.55, 0.90),
        (-0.55, 0.90),
        (-0.55, 0.90),
        (-0.55, 0.90),
        (-0.55, 0.90),
        (-0.55, 0.90),
    ),
    "blond": (
        (-1.70, 1.00),
        (-1.70, 1.00),
        (-1.70, 1.00),
        (-1.70, 1.00),
        (-1.70, 1.00),
        (-1.70, 1.00),
    ),
    "bubbles": (
        (-1.30, 0.80),
        (-1.30, 0.80),
        (-1.30, 0.80),
        (-1.30, 0.80),
        (-1.30, 0.80),
        (-1.30, 0.80),
    ),
    "glare": (
        (-0.90, 0.90),
        (-0.90, 0.90),
        (-0.90, 0.90),
        (-0.90, 0.90),
        (-0.90, 0.90),
        (-0.90, 0.90),
    ),
    "ruler": (
        (-0.30, 1.00),
        (-0.30, 1.00),
        (-0.30, 1.00),
        (-0.30, 1.00),
        (-0.30, 1.00),
        (-0.30, 1.00),
    ),
    "squeeze": ((0.22, 0.25), (0.22, 0.25), (0.22, 0.25), (0.22, 0.25), (0.22, 0.25), (0.22, 0.25)),
    "light": ((0.45, 0.90), (0.61, 0.90), (1.62, 0.90), (0.74, 0.84), (1.26, 0.90), (0.95, 0.81)),
    "warmth": (
        (-0.86, 0.26),
        (-0.63, 0.44),
        (-1.00, 0.26),
        (-0.28, 0.16),
        (-1.08, 0.28),
        (-1.10, 0.26),
    ),
    "tint": (
        (-0.83, 0.26),
        (-0.34, 0.32),
        (-0.15, 0.23),
        (0.31, 0.18),
        (-0.12, 0.24),
        (-0.26, 0.23),
    ),
    "saturation": (
        (1.16, 0.59),
        (0.76, 0.70),
        (-0.10, 0.70),
        (-0.60, 0.56),
        (-0.05, 0.70),
        (0.26, 0.70),
    ),
    "contrast": (
        (-0.60, 0.89),
        (-0.31, 0.91),
        (1.45, 0.78),
        (1.33, 0.65),
        (0.44, 0.97),
        (0.15, 0.81),
    ),
    "corners": (
        (0.20, 0.52),
        (0.11, 0.51),
        (-0.09, 0.52),
        (-0.27, 0.50),
        (0.40, 0.76),
        (0.20, 0.63),
    ),
    "blur": (
        (-2.46, 0.39),
        (-2.97, 0.36),
        (-3.52, 0.32),
        (-3.89, 0.20),
        (-3.48, 0.35),
        (-3.58, 0.27),
    ),
    "noise": (
        (-1.86, 0.17),
        (-2.24, 0.11),
        (-1.48, 0.18),
        (-1.17, 0.19),
        (-1.31, 0.30),
        (-1.63, 0.23),
    ),
    "sharpen": (
        (-1.47, 0.70),
        (-0.38, 0.61),
        (-1.99, 0.43),
        (-1.82, 0.49),
        (-2.22, 0.50),
        (-1.80, 0.56),
    ),
    "jpeg": (
        (-1.73, 0.27),
        (-3.09, 0.22),
        (-3.00, 0.18),
        (-3.06, 0.14),
        (-3.02, 0.25),
        (-3.07, 0.17),
    ),
}

# Correlations that matter within a diagnosis and a way.
CORRELATIONS: Final[Mapping[tuple[str, str], float]] = {
    ("asymmetry", "border"): 0.57,
    ("radius", "fade"): 0.19,
    ("asymmetry", "fade"): -0.44,
    ("border", "fade"): -0.56,
    ("border", "melanin"): -0.21,
    ("fade", "melanin"): 0.19,
    ("asymmetry", "blood"): -0.23,
    ("border", "blood"): -0.35,
    ("fade", "blood"): 0.22,
    ("melanin", "blood"): 0.17,
    ("asymmetry", "variegation"): 0.65,
    ("border", "variegation"): 0.59,
    ("fade", "variegation"): -0.45,
    ("blood", "variegation"): -0.29,
    ("asymmetry", "roughness"): 0.49,
    ("border", "roughness"): 0.58,
    ("fade", "roughness"): -0.50,
    ("melanin", "roughness"): -0.24,
    ("blood", "roughness"): -0.31,
    ("variegation", "roughness"): 0.49,
    ("melanin", "network"): -0.30,
    ("blood", "network"): -0.22,
    ("roughness", "network"): 0.23,
    ("asymmetry", "globules"): 0.32,
    ("border", "globules"): 0.22,
    ("melanin", "globules"): 0.24,
    ("variegation", "globules"): 0.29,
    ("roughness", "globules"): 0.30,
    ("asymmetry", "streaks"): 0.59,
    ("border", "streaks"): 0.56,
    ("fade", "streaks"): -0.44,
    ("blood", "streaks"): -0.28,
    ("variegation", "streaks"): 0.62,
    ("roughness", "streaks"): 0.53,
    ("globules", "streaks"): 0.34,
    ("asymmetry", "veil"): 0.62,
    ("border", "veil"): 0.45,
    ("fade", "veil"): -0.30,
    ("melanin", "veil"): 0.24,
    ("variegation", "veil"): 0.60,
    ("roughness", "veil"): 0.39,
    ("globules", "veil"): 0.45,
    ("streaks", "veil"): 0.59,
    ("asymmetry", "regression"): 0.63,
    ("border", "regression"): 0.62,
    ("fade", "regression"): -0.48,
    ("blood", "regression"): -0.31,
    ("variegation", "regression"): 0.66,
    ("roughness", "regression"): 0.55,
    ("globules", "regression"): 0.35,
    ("streaks", "regression"): 0.62,
    ("veil", "regression"): 0.58,
    ("border", "redness"): 0.29,
    ("fade", "redness"): -0.36,
    ("melanin", "redness"): -0.20,
    ("variegation", "redness"): 0.18,
    ("roughness", "redness"): 0.29,
    ("regression", "redness"): 0.23,
    ("radius", "mottle"): 0.27,
    ("border", "mottle"): 0.18,
    ("roughness", "mottle"): 0.17,
    ("regression", "mottle"): 0.17,
    ("redness", "mottle"): 0.48,
    ("border", "texture"): 0.20,
    ("fade", "texture"): -0.30,
    ("blood", "texture"): -0.19,
    ("roughness", "texture"): 0.20,
    ("redness", "texture"): 0.38,
    ("asymmetry", "lines"): 0.18,
    ("border", "lines"): 0.29,
    ("fade", "lines"): -0.35,
    ("blood", "lines"): -0.23,
    ("roughness", "lines"): 0.17,
    ("regression", "lines"): 0.18,
    ("redness", "lines"): 0.36,
    ("mottle", "lines"): 0.23,
    ("texture", "lines"): 0.56,
    ("border", "light"): -0.27,
    ("fade", "light"): 0.32,
    ("melanin", "light"): 0.20,
    ("globules", "light"): 0.19,
    ("redness", "light"): -0.31,
    ("texture", "light"): -0.33,
    ("lines", "light"): -0.35,
    ("texture", "warmth"): 0.18,
    ("redness", "tint"): 0.18,
    ("mottle", "tint"): 0.21,
    ("light", "tint"): -0.22,
    ("blood", "saturation"): -0.32,
    ("mottle", "saturation"): -0.26,
    ("tint", "saturation"): -0.44,
    ("radius", "contrast"): 0.29,
    ("fade", "contrast"): 0.24,
    ("variegation", "contrast"): -0.23,
    ("roughness", "contrast"): -0.23,
    ("streaks", "contrast"): -0.20,
    ("regression", "contrast"): -0.20,
    ("redness", "contrast"): -0.30,
    ("texture", "contrast"): -0.19,
    ("saturation", "contrast"): -0.23,
    ("texture", "blur"): 0.17,
    ("lines", "blur"): 0.19,
    ("saturation", "blur"): 0.17,
    ("redness", "noise"): 0.30,
    ("mottle", "noise"): 0.24,
    ("melanin", "sharpen"): 0.17,
    ("streaks", "sharpen"): -0.23,
    ("blur", "sharpen"): -0.39,
    ("blur", "jpeg"): 0.29,
    ("noise", "jpeg"): 0.33,
    ("sharpen", "jpeg"): -0.19,
}
