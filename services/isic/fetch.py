"""Downloads labelled images of the ISIC archive into a data directory, and goes on where it ended.

Images are listed page by page and downloaded by a few threads at once. The archive may state that
a lesion is benign, malignant or indeterminate, or nothing: only the first two are labels, and the
other images are counted and not downloaded.
"""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.isic.address import ISIC_API
from services.isic.archive import Archive, ArchiveImage, FileLink, Unreadable
from services.isic.ledger import Ledger
from services.isic.patience import Patience, StoppedError
from services.isic.transfer import fetch_file
from services.isic.web import RefusedError, Web
from simulator.cases.checksums import sha256_of_file
from simulator.cases.diagnoses import isic_label_of, why_no_label
from twin.errors import DataError, DependencyError

Progress = Callable[[str, int, int], None]
FOLDER: Final = "images"
_AHEAD: Final = 4  # images listed ahead of each thread, so that none waits for a page; assumption
# Between saves, and in units of how long a save takes: assumption. What comes after the last save
# before a kill is looked at again and not fetched again.
_SAVE_EVERY_S: Final = 30.0
_SAVE_EVERY: Final = 20
_LOST: Final = 10  # after so many in a row the line is dead, not the images; assumption
_EXPIRED: Final = 403  # what a signed link answers when its time is over
_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to download."""

    query: str = ""  # in the archive's search language
    collections: str = ""  # ids separated by commas
    limit: int | None = None  # most images
    thumbnails: bool = False  # 256 px instead of the full size
    parallel: int = 4  # downloads at once; assumption: polite, and enough for most lines
    api: str = ISIC_API

    @property
    def rendition(self) -> str:
        """The archive's name of the size."""
        return "thumbnail_256" if self.thumbnails else "full"


@dataclass(slots=True, kw_only=True)
class Fetched:
    """What came of it."""

    listed: int = 0  # images that the archive named
    new: int = 0
    kept: int = 0  # whole and unaltered from before
    new_bytes: int = 0
    unlabelled: dict[str, int] = field(default_factory=dict)  # why -> images, not downloaded
    other_types: int = 0  # images that are called something else than dermoscopic
    repaired: list[str] = field(default_factory=list)  # ids: files that had changed, fetched anew
    failed: dict[str, str] = field(default_factory=dict)  # id -> why it could not be had
    labels: dict[str, int] = field(default_factory=dict)  # of the whole directory
    licences: dict[str, int] = field(default_factory=dict)
    stopped: bool = False  # by the user: run it again to go on


@dataclass(frozen=True, slots=True)
class _Had:
    image: ArchiveImage
    file: str
    sha256: str
    state: str  # "new", "kept" or "repaired"


def fetch(root: Path, wanted: Wanted, patience: Patience, on_progress: Progress) -> Fetched:
    """Download what is wanted into a directory.

    Ctrl-C ends it after what was begun has been put in order; `stopped` tells.

    Raises:
        DataError: the directory holds something else, or cannot be written to.
        SettingsError: the archive does not understand the query.
        DependencyError: the archive cannot be reached; what came before is kept.
    """
    try:
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise DataError(root, f"cannot be written to: {cause.strerror}") from cause
    return _Fetch(root, wanted, patience, on_progress).run()


class _Fetch:
    def __init__(
        self, root: Path, wanted: Wanted, patience: Patience, on_progress: Progress
    ) -> None:
        self._root, self._wanted, self._patience = root, wanted, patience
        self._on_progress = on_progress
        self._web = Web()
        self._archive = Archive(self._web, patience, wanted.api)
        self._ledger = Ledger(root, wanted.rendition)
        self._found = Fetched()
        self._pending: dict[Future[_Had], ArchiveImage] = {}
        self._done = 0  # images that are dealt with
        self._lost_in_a_row = 0  # downloads that no patience helped
        self._save_at_s = time.monotonic() + _SAVE_EVERY_S

    def run(self) -> Fetched:
        try:
            self._all_or_until_stopped()
        except OSError as cause:  # a full disk, say
            raise DataError(cause.filename or self._root, f"{cause.strerror}") from cause
        finally:
            self._web.close()
        return self._found

    def _all_or_until_stopped(self) -> None:
        pool = ThreadPoolExecutor(self._wanted.parallel, thread_name_prefix="isic")
        try:
            self._all(pool)
        except KeyboardInterrupt:
            self._found.stopped = True
        finally:
            self._patience.stop.set()
            pool.shutdown(cancel_futures=True)
            self._settle({future for future in self._pending if not future.cancelled()}, quiet=True)
            self._save()

    def _all(self, pool: ThreadPoolExecutor) -> None:
        taken = 0
        limit = self._wanted.limit
        for image in self._archive.images(self._wanted.query, self._wanted.collections):
            self._found.listed += 1
            if isinstance(image, Unreadable):
                self._found.failed[image.isic_id] = image.reason
                self._step()
                continue
            self._ledger.listed(image)
            if isic_label_of(image.fields) is None:
                why = why_no_label(image.fields)
                self._found.unlabelled[why] = self._found.unlabelled.get(why, 0) + 1
                self._step()
                continue
            self._pending[pool.submit(self._have, image)] = image
            taken += 1
            while len(self._pending) >= _AHEAD * self._wanted.parallel:
                self._settle(wait(self._pending, return_when=FIRST_COMPLETED).done)
            if taken == limit:
                break
        while self._pending:
            self._settle(wait(self._pending, return_when=FIRST_COMPLETED).done)

    def _have(self, image: ArchiveImage) -> _Had:
        """Make sure that an image's file is here; runs in a thread."""
        link = self._link(image)
        suffix = Path(link.url.split("?")[0]).suffix.lower()
        file = f"{FOLDER}/{image.isic_id}{suffix if suffix in _SUFFIXES else '.jpg'}"
        place = self._root / file
        row = self._ledger.rows.get(image.isic_id)
        state = "new"
        if place.is_file():
            # Only complete files have this name; without a row, the run was ended before it
            # could enter them.
            sha256 = sha256_of_file(place)
            if place.stat().st_size == link.size and (row is None or row["sha256"] == sha256):
                return _Had(image, file, sha256, "kept")
            place.unlink()  # nothing that is damaged keeps the name of something complete
            state = "repaired"
        try:
            fetch_file(self._web, self._patience, link.url, place, link.size)
        except RefusedError as error:
            if error.status != _EXPIRED:
                raise
            fresh = self._link(self._archive.image(image.isic_id))
            fetch_file(self._web, self._patience, fresh.url, place, fresh.size)
        return _Had(image, file, sha256_of_file(place), state)

    def _link(self, image: ArchiveImage) -> FileLink:
        link = image.files.thumbnail_256 if self._wanted.thumbnails else image.files.full
        if link is None:
            raise DependencyError("the archive has no thumbnail of it")
        return link

    def _settle(self, done: set[Future[_Had]], *, quiet: bool = False) -> None:
        """Enter what has come; `quiet` is for the end, when one error is on its way already."""
        for future in done:
            image = self._pending.pop(future)
            try:
                had = future.result()
            except StoppedError:
                continue
            except DependencyError as error:
                self._ledger.drop_if_gone(image.isic_id)
                self._found.failed[image.isic_id] = str(error)
                self._lost_in_a_row += not isinstance(error, RefusedError)
            except OSError:
                if not quiet:
                    raise
            else:
                self._enter(had)
                self._lost_in_a_row = 0
            self._step()
            if self._lost_in_a_row >= _LOST and not quiet:
                raise DependencyError(
                    f"{_LOST} images in a row could not be had, the last one because "
                    f"{self._found.failed[image.isic_id]}"
                )

    def _enter(self, had: _Had) -> None:
        malignant = isic_label_of(had.image.fields)
        assert malignant is not None  # the others are not downloaded
        self._ledger.keep(had.image, file=had.file, malignant=malignant, sha256=had.sha256)
        if had.state == "kept":
            self._found.kept += 1
        else:
            self._found.new += 1
            self._found.new_bytes += (self._root / had.file).stat().st_size
        if had.state == "repaired":
            self._found.repaired.append(had.image.isic_id)
        kind = had.image.fields.get("image_type", "")
        self._found.other_types += kind not in ("", "dermoscopic")

    def _step(self) -> None:
        self._done += 1
        total = self._archive.count or self._found.listed
        if self._wanted.limit is not None:
            total = min(total, self._wanted.limit + sum(self._found.unlabelled.values()))
        self._on_progress("images", self._done, max(total, self._done))
        if time.monotonic() > self._save_at_s:
            self._save()

    def _save(self) -> None:
        started_s = time.monotonic()
        if self._found.listed:
            self._ledger.save()
        labels = Counter(row["label"] for row in self._ledger.rows.values())
        self._found.labels = {label: labels[label] for label in ("benign", "malignant")}
        self._found.licences = self._ledger.licences
        now_s = time.monotonic()
        self._save_at_s = now_s + max(_SAVE_EVERY_S, _SAVE_EVERY * (now_s - started_s))
