import io
import pickle
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from PIL import Image

from twin.acquisition.acquisition import Acquisition
from twin.acquisition.shifts import apply
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.render import render
from twin.errors import DependencyError, ImageError
from twin.images import BlobRef, FileRef, ImageRef, SyntheticRef, name_of
from twin.imaging import Imaging

RECIPE = LesionRecipe(
    **{
        **dict.fromkeys((each.name for each in fields(LesionRecipe)), 0.3),
        "seed": 5,
        "light": 1.0,
    }
)
FILE = FileRef(path="benign/1.png", sha256="0" * 64)
BLOB = BlobRef(sha256="1" * 64)


@dataclass
class Shelf:
    """Has one image for whatever reference."""

    data: bytes
    asked: list[ImageRef]

    def read(self, ref: ImageRef) -> bytes:
        self.asked.append(ref)
        return self.data


def test_synthetic_images_are_rendered_without_a_reader() -> None:
    assert np.array_equal(Imaging().pixels(SyntheticRef(recipe=RECIPE)), render(RECIPE))


@pytest.mark.parametrize("ref", [FILE, BLOB])
def test_files_and_blobs_are_read_and_decoded(ref: ImageRef) -> None:
    file = io.BytesIO()
    Image.new("RGB", (224, 224), (9, 8, 7)).save(file, "PNG")
    shelf = Shelf(file.getvalue(), [])
    assert (Imaging(shelf).pixels(ref) == (9, 8, 7)).all()
    assert shelf.asked == [ref]


@pytest.mark.parametrize(("ref", "kind"), [(FILE, "file"), (BLOB, "blob")])
def test_without_a_reader_files_and_blobs_are_refused(ref: ImageRef, kind: str) -> None:
    with pytest.raises(ImageError, match=f"no store for {kind} images"):
        Imaging().pixels(ref)


def test_what_cannot_be_decoded_is_named() -> None:
    with pytest.raises(ImageError, match=r"image benign/1\.png: not an image"):
        Imaging(Shelf(b"hello", [])).pixels(FILE)


def test_a_recipe_out_of_range_is_the_images_fault() -> None:
    with pytest.raises(ImageError, match=r"synthetic:5: radius 0\.0 is not within"):
        Imaging().pixels(SyntheticRef(recipe=replace(RECIPE, radius=0.0)))


def test_an_outage_is_not_the_images_fault() -> None:
    class Down:
        def read(self, ref: ImageRef) -> bytes:
            raise DependencyError("the store is down")

    with pytest.raises(DependencyError):
        Imaging(Down()).pixels(BLOB)


def test_imaging_travels_to_actors() -> None:
    shelf = pickle.loads(pickle.dumps(Imaging(Shelf(b"x", []))))  # noqa: S301 - our own bytes
    assert shelf.reader == Shelf(b"x", [])


HAIRY = Acquisition(seed=7, severity={"hair": 3, "jpeg": 2})


@pytest.mark.parametrize("ref", [SyntheticRef(recipe=RECIPE), FILE, BLOB])
def test_any_reference_is_seen_as_it_was_taken(ref: ImageRef) -> None:
    file = io.BytesIO()
    Image.new("RGB", (224, 224), (200, 150, 140)).save(file, "PNG")
    imaging = Imaging(Shelf(file.getvalue(), []))
    shifted = imaging.pixels(replace(ref, acquisition=HAIRY))
    assert np.array_equal(shifted, apply(imaging.pixels(ref), HAIRY))
    assert not np.array_equal(shifted, imaging.pixels(ref))


@pytest.mark.parametrize("ref", [SyntheticRef(recipe=RECIPE), FILE, BLOB])
@pytest.mark.parametrize(
    ("severity", "reason"),
    [
        ({"fog": 1}, "no acquisition shift 'fog'"),
        ({"hair": 6}, "severity 6 of hair is not within 1 and 5"),
        ({"hair": 1, "jpeg": 0}, "severity 0 of jpeg is not within 1 and 5"),
    ],
)
def test_an_acquisition_that_nobody_can_apply_is_the_images_fault(
    ref: ImageRef, severity: dict[str, int], reason: str
) -> None:
    shelf = Shelf(b"", [])
    taken = Acquisition(seed=1, severity=severity)
    with pytest.raises(ImageError, match=f"image {name_of(ref)}: {reason}"):
        Imaging(shelf).pixels(replace(ref, acquisition=taken))
    assert not shelf.asked
