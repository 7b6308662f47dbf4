"""What lies on the skin or in the gel: marker ink, hair, bubbles.

Shapes are drawn twice as large and halved, which smooths their edges; Pillow draws and blends in
integers, so any host gives the same pixels.
"""

import math
from typing import Final

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from twin.acquisition.shift import Level, Pixels, Shift
from twin.dermoscopy.textures import EDGE_PX

_SCALE: Final = 2  # of the drawing to the picture
_DRAWN: Final = EDGE_PX * _SCALE
_BENDS: Final = np.linspace(-1, 1, 13)  # along a hair
_TURNS: Final = np.linspace(-1, 1, 8)  # along a stroke
Mask = Image.Image  # mode L, 224 x 224: how much of a pixel is covered


def _mask(drawn: Mask) -> Mask:
    return drawn.reduce(_SCALE)


def _blank() -> tuple[Mask, ImageDraw.ImageDraw]:
    image = Image.new("L", (_DRAWN, _DRAWN), 0)
    return image, ImageDraw.Draw(image)


# --- hair ------------------------------------------------------------------------------------

_MOST_HAIRS: Final = 110


def _hair(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:
    middle = stream.uniform(-1, 1, (_MOST_HAIRS, 2))
    lean = stream.normal(stream.uniform(0, math.pi), 0.5, _MOST_HAIRS)
    bend = stream.normal(0, 0.3, _MOST_HAIRS)
    reach = stream.uniform(0.4, 1.3, _MOST_HAIRS)
    strong = stream.random(_MOST_HAIRS)
    dark = stream.uniform(0.6, 1.4)
    count = round(level["hairs"])
    angle = lean[:, None] + bend[:, None] * _BENDS
    along = reach[:, None] * _BENDS
    x = (middle[:, :1] + np.cos(angle) * along + 1) * (_DRAWN / 2)
    y = (middle[:, 1:] + np.sin(angle) * along + 1) * (_DRAWN / 2)
    places = np.stack([x, y], axis=2).round().astype(int)
    drawn, draw = _blank()
    for hair in range(count):
        width = 2 if strong[hair] < 0.55 else (3 if strong[hair] < 0.9 else 4)
        draw.line(places[hair].ravel().tolist(), fill=150 + int(90 * strong[hair]), width=width)
    colour = tuple(int(channel * dark) for channel in (46, 32, 26))  # dark brown: assumption
    image = Image.fromarray(pixels)
    image.paste(colour, (0, 0), _mask(drawn))
    return np.array(image)


HAIR: Final = Shift(
    name="hair",
    about="Dark hairs across the picture.",
    levels={"hairs": (5, 14, 32, 64, 110)},
    source="assumption; hair as an artefact of dermoscopy: Lee et al. 1997, DullRazor, "
    "doi:10.1016/S0010-4825(97)00020-6",
    change=_hair,
)

# --- marker ink --------------------------------------------------------------------------------

_INKS: Final = ((96, 60, 150), (70, 72, 168), (52, 92, 150))  # gentian violet to blue: assumption
_MOST_STROKES: Final = 9


def _marker_ink(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:
    ink = _INKS[int(stream.integers(len(_INKS)))]
    start = stream.uniform(0, 2 * math.pi)
    lean, bend = stream.normal(0, 0.06, (2, _MOST_STROKES, 1))
    spread = stream.uniform(-0.35, 0.35, _MOST_STROKES)
    drawn, draw = _blank()
    width = round(level["width_px"] * _SCALE)
    for stroke in range(round(level["strokes"])):
        # The golden angle spreads any number of strokes evenly around the lesion.
        turn = start + stroke * 2.399963 + spread[stroke]
        middle = 0.95 - 0.06 * stroke  # of half the edge: each is closer to the lesion
        arc = turn + 0.4 / middle * _TURNS  # as long as the others
        radius = middle * (1 + lean[stroke] * _TURNS + bend[stroke] * _TURNS**2)
        x = (1 + radius * np.cos(arc)) * (_DRAWN / 2)
        y = (1 + radius * np.sin(arc)) * (_DRAWN / 2)
        places = np.stack([x, y], axis=1).round().astype(int)
        draw.line(
            places.ravel().tolist(), fill=round(255 * level["cover"]), width=width, joint="curve"
        )
    # Ink filters light: it darkens what is below, and hides nothing.
    stained = Image.composite(
        Image.new("RGB", (EDGE_PX, EDGE_PX), ink),
        Image.new("RGB", (EDGE_PX, EDGE_PX), (255, 255, 255)),
        _mask(drawn),
    )
    return np.array(ImageChops.multiply(Image.fromarray(pixels), stained))


MARKER_INK: Final = Shift(
    name="marker_ink",
    about="Strokes of a surgical marker around the lesion, closer to it and over it.",
    levels={
        "strokes": (2, 3, 5, 7, 9),
        "width_px": (4, 5, 7, 9, 12),
        "cover": (0.6, 0.7, 0.8, 0.9, 1.0),
    },
    source="assumption; markings mislead networks: Winkler et al. 2019, "
    "doi:10.1001/jamadermatol.2019.1735",
    change=_marker_ink,
)

# --- gel bubbles -------------------------------------------------------------------------------

_MOST_BUBBLES: Final = 90


def _gel_bubbles(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:
    x, y = stream.uniform(0, _DRAWN, (2, _MOST_BUBBLES))
    # Many small ones and few large ones.
    radius = 5 + 21 * stream.random(_MOST_BUBBLES) ** 2.5
    lamp = stream.uniform(0, 2 * math.pi)
    inside, draw_inside = _blank()
    rims, draw_rim = _blank()
    glints, draw_glint = _blank()
    for bubble in range(round(level["bubbles"])):
        r = float(radius[bubble]) * level["size"]
        box = _box(float(x[bubble]), float(y[bubble]), r)
        draw_inside.ellipse(box, fill=70)
        draw_rim.ellipse(box, outline=150, width=max(2, round(r * 0.16)))
        away = 0.55 * r
        glint_x = float(x[bubble]) + math.cos(lamp) * away
        glint_y = float(y[bubble]) + math.sin(lamp) * away
        draw_glint.ellipse(_box(glint_x, glint_y, max(1.5, 0.24 * r)), fill=230)
    image = Image.fromarray(pixels)
    image.paste((205, 190, 186), (0, 0), _mask(inside))  # light scattered back: assumption
    image.paste((60, 46, 42), (0, 0), _mask(rims))
    image.paste((255, 255, 252), (0, 0), _mask(glints))
    return np.array(image)


def _box(x: float, y: float, r: float) -> list[int]:
    return [round(x - r), round(y - r), round(x + r), round(y + r)]


GEL_BUBBLES: Final = Shift(
    name="gel_bubbles",
    about="Air bubbles in the contact fluid: pale discs with a dark rim and a glint.",
    levels={"bubbles": (4, 12, 28, 55, 90), "size": (0.8, 0.9, 1.0, 1.1, 1.2)},
    source="assumption",
    change=_gel_bubbles,
)
