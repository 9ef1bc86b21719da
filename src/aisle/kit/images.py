"""Pictures from strangers, made safe: bytes to upright RGB pixels in named steps, each with its limit.

What may be decoded is a list (JPEG, PNG, WebP, the first frame of a GIF), and what a file claims to be is never believed. The
header alone is read before the size is judged, JPEGs are decoded at a fraction of their size where that is enough, and nothing
but pixels comes out: no EXIF, no place where it was taken, no trailing archive.
"""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from aisle.errors import BadInput, TooLarge, Unsupported

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MOST_BYTES = 10 * 1024 * 1024
MOST_PIXELS = 25_000_000
ORIENTATION = 0x0112  # the EXIF tag
UPRIGHT = {  # what undoes each EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
WHITE = (255, 255, 255)
Pixels = NDArray[np.uint8]  # (height, width, 3)
Box = tuple[float, float, float, float]  # x0, y0, x1, y1; the lower right edge is not included


@dataclass(frozen=True, slots=True)
class Decoded:
    """An upright RGB picture, perhaps smaller than the file's; `width` and `height` are those of the file, upright."""

    image: Image.Image
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Decoded pixels per pixel of the file."""
        return self.image.width / self.width


def decode(content: bytes, *, side: int = 0) -> Decoded:
    """The picture in these bytes; with `side`, at least so many pixels on its shorter side are enough.

    Raises Unsupported (415) for what is no picture of FORMATS, TooLarge (413), BadInput (422) for a broken or empty file.
    """
    if not content:
        raise BadInput("the picture is empty: send the bytes of a JPEG, PNG, WebP or GIF", param="/image")
    if len(content) > MOST_BYTES:
        raise TooLarge(f"the picture has {len(content):,} bytes: at most {MOST_BYTES:,} are read", param="/image")
    with opened(content) as image:
        width, height = image.size
        if side:
            reduce_while_decoding(image, side)
        turned = turn_of(image)
        loaded = load(image)
        if side:
            loaded = shrink(loaded, side)
        upright = loaded.transpose(UPRIGHT[turned]) if turned in UPRIGHT else loaded
        if turned >= 5:
            width, height = height, width
        return Decoded(bare(flatten(upright)), width, height)


@contextlib.contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """The file's header, judged by what the bytes are; nothing is decoded yet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise TooLarge(f"the picture has too many pixels: at most {MOST_PIXELS:,} are decoded", param="/image") from None
    except UnidentifiedImageError:
        raise Unsupported("this is no picture that is read here: send a JPEG, PNG, WebP or GIF", param="/image") from None
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, MemoryError, OverflowError) as error:
        raise _broken(error) from None
    with image:
        if image.width * image.height > MOST_PIXELS:
            raise TooLarge(
                f"the picture has {image.width:,} x {image.height:,} pixels: at most {MOST_PIXELS:,} are decoded", param="/image"
            )
        yield image


def reduce_while_decoding(image: Image.Image, side: int) -> None:
    """JPEG alone can be decoded at 1/2, 1/4 or 1/8; never below `side` on the shorter side."""
    short = min(image.size)
    if image.format == "JPEG" and short >= 2 * side:
        image.draft(None, (image.width * side // short, image.height * side // short))


def turn_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where it is missing or broken."""
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, TypeError, KeyError, OverflowError):
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def load(image: Image.Image) -> Image.Image:
    """The pixels of the first frame. Raises BadInput where the data ends or breaks."""
    try:
        image.load()
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, MemoryError, OverflowError, IndexError) as error:
        raise _broken(error) from None
    return image


def shrink(image: Image.Image, side: int) -> Image.Image:
    """Averages of 2x2, 3x3 … pixels, as long as `side` stay on the shorter side: later steps handle little memory."""
    by = min(image.size) // side if side else 1
    return image.reduce(by) if by >= 2 and image.mode in ("L", "RGB", "RGBA", "CMYK", "LA") else image


def flatten(image: Image.Image) -> Image.Image:
    """RGB without transparency (on white), whatever the mode: palette, grey, 16 bit, CMYK."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        clear = image.convert("RGBA")
        ground = Image.new("RGB", clear.size, WHITE)
        ground.paste(clear, mask=clear.getchannel("A"))
        return ground
    return image.convert("RGB")


def bare(image: Image.Image) -> Image.Image:
    """The pixels and nothing else: no EXIF, comments or profiles."""
    image.info = {}
    return Image.frombuffer("RGB", image.size, image.tobytes(), "raw", "RGB", 0, 1)


def crop(image: Image.Image, box: Box) -> Image.Image:
    """The part of a picture inside a box, at least one pixel of it."""
    x0, y0 = min(max(int(box[0]), 0), image.width - 1), min(max(int(box[1]), 0), image.height - 1)
    x1, y1 = min(max(round(box[2]), x0 + 1), image.width), min(max(round(box[3]), y0 + 1), image.height)
    return image.crop((x0, y0, x1, y1))


def border_colour(image: Image.Image) -> tuple[int, int, int]:
    """The median colour of the outermost pixels: what a picture is padded with."""
    pixels = np.asarray(image)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (2 width + 2 height, 3)
    red, green, blue = np.median(edge, axis=0).astype(int).tolist()
    return red, green, blue


def letterbox(image: Image.Image, side: int, colour: tuple[int, int, int] | None = None) -> Image.Image:
    """The whole picture, its proportions kept, in the middle of a square padded with its border's colour (or `colour`)."""
    by = side / max(image.size)
    small = image.resize((max(round(image.width * by), 1), max(round(image.height * by), 1)), Image.Resampling.BICUBIC)
    square = Image.new("RGB", (side, side), border_colour(image) if colour is None else colour)
    square.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return square


def middle(image: Image.Image, side: int, share: float = 1.0) -> Image.Image:
    """A square in the middle of a picture, `share` of the largest there is (in length)."""
    short = min(image.size) * share
    left, top = (image.width - short) / 2, (image.height - short) / 2
    return image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + short, top + short))


def fingerprint(image: Image.Image) -> bytes:
    """A difference hash of 16 x 16 (256 bits): in few bits other for copies of one picture, also re-encoded or resized. Other
    colours of the same form share it, so whoever looks for copies compares colours or features too."""
    grey = np.asarray(image.convert("L").resize((17, 16), Image.Resampling.BOX), np.int16)
    return np.packbits(grey[:, 1:] > grey[:, :-1] + 2).tobytes()  # a step of two levels is noise of encoding


def png(pixels: NDArray[np.uint8]) -> bytes:
    """(height, width, 3 or 4) as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=4)
    return file.getvalue()


def _eight_bits(values: NDArray[np.generic]) -> Pixels:
    """16-bit or float grey, (height, width), as 8 bits: by the type's range, or where it has none by the values' own."""
    floats = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    most = float(floats.max()) if floats.size else 0.0
    top = 255.0 if most <= 255 else 65535.0 if most <= 65535 else most
    found: Pixels = (np.clip(floats / top, 0, 1) * 255).astype(np.uint8)
    return found


def _broken(error: Exception) -> BadInput:
    return BadInput(f"the picture is damaged or incomplete ({type(error).__name__}): send the whole file", param="/image")
