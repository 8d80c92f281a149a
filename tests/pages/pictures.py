"""Make pictures small enough for git, which keeps every version for ever; needs Pillow."""

import io

from PIL import Image

COLOURS = 24


def small(picture: bytes, colours: int = COLOURS) -> Image.Image:
    """Reduce a picture to few colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    return image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
