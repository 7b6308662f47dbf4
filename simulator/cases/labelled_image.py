"""One labelled image of a data set."""

from dataclasses import dataclass

from twin.images import FileRef


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledImage:
    """An image file, its truth, and what is known about the patient."""

    path: str  # relative to the data directory, with forward slashes
    sha256: str  # of the file's bytes, hex
    malignant: bool  # the truth
    split: str | None  # "train" or "test"
    group: str  # images of one lesion share it; keep a group on one side of any split
    age: int | None = None  # years
    sex: str | None = None  # "female" or "male"
    site: str | None = None  # body site
    diagnosis: str | None = None  # a name of `diagnoses.DIAGNOSES`; another one as it was written
    skin_tone: str | None = None  # Fitzpatrick type, "I" to "VI"
    source: str | None = None  # collection or institution that the image comes from
    isic_id: str | None = None  # of the image in the ISIC archive, as stated or as matched

    @property
    def ref(self) -> FileRef:
        """The image as events carry it."""
        return FileRef(path=self.path, sha256=self.sha256)
