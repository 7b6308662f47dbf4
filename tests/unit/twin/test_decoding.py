"""Bytes from outside: what is accepted, and in which words the rest is refused."""

import io
import os
import struct
import threading
import time
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from twin.decoding import decode
from twin.errors import ImageError

QUARTERS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200), "grey": (90,) * 3}


def quartered(width: int = 224, height: int = 224) -> Image.Image:
    """Red top left, green top right, blue bottom left, grey bottom right."""
    image = Image.new("RGB", (width, height))
    for index, colour in enumerate(QUARTERS.values()):
        left, top = index % 2 * width // 2, index // 2 * height // 2
        image.paste(colour, (left, top, left + width // 2, top + height // 2))
    return image


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    return [tuple(map(int, pixels[y, x])) for y in (20, 200) for x in (20, 200)]


def png_header(width: int, height: int, bits: int = 1, colour: int = 0) -> bytes:
    """A PNG that claims a size and holds no pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    claim = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", claim) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def reason(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, "a.jpg")
    name, text = caught.value.args
    assert name == "a.jpg"
    assert " at 0x" not in text  # reasons travel in events: no memory addresses
    return str(text)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_an_image_of_the_right_size_passes_without_resampling(kind: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (224, 224, 3), np.uint8)
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode(saved(Image.fromarray(noise), kind, **options), "a")
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, noise)


def test_a_jpeg_decodes_to_what_pillow_makes_of_it() -> None:
    data = saved(quartered(), "JPEG", quality=90)
    assert np.array_equal(decode(data, "a"), np.asarray(Image.open(io.BytesIO(data))))


def test_pixels_can_be_written_to() -> None:
    pixels = decode(saved(quartered()), "a")
    pixels[0, 0] = 7
    assert pixels[0, 0].tolist() == [7, 7, 7]


@pytest.mark.parametrize(("width", "height"), [(600, 300), (300, 600), (40, 32), (223, 225)])
def test_the_central_square_is_taken_of_other_shapes(width: int, height: int) -> None:
    edge = min(width, height)
    image = Image.new("RGB", (width, height), "white")
    left, top = (width - edge) // 2, (height - edge) // 2
    image.paste(quartered(edge, edge), (left, top))
    pixels = decode(saved(image), "a")
    assert pixels.shape == (224, 224, 3)
    assert corners(pixels) == list(QUARTERS.values())


def test_shrinking_is_antialiased() -> None:
    stripes = np.zeros((896, 896), np.uint8)
    stripes[:, ::2] = 255
    inner = decode(saved(Image.fromarray(stripes)), "a")[10:-10, 10:-10]
    assert 120 <= inner.min() <= inner.max() <= 135


def test_grey_becomes_three_equal_channels() -> None:
    assert (decode(saved(Image.new("L", (224, 224), 77), "JPEG"), "a") == 77).all()


def test_one_bit_becomes_black_and_white() -> None:
    image = Image.new("1", (224, 224))
    image.paste(1, (0, 0, 112, 224))
    pixels = decode(saved(image), "a")
    assert pixels[5, 5].tolist() == [255] * 3
    assert pixels[5, 200].tolist() == [0] * 3


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(kind: str) -> None:
    pixels = decode(saved(Image.new("CMYK", (224, 224), (0, 255, 255, 0)), kind), "a")
    red, green, blue = (int(value) for value in pixels[100, 100])
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind: str) -> None:
    ramp = np.linspace(0, 65535, 224).astype(np.uint16)
    pixels = decode(saved(Image.fromarray(np.tile(ramp, (224, 1))), kind), "a")
    assert np.array_equal(pixels[50, :, 0], np.rint(ramp / 257).astype(np.uint8))
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


def test_big_endian_sixteen_bits_are_read_as_such() -> None:
    image = Image.frombytes("I;16B", (224, 224), b"\x80\x00" * (224 * 224))
    assert (decode(saved(image, "TIFF"), "a") == 128).all()


def test_palettes_are_resolved() -> None:
    pixels = decode(saved(quartered().quantize(16)), "a")
    for found, wanted in zip(corners(pixels), QUARTERS.values(), strict=True):
        assert found == pytest.approx(wanted, abs=2)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_over_white(mode: str) -> None:
    image = Image.new(mode, (224, 224))  # black and transparent
    assert (decode(saved(image), "a") == 255).all()


def test_half_transparency_is_mixed_with_white() -> None:
    image = Image.new("RGBA", (224, 224), (255, 0, 0, 128))
    assert decode(saved(image), "a")[9, 9].tolist() == [255, 127, 127]


def test_a_transparent_palette_entry_lies_over_white_without_a_warning() -> None:
    image = quartered().quantize(16)
    entry = image.getpixel((20, 20))
    alphas = bytes(0 if index == entry else 255 for index in range(16))
    assert corners(decode(saved(image, transparency=alphas), "a"))[0] == (255, 255, 255)


# EXIF orientation -> where the quarters of the stored image stand once it is upright
UPRIGHT = {
    1: ("red", "green", "blue", "grey"),
    2: ("green", "red", "grey", "blue"),
    3: ("grey", "blue", "green", "red"),
    4: ("blue", "grey", "red", "green"),
    5: ("red", "blue", "green", "grey"),
    6: ("blue", "red", "grey", "green"),
    7: ("grey", "green", "blue", "red"),
    8: ("green", "grey", "red", "blue"),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
    pixels = decode(saved(quartered(), kind, exif=exif, **options), "a")
    for found, colour in zip(corners(pixels), UPRIGHT[orientation], strict=True):
        assert found == pytest.approx(QUARTERS[colour], abs=6)


def test_orientation_comes_before_the_crop() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(quartered(500, 300), exif=exif)
    assert corners(decode(data, "a")) == [QUARTERS[colour] for colour in UPRIGHT[6]]


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0"]
)
def test_unreadable_exif_leaves_the_image_as_it_is_stored(exif: bytes) -> None:
    data = saved(quartered(), "JPEG", exif=exif, quality=95)
    assert corners(decode(data, "a"))[0] == pytest.approx(QUARTERS["red"], abs=6)


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "WEBP"])
def test_the_first_frame_is_taken(kind: str) -> None:
    first, second = Image.new("RGB", (224, 224), "red"), Image.new("RGB", (224, 224), "blue")
    data = saved(first, kind, save_all=True, append_images=[second])
    assert decode(data, "a")[100, 100, 0] > 240


def test_the_same_bytes_give_the_same_pixels() -> None:
    data = saved(quartered(517, 333), "JPEG")
    assert np.array_equal(decode(data, "a"), decode(data, "b"))


def test_nothing_is_refused_as_empty() -> None:
    assert reason(b"") == "empty file"


@pytest.mark.parametrize(
    "data", [b"hello", b"<svg/>", b"\0" * 5000, b"\xff" * 300, b"RIFF____WAVE"]
)
def test_other_bytes_are_refused_as_no_image(data: bytes) -> None:
    assert reason(data).startswith("not an image")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (saved(Image.new("L", (64, 64)), "GIF"), "GIF"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\0" * 128 + b"DICM" + b"\0" * 64, "DICOM"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 64, "HEIF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 64, "JPEG 2000"),
    ],
)
def test_other_formats_are_refused_by_name(data: bytes, kind: str) -> None:
    text = reason(data)
    assert text.startswith(kind)
    assert "use JPEG" in text


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated_images_are_refused(kind: str, share: float) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (224, 224, 3), np.uint8)
    data = saved(Image.fromarray(noise), kind)
    assert reason(data[: int(len(data) * share)]) == f"truncated or damaged {kind}"


@pytest.mark.parametrize("size", [(1, 1), (31, 500), (500, 31)])
def test_small_images_are_refused_with_their_size(size: tuple[int, int]) -> None:
    text = reason(saved(Image.new("RGB", size)))
    assert f"{size[0]} x {size[1]} px" in text
    assert "at least 32" in text


def test_the_least_edge_is_accepted() -> None:
    assert decode(saved(Image.new("RGB", (32, 32), "red")), "a").shape == (224, 224, 3)


# 9,000 and 12,000 px a side are where Pillow itself would only warn; the rest is far above.
@pytest.mark.parametrize("edge", [8001, 9000, 12_000, 20_000, 2**31 - 1])
def test_a_bomb_is_refused_by_its_header(edge: int) -> None:
    # There are no pixels behind the header, so any attempt to decode them would say "truncated".
    assert "more than 64 megapixels" in reason(png_header(edge, edge))


def test_a_real_bomb_is_refused() -> None:
    bomb = saved(Image.new("1", (20_000, 20_000)))
    assert len(bomb) < 100_000
    assert "more than 64 megapixels" in reason(bomb)


def test_64_megapixels_are_not_a_bomb() -> None:
    assert reason(png_header(8000, 8000)) == "truncated or damaged PNG"


@pytest.mark.parametrize("mode", ["I", "F"])
def test_samples_of_unknown_range_are_refused(mode: str) -> None:
    assert reason(saved(Image.new(mode, (64, 64)), "TIFF")).startswith("32-bit samples")


def test_threads_leave_the_warning_filters_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    upright = ImageOps.exif_transpose

    def slow(image: Image.Image) -> Image.Image:
        time.sleep(0.03)  # long enough for the next thread to come in between
        return upright(image)

    monkeypatch.setattr(ImageOps, "exif_transpose", slow)
    before = list(warnings.filters)
    threads = [threading.Thread(target=decode, args=(saved(quartered()), "a")) for _ in range(3)]
    for thread in threads:
        thread.start()
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


def test_a_damaged_count_of_frames_brings_no_warning() -> None:
    # Pillow warns of an invalid animation; warnings are errors in this test run.
    plain = saved(quartered())
    control = b"acTL" + struct.pack(">II", 0, 0)
    chunk = struct.pack(">I", 8) + control + struct.pack(">I", zlib.crc32(control))
    assert corners(decode(plain[:33] + chunk + plain[33:], "a")) == list(QUARTERS.values())


def test_running_out_of_memory_is_not_the_images_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "convert", out_of_memory)
    with pytest.raises(MemoryError):
        decode(saved(quartered()), "a")


SAMPLES = [
    saved(quartered(48, 40), kind, **options)
    for kind, options in (
        ("JPEG", {"exif": Image.Exif()}),
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {}),
    )
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4))))
def test_damage_gives_pixels_or_an_image_error_and_nothing_else(
    sample: bytes, damage: list[tuple[float, bytes]]
) -> None:
    data = bytearray(sample)
    for share, patch in damage:
        place = int(share * (len(data) - 1))
        data[place : place + len(patch)] = patch
    try:
        pixels = decode(bytes(data), "a")
    except ImageError:
        return
    assert pixels.shape == (224, 224, 3)


@pytest.mark.data
def test_real_images_pass_as_they_are() -> None:
    root = os.environ.get("DERMTWIN_DATA")
    if not root:
        pytest.skip("DERMTWIN_DATA is not set")
    files = sorted(Path(root).glob("test/*/*.jpg"))[::100]
    assert files
    for file in files:
        with Image.open(file) as image:
            stored = np.asarray(image)
        assert np.array_equal(decode(file.read_bytes(), file.name), stored)
