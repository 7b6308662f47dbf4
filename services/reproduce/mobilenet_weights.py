"""Where MobileNetV2's weights come from: a file that somebody names, or Keras' download."""

from pathlib import Path
from typing import Final

from services.config import Settings
from twin.errors import SettingsError
from twin.mobilenet.weights import MobileNetWeights, from_npz, imagenet

IMAGENET: Final = "imagenet"
_BESIDE_DATA: Final = "mobilenet_v2_imagenet_bnfolded.npz"


def mobilenet_weights(named: str | None, settings: Settings) -> MobileNetWeights:
    """Return MobileNetV2's weights.

    Parameters:
        named: a file's path, or "imagenet" for Keras' download. If not given, the file
            `weights/mobilenet_v2_imagenet_bnfolded.npz` beside the data directory, and Keras'
            download where there is no such file.

    Raises:
        SettingsError: there is no such file.
        ArtefactError: the file holds other things.
        DependencyError: Keras could not bring the weights.
    """
    if named is None and settings.data is not None:
        beside = settings.data.parent / "weights" / _BESIDE_DATA
        named = str(beside) if beside.is_file() else None
    if named in (None, IMAGENET):
        return imagenet()
    file = Path(str(named))
    if not file.is_file():
        raise SettingsError("MobileNetV2 weights", named, "expected imagenet or a file")
    return from_npz(file.read_bytes(), file.name)
