"""What a download directory holds: `manifest.csv` and the tables beside it.

    manifest.csv     a row for each image with a label, as `load_images` reads it, with the sha256
                     of its file, its licence and whom to name
    metadata.csv     all that the archive says of every image that was listed, labelled or not
    ATTRIBUTION.csv  licence and attribution of each image that is here
    LICENCES.txt     what each licence asks for

Each file is replaced whole. An image is in the manifest once its file is complete.
"""

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from services.atomic import write_text
from services.isic.archive import ArchiveImage
from simulator.cases.diagnoses import isic_diagnosis_of
from twin.errors import DataError

COLUMNS: Final = (
    "file",
    "label",
    "sha256",
    "bytes",
    "rendition",
    "isic_id",
    "lesion_id",
    "patient_id",
    "dx",
    "dx_type",
    "age",
    "sex",
    "localization",
    "fitzpatrick_skin_type",
    "image_type",
    "copyright_license",
    "attribution",
)
_CREDITS: Final = ("isic_id", "file", "copyright_license", "attribution")
# In the words of the archive's answers to frequent questions, https://www.isic-archive.com.
_LICENCES: Final[Mapping[str, str]] = {
    "CC-0": "Public domain dedication: any purpose, without permission or attribution.\n"
    "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY": "Attribution: any purpose, also commercial, with proper attribution.\n"
    "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-NC": "Attribution, non-commercial: not for commercial purposes; with attribution.\n"
    "https://creativecommons.org/licenses/by-nc/4.0/",
}

Row = Mapping[str, str]


class Ledger:
    """The tables of one download directory, in memory until they are saved.

    Parameters:
        root: the directory.

    Raises:
        DataError: there is a manifest that is none of ours, or of another rendition.
    """

    def __init__(self, root: Path, rendition: str) -> None:
        self._root = root
        self._rendition = rendition
        self.rows = self._read()
        self._metadata: dict[str, Row] = {
            row["isic_id"]: _spare(row)
            for row in _rows(root / "metadata.csv")
            if row.get("isic_id")
        }

    def listed(self, image: ArchiveImage) -> None:
        """Keep what the archive says of an image."""
        self._metadata[image.isic_id] = _spare(
            {
                "isic_id": image.isic_id,
                "attribution": image.attribution,
                "copyright_license": image.copyright_license,
                **image.fields,
            }
        )

    def keep(self, image: ArchiveImage, *, file: str, malignant: bool, sha256: str) -> None:
        """Enter an image whose file is complete.

        Parameters:
            image: as the archive describes it.
            file: its path relative to the directory, with forward slashes.
            malignant: the truth.
            sha256: of the file's bytes, hex.
        """
        fields = image.fields
        self.rows[image.isic_id] = {
            "file": file,
            "label": "malignant" if malignant else "benign",
            "sha256": sha256,
            "bytes": str((self._root / file).stat().st_size),
            "rendition": self._rendition,
            "isic_id": image.isic_id,
            "lesion_id": fields.get("lesion_id", ""),
            "patient_id": fields.get("patient_id", ""),
            "dx": isic_diagnosis_of(fields) or "",
            "dx_type": fields.get("diagnosis_confirm_type", ""),
            "age": fields.get("age_approx", ""),
            "sex": fields.get("sex", ""),
            "localization": fields.get("anatom_site_general", ""),
            "fitzpatrick_skin_type": fields.get("fitzpatrick_skin_type", ""),
            "image_type": fields.get("image_type", ""),
            "copyright_license": image.copyright_license,
            "attribution": image.attribution,
        }

    def drop_if_gone(self, isic_id: str) -> None:
        """Strike out an image whose file is no longer there."""
        row = self.rows.get(isic_id)
        if row is not None and not (self._root / row["file"]).is_file():
            del self.rows[isic_id]

    @property
    def licences(self) -> dict[str, int]:
        """How many images stand under each licence."""
        named = Counter(row["copyright_license"] or "not stated" for row in self.rows.values())
        return dict(sorted(named.items()))

    def save(self) -> None:
        """Write all tables.

        Raises:
            OSError: one cannot be written.
        """
        rows = [self.rows[name] for name in sorted(self.rows)]
        listed = [self._metadata[name] for name in sorted(self._metadata)]
        first = ("isic_id", "attribution", "copyright_license")
        further = sorted({name for row in listed for name in row} - set(first))
        write_text(self._root / "metadata.csv", _table((*first, *further), listed))
        write_text(self._root / "ATTRIBUTION.csv", _table(_CREDITS, rows))
        write_text(self._root / "LICENCES.txt", self._licence_text())
        write_text(self._root / "manifest.csv", _table(COLUMNS, rows))

    def _licence_text(self) -> str:
        parts = [
            "Each image of the ISIC archive has a licence of its own: see ATTRIBUTION.csv for the"
            "\nlicence of each image, and for whom to name when it is used.\n"
        ]
        for licence, count in self.licences.items():
            words = _LICENCES.get(licence, "See https://www.isic-archive.com.")
            parts.append(f"{licence} ({count} images)\n{words}\n")
        return "\n".join(parts)

    def _read(self) -> dict[str, Row]:
        manifest = self._root / "manifest.csv"
        found: dict[str, Row] = {}
        for row in _rows(manifest):
            if set(row) != set(COLUMNS):
                raise DataError(
                    manifest, "was not written by data fetch-isic: choose another directory"
                )
            if row["rendition"] != self._rendition:
                raise DataError(
                    manifest,
                    f"holds images of the size {row['rendition']}, not {self._rendition}: "
                    "choose another directory",
                )
            found[row["isic_id"]] = row
        return found


def _spare(row: Row) -> Row:
    """Return a row without empty cells, each text in memory once.

    The archive has hundreds of thousands of images of which it says the same few things.
    """
    return {sys.intern(name): sys.intern(cell) for name, cell in row.items() if cell}


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.is_file():
        return []
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, restval=""))
    except (UnicodeDecodeError, csv.Error) as cause:
        raise DataError(table, f"is no CSV file in UTF-8: {cause}") from cause


def _table(columns: Iterable[str], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
