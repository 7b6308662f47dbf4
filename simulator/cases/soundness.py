"""What must hold between rows, and between rows and files."""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from simulator.cases.bad_rows import BadRows
from simulator.cases.checksums import Progress, checksums
from simulator.cases.facts import LABELS, SPLITS
from simulator.cases.labelled_image import LabelledImage
from simulator.cases.manifests import Entry
from twin.decoding import decode
from twin.errors import ImageError


@dataclass(frozen=True, slots=True)
class Soundness:
    """Leaves out what cannot be used, and takes note of it.

    Parameters:
        root: the data directory.
        table: its manifest; None for class folders.
        bad: takes the rows that are left out.
    """

    root: Path
    table: Path | None
    bad: BadRows

    def _complain(self, entry: Entry, reason: str) -> None:
        line = entry.line if self.table is not None else None
        self.bad.add(self.table or self.root, line, entry.image.path, reason)

    def with_checksums(
        self, found: list[Entry], verify: bool, on_progress: Progress | None
    ) -> list[Entry]:
        """Read the files whose checksum is not stated, or all."""
        read = [entry for entry in found if verify or not entry.image.sha256]
        paths = [entry.image.path for entry in read]
        sums = dict(zip(paths, checksums(self.root, paths, on_progress), strict=True))
        sound: list[Entry] = []
        for entry in found:
            image = entry.image
            seen = sums.get(image.path, image.sha256)
            if isinstance(seen, OSError):
                self._complain(entry, f"{image.path} cannot be read: {seen.strerror}")
            elif image.sha256 not in ("", seen):
                self._complain(
                    entry,
                    f"sha256 of {image.path} is {seen[:12]}…, not {image.sha256[:12]}… as stated",
                )
            else:
                sound.append(Entry(entry.line, replace(image, sha256=seen)))
        return sound

    def without_damage(self, found: list[Entry], on_progress: Progress | None) -> list[Entry]:
        """Leave out images that cannot be decoded."""
        sound: list[Entry] = []
        for done, entry in enumerate(found, start=1):
            path = entry.image.path
            try:
                decode((self.root / path).read_bytes(), path)
            except ImageError as error:
                self._complain(entry, str(error))
            except OSError as error:
                self._complain(entry, f"{path} cannot be read: {error.strerror}")
            else:
                sound.append(entry)
            if on_progress is not None:
                on_progress("decoded", done, len(found))
        return sound

    def without_contradictions(self, found: list[Entry]) -> list[Entry]:
        """Leave out one image, by its content, that is called both benign and malignant."""
        by_content: dict[str, list[Entry]] = defaultdict(list)
        for entry in found:
            by_content[entry.image.sha256].append(entry)
        out: set[str] = set()
        for same in by_content.values():
            if len({entry.image.malignant for entry in same}) < 2:
                continue
            for entry in same:
                other = next(one for one in same if one.image.malignant != entry.image.malignant)
                where = f"row {other.line}" if self.table is not None else other.image.path
                words = {malignant: label for label, malignant in LABELS.items()}
                said, unsaid = words[entry.image.malignant], words[other.image.malignant]
                self._complain(entry, f"called {said}, but the same image in {where} is {unsaid}")
                out.add(entry.image.path)
        return [entry for entry in found if entry.image.path not in out]

    def without_lone_classes(
        self, images: list[LabelledImage], lines: dict[str, int], asked: str | None
    ) -> list[LabelledImage]:
        """Leave out a split that has one class only, unless it is all that was asked for."""
        lone: set[str] = set()
        for split in SPLITS if asked is None else ():
            inside = [image for image in images if image.split == split]
            if len({image.malignant for image in inside}) != 1:
                continue
            label = "benign" if inside[0].malignant else "malignant"
            first = min(inside, key=lambda image: lines[image.path])
            row = lines[first.path] if self.table is not None else None
            what = f"split {split}, of {len(inside)} images from here on, has no {label} images"
            self.bad.add(self.table or self.root, row, first.path, what)
            lone.add(split)
        return [image for image in images if image.split not in lone]
