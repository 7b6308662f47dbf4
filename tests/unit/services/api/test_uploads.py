"""Which uploads pass, and that none of the others costs more than a look at its header."""

import asyncio
import io
import struct
import threading
import time
import zlib

import pytest
from PIL import Image
from told_twin import chunk, jpeg, png

from services.api import uploads
from services.api.problems import ProblemError
from services.api.uploads import MAX_BYTES, UploadCheck, ensure_header

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def refused(data: bytes) -> tuple[int, str]:
    with pytest.raises(ProblemError) as caught:
        asyncio.run(UploadCheck().ensure(data))
    return caught.value.status, caught.value.detail


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, kind, **options)
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG that is whole, black, and a thousandth of its pixels' bytes: rows are zeros."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    content = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def before_pixels(*chunks: bytes) -> bytes:
    """A PNG with more chunks after its header."""
    plain = png()
    return plain[:33] + b"".join(chunks) + plain[33:]


@pytest.mark.parametrize(
    "data",
    [
        png(),
        png(32, 32),
        jpeg(),
        jpeg(progressive=True),
        jpeg(exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
        jpeg() + b"<html><script>alert(1)</script></html>",  # stored, and never served as it is
        saved("PNG", dpi=(72, 72)),
        saved("JPEG", comment=b"\xff\xda\xff\xc0 in a comment"),
    ],
)
def test_pictures_pass_whatever_their_size_and_metadata(data):
    asyncio.run(UploadCheck().ensure(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (saved("GIF"), "the image is GIF: send a PNG or a JPEG"),
        (saved("BMP"), "BMP"),
        (saved("TIFF"), "TIFF"),
        (saved("WEBP"), "WebP"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04 ...", "ZIP"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'\xef\xbb\xbf  <?xml version="1.0"?><svg onload="x"/>', "SVG"),
        (b"<!doctype html><script>alert(1)</script>", "HTML or XML"),
        (b"<b", "HTML or XML"),
        (b"no image at all", "this is no image: send a PNG or a JPEG"),
        (b"\xff\xd8", "this is no image"),
    ],
)
def test_other_formats_are_refused_by_name_whatever_they_are_called(data, words):
    status, detail = refused(data)
    assert (status, words in detail) == (415, True), detail


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (png()[:-30], "truncated or damaged PNG"),
        (png()[:20], "truncated or damaged PNG"),
        (SIGNATURE, "truncated or damaged PNG"),
        (jpeg()[:-200], "truncated or damaged JPEG"),
        (jpeg()[:30], "truncated or damaged JPEG"),
        (b"\xff\xd8\xff" + bytes(50), "truncated or damaged JPEG"),
        (png(31, 64), "31 x 64 px: edges need at least 32 px"),
        (png()[:50] + b"\0" * 20 + png()[70:], "truncated or damaged PNG"),
        (
            saved("PNG", save_all=True, append_images=[Image.new("RGB", (64, 64), "red")]),
            "more than one picture",
        ),
        (
            saved("MPO", save_all=True, append_images=[Image.new("RGB", (64, 64), "red")]),
            "more than one picture",
        ),
    ],
)
def test_damaged_small_and_moving_pictures_are_refused_in_words(data, words):
    status, detail = refused(data)
    assert (status, words in detail) == (422, True), detail


def test_too_many_bytes_are_refused():
    assert refused(SIGNATURE + bytes(MAX_BYTES))[0] == 413


def test_a_bomb_is_refused_by_its_header():
    data = bomb(8_000, 8_000)
    assert len(data) < 20_000  # and 64 megapixels
    huge = SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 6, 0, 0, 0))
    flat = bytearray(jpeg())
    at = flat.index(b"\xff\xc0") + 5
    flat[at : at + 4] = struct.pack(">HH", 65_000, 65_000)
    for one, size in ((data, "8000 x 8000"), (huge, "50000 x 50000"), (flat, "65000 x 65000")):
        begun_s = time.process_time()
        assert refused(bytes(one)) == (422, f"{size} px: more than 40 megapixels")
        assert time.process_time() - begun_s < 0.1


def test_bombs_in_metadata_are_refused_before_they_fill_the_memory():
    zeros = zlib.compress(bytes(50_000_000), 1)
    for more in (
        chunk(b"zTXt", b"Comment\0\0" + zeros),
        chunk(b"iCCP", b"profile\0\0" + zeros),
        chunk(b"iTXt", b"Comment\0\1\0\0\0" + zeros),
    ):
        begun_s = time.process_time()
        try:
            asyncio.run(UploadCheck().ensure(before_pixels(more)))
        except ProblemError as refusal:
            assert (refusal.status, refusal.detail) == (422, "truncated or damaged PNG")
        assert time.process_time() - begun_s < 0.5


def test_a_jpeg_that_is_gone_over_again_and_again_is_refused():
    plain = jpeg(progressive=True)
    at = plain.rindex(b"\xff\xda")
    scan = plain[at:-2]
    assert refused(plain[:-2] + 200 * scan + plain[-2:]) == (422, "a JPEG of more than 100 scans")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff" * 9_000_000,
        b"\xff\xd8" + b"\xff\xe1\0\0" * 2_000_000,
        before_pixels(*[chunk(b"tEXt", b"") for _ in range(300_000)]),
        b"<" + b" " * 9_000_000,
    ],
)
def test_a_header_without_end_is_not_read_to_its_end(data):
    begun_s = time.thread_time()
    with pytest.raises(ProblemError):
        ensure_header(data)
    assert time.thread_time() - begun_s < 1.0


def test_one_is_decoded_at_a_time_and_few_wait(monkeypatch):
    goes_on, now, most = threading.Event(), [0], [0]

    def slow(_: bytes) -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])
        goes_on.wait(5)
        now[0] -= 1

    monkeypatch.setattr(uploads, "ensure_decodes", slow)

    async def crowd() -> list[object]:
        check, data = UploadCheck(), png()
        asking = [asyncio.create_task(check.ensure(data)) for _ in range(20)]
        await asyncio.sleep(0.05)
        goes_on.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    found = asyncio.run(crowd())
    refusals = [one for one in found if isinstance(one, ProblemError)]
    assert most == [1]
    assert {(one.status, "Retry-After" in one.headers) for one in refusals} == {(503, True)}
    assert len(refusals) == 4
