"""Pictures from strangers: what is decoded, what is refused, and what never comes through."""

import io
import struct
import time
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from aisle.errors import BadInput, TooLarge, Unsupported
from aisle.kit import images


def as_file(image: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)  # type: ignore[arg-type]
    return file.getvalue()


def noise(width: int = 40, height: int = 30) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))


def png_of(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that claims a size and holds almost nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [30_000, 13_500, 9_400])
def test_a_bomb_is_refused_by_its_header_in_no_time_and_no_memory(side: int) -> None:
    bomb = png_of(side, side)
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(TooLarge, match="pixels"):
        images.decode(bomb)
    spent, (_, most) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spent < 0.25 and most < 2_000_000


def test_more_bytes_than_any_photo_has_are_not_looked_at() -> None:
    with pytest.raises(TooLarge, match="bytes"):
        images.decode(b"\xff\xd8\xff" + bytes(images.MOST_BYTES))


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"%PDF-1.7\n1 0 obj\n",
        b"<!doctype html><html></html>",
        b"PK\x03\x04" + bytes(60),
        bytes(100),
        b"GIF",
        as_file(noise(), "TIFF"),
        as_file(noise(), "BMP"),
        as_file(noise(), "ICO"),
    ],
    ids=["svg", "eps", "pdf", "html", "zip", "zeros", "short", "tiff", "bmp", "ico"],
)
def test_what_is_no_picture_of_the_list_is_unsupported_whatever_it_is_called(content: bytes) -> None:
    with pytest.raises(Unsupported):
        images.decode(content)


def test_nothing_is_said_to_be_nothing() -> None:
    with pytest.raises(BadInput, match="empty"):
        images.decode(b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_file_that_ends_early_is_refused_or_read_as_far_as_its_header(kind: str) -> None:
    whole = as_file(noise(200, 200), kind)
    for share in (0.02, 0.3, 0.7):
        with pytest.raises(BadInput):
            images.decode(whole[: int(len(whole) * share)])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]), st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
def test_damaged_bytes_give_a_picture_or_our_error(kind: str, place: int, damage: bytes) -> None:
    content = bytearray(as_file(noise(), kind))
    place %= len(content)
    content[place : place + len(damage)] = damage
    try:
        found = images.decode(bytes(content))
    except BadInput:
        return
    assert found.image.mode == "RGB" and found.image.width * found.image.height <= images.MOST_PIXELS


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_becomes_rgb_with_its_colours(mode: str) -> None:
    grey = np.tile(np.linspace(0, 255, 32).astype(np.uint8), (32, 1))
    deep = grey.astype(np.uint16) * 257
    source = Image.fromarray(deep) if mode.startswith("I") else Image.fromarray(grey).convert(mode)
    found = np.asarray(images.decode(as_file(source)).image, int)
    assert found.shape == (32, 32, 3)
    assert found[:, 0].mean() < 10 and found[:, -1].mean() > 245


def test_cmyk_photos_have_the_right_colours() -> None:
    red = Image.new("RGB", (16, 16), (220, 30, 30)).convert("CMYK")
    r, g, b = np.asarray(images.decode(as_file(red, "JPEG")).image, int).mean((0, 1))
    assert r > 180 and g < 80 and b < 80


def test_what_is_transparent_lies_on_white() -> None:
    assert np.asarray(images.decode(as_file(Image.new("RGBA", (8, 8), (255, 0, 0, 0)))).image).min() == 255


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_picture_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    content = as_file(frames[0], kind, save_all=True, append_images=frames[1:] * 20)
    r, g, b = np.asarray(images.decode(content).image, int).mean((0, 1))
    assert r > 200 and g < 60 and b < 60


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright_and_their_size_with_them(orientation: int) -> None:
    upright = Image.new("RGB", (80, 40), (255, 255, 255))
    upright.paste((200, 0, 0), (0, 0, 40, 20))  # red in the upper left
    undo = images.UPRIGHT.get(orientation)
    inverse = {Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90}
    stored = upright.transpose(inverse.get(undo, undo)) if undo is not None else upright  # type: ignore[arg-type]
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    found = images.decode(as_file(stored, "JPEG", exif=exif, quality=95))
    assert (found.width, found.height) == (80, 40) == found.image.size
    pixels = np.asarray(found.image, int)
    assert pixels[5, 5, 1] < 80 and pixels[5, 70].min() > 200 and pixels[35, 5].min() > 200


def test_where_a_photo_was_taken_does_not_come_through() -> None:
    exif = Image.Exif()
    exif[0x010F] = "<script>"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    found = images.decode(as_file(noise(), "JPEG", exif=exif, comment=b"secret"))
    again = as_file(found.image, "JPEG")
    assert found.image.info == {} and not found.image.getexif() and b"secret" not in again and b"script" not in again


def test_an_archive_behind_a_photo_is_a_photo_and_stays_behind() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("evil.html", "<script>")
    found = images.decode(as_file(noise(), "JPEG") + archive.getvalue())
    assert found.image.size == (40, 30) and b"PK\x03\x04" not in found.image.tobytes()


def test_a_big_jpeg_is_decoded_at_a_fraction_and_its_size_is_known() -> None:
    found = images.decode(as_file(noise(1600, 1200), "JPEG"), side=224)
    assert (found.width, found.height) == (1600, 1200)
    assert 224 <= min(found.image.size) < 600
    assert found.scale == pytest.approx(found.image.width / 1600)


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (2, 3)])
def test_slivers_are_pictures_too(size: tuple[int, int]) -> None:
    found = images.decode(as_file(Image.new("RGB", size, (9, 120, 9))), side=224)
    square = images.letterbox(found.image, 96)
    assert square.size == (96, 96) and images.middle(found.image, 96).size == (96, 96)


def test_copies_have_one_fingerprint_and_other_pictures_another() -> None:
    photo = images.decode(as_file(Image.fromarray(_gradient()), "PNG")).image
    copy = images.decode(as_file(photo, "JPEG", quality=92)).image
    smaller = photo.resize((75, 60), Image.Resampling.LANCZOS)
    other = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert max(_distance(photo, copy), _distance(photo, smaller)) <= 20 < 40 < _distance(photo, other)


def _distance(first: Image.Image, second: Image.Image) -> int:
    pairs = zip(images.fingerprint(first), images.fingerprint(second), strict=True)
    return sum((a ^ b).bit_count() for a, b in pairs)


def _gradient() -> np.ndarray:
    y, x = np.mgrid[0:120, 0:150]
    grey = (127 + 120 * np.sin(x / 11.0) * np.cos(y / 17.0)).astype(np.uint8)
    return np.stack([grey, grey // 2, 255 - grey], -1)
