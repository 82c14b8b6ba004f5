"""Draw images of twenty DTD texture classes from a seed, for the embedded pool and for the training of its tiny CLIP.

In:  a DTD class name and a seed.
Out: `Drawing`: pixels uint8 (height, width, 3), and the words that a caption may use for them.

A drawing looks the same at every size, because its periods are fractions of the image; so the model can be trained on
small ones. Each class varies in colours, scale, angle, warp, lighting, noise and blur. No class is a rotated version of
another: striped is two flat colours of equal width, lined is thin ink on pale paper, banded is many tones of unequal
width.

    python demo/make_pool.py --output outputs/demo/pool      # writes contact_sheet.png, to look at them
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

# (r, g, b) of colours that people name in captions
COLOURS = {
    "black": (28, 28, 32), "white": (244, 243, 238), "grey": (140, 142, 146), "red": (196, 40, 44),
    "orange": (236, 132, 36), "yellow": (243, 207, 62), "green": (52, 142, 74), "teal": (30, 136, 140),
    "blue": (44, 94, 186), "navy": (28, 40, 92), "purple": (116, 60, 150), "pink": (240, 150, 178),
    "brown": (122, 76, 44), "beige": (222, 202, 168), "cream": (250, 236, 204), "turquoise": (84, 200, 196),
}  # fmt: skip
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
LEAST_CONTRAST = 75  # of luminance, out of 255; with less, stripes vanish in a small image
ANGLES = ("horizontal", "diagonal", "vertical")
SCALES = ("large", "medium", "small")


@dataclass(frozen=True)
class Drawing:
    """An image, and the words that are true of it."""

    pixels: np.ndarray
    class_name: str
    ink: str
    ground: str
    angle: str | None  # None for a class without direction
    scale: str


@dataclass(frozen=True)
class Canvas:
    """What a class draws on: `x` and `y`, float32 (height, width), are periods from the middle of the image."""

    x: np.ndarray
    y: np.ndarray
    pixel: float  # size of a pixel, in periods
    ink: np.ndarray
    ground: np.ndarray
    random: np.random.Generator

    def edge(self, distance):
        """1 where `distance` (in periods) is positive, 0 where it is negative, smooth over 1.5 pixels."""
        return np.clip(0.5 + distance / (1.5 * self.pixel), 0, 1)

    def noise(self, cells: float, octaves: int = 1):
        """Smooth noise in about -1 … 1 with `cells` bumps across the image; each octave is half as large and strong."""
        total = np.zeros(self.x.shape, np.float32)
        for octave in range(octaves):
            side = int(cells * 2**octave) + 3
            coarse = self.random.uniform(-1, 1, (side, side)).astype(np.float32)
            total += cv2.resize(coarse, self.x.shape[::-1], interpolation=cv2.INTER_CUBIC) / 2**octave
        return total

    def shades(self, mask, ink=None, ground=None):
        """Ink where `mask` is 1, ground where it is 0: float32 (height, width, 3)."""
        ink = self.ink if ink is None else ink
        ground = self.ground if ground is None else ground
        return ground + (ink - ground) * mask[..., None]

    def radius(self) -> float:
        """Distance from the middle to the farther edge, in periods."""
        return float(max(np.abs(self.x).max(), np.abs(self.y).max()))


def _saw(values):
    """Distance to the middle of the period, 0 … 0.5."""
    return np.abs(values - np.floor(values) - 0.5)


def _signed(values):
    """Position within the period, -0.5 … 0.5."""
    return values - np.floor(values) - 0.5


def _light(canvas: Canvas):
    return max(canvas.ink, canvas.ground, key=lambda colour: float(colour @ LUMINANCE))


def _dark(canvas: Canvas):
    return min(canvas.ink, canvas.ground, key=lambda colour: float(colour @ LUMINANCE))


def _random_colour(canvas: Canvas):
    return np.array(list(COLOURS.values())[canvas.random.integers(len(COLOURS))], np.float32)


# ---- the classes ----


def banded(canvas):
    random = canvas.random
    radius = canvas.radius() + 2
    edges = np.cumsum(random.uniform(0.35, 1.7, int(4 * radius) + 8)) - radius - 2
    middle = (canvas.ink + canvas.ground) / 2
    tones = np.stack([canvas.ink, canvas.ground, middle, canvas.ground * 0.75, canvas.ink * 0.6 + 100])
    order = [0]
    for _ in edges:
        order.append(int(random.choice([tone for tone in range(len(tones)) if tone != order[-1]])))
    y = canvas.y + 0.35 * canvas.noise(3, 2)
    image = np.broadcast_to(tones[order[0]], (*y.shape, 3)).astype(np.float32)
    softness = random.uniform(0.03, 0.16)
    for edge, tone in zip(edges, order[1:], strict=True):
        image = image + (tones[tone] - image) * np.clip(0.5 + (y - edge) / softness, 0, 1)[..., None]
    streaks = np.interp(y, np.linspace(-radius, radius, 200), random.uniform(-9, 9, 200))
    return image + streaks[..., None]


def bubbly(canvas):
    random = canvas.random
    image = canvas.shades(0.5 + 0.35 * canvas.noise(2))
    radius = canvas.radius()
    bright = _light(canvas) * 0.3 + 178
    for _ in range(int(34 * min(radius, 3.2) ** 1.2 / 3)):
        size = random.uniform(0.16, 0.75) ** 1.25
        dx, dy = canvas.x - random.uniform(-radius, radius), canvas.y - random.uniform(-radius, radius)
        near = dx * dx + dy * dy < (1.2 * size) ** 2
        rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
        if not len(rows):
            continue
        window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        dx, dy = dx[window] / size, dy[window] / size
        distance = np.sqrt(dx * dx + dy * dy)
        inside = canvas.edge((1 - distance) * size)
        rim = inside * np.clip(distance, 0, 1) ** 5
        glint = np.clip(1 - ((dx + 0.38) ** 2 + (dy + 0.42) ** 2) / 0.045, 0, 1)
        under = image[window] * (1 - 0.12 * inside[..., None])
        under = under + (bright - under) * np.clip(0.85 * rim + glint, 0, 1)[..., None]
        image[window] = under * (1 - 0.5 * (canvas.edge((1.09 - distance) * size) - inside)[..., None])
    return image


def chequered(canvas):
    across = np.clip(np.sin(np.pi * canvas.x) / (np.pi * canvas.pixel), -1, 1)
    down = np.clip(np.sin(np.pi * canvas.y) / (np.pi * canvas.pixel), -1, 1)
    return canvas.shades(0.5 + 0.5 * across * down)


def cobwebbed(canvas):
    random = canvas.random
    radius = canvas.radius()
    dx, dy = canvas.x - random.uniform(-0.3, 0.3) * radius, canvas.y - random.uniform(-0.3, 0.3) * radius
    distance, turn = np.sqrt(dx * dx + dy * dy), np.arctan2(dy, dx) / (2 * np.pi) + 0.5
    spokes = int(random.integers(9, 16))
    angles = (np.arange(spokes) + random.uniform(-0.25, 0.25, spokes)) / spokes
    turn = (turn - angles[0]) % 1
    bounds = np.append(np.sort((angles - angles[0]) % 1), 1.0)
    sector = np.clip(np.searchsorted(bounds, turn, side="right") - 1, 0, spokes - 1)
    width = bounds[sector + 1] - bounds[sector]
    part = (turn - bounds[sector]) / width
    thread = random.uniform(0.05, 0.085)
    to_spoke = np.minimum(part, 1 - part) * width * 2 * np.pi * distance
    ring = distance / (1 - 0.2 * np.sin(np.pi * part)) + random.uniform(-0.3, 0.3, spokes)[sector]
    on_ring = thread - (0.5 - _saw(ring * 0.95))
    mask = np.maximum(canvas.edge(thread - to_spoke), 0.9 * canvas.edge(on_ring) * (distance < radius * 1.25))
    return canvas.shades(mask, _light(canvas) * 0.25 + 185, _dark(canvas) * 0.6)


def cracked(canvas):
    random = canvas.random
    reach = canvas.radius() + 1
    x, y = canvas.x + 0.14 * canvas.noise(9, 2), canvas.y + 0.14 * canvas.noise(9, 2)
    side = np.arange(-np.ceil(reach), np.ceil(reach) + 1)
    seeds = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2) + random.uniform(-0.5, 0.5, (len(side) ** 2, 2))
    nearest, second = np.full(x.shape, 99, np.float32), np.full(x.shape, 99, np.float32)
    tone = np.zeros(x.shape, np.float32)
    for sx, sy in seeds:
        distance = np.sqrt((x - sx) ** 2 + (y - sy) ** 2)
        second = np.minimum(second, np.maximum(nearest, distance))
        tone = np.where(distance < nearest, random.uniform(-12, 12), tone)
        nearest = np.minimum(nearest, distance)
    gap = 0.05 + 0.035 * canvas.noise(3)
    crack = canvas.edge(gap - (second - nearest) / 2)
    clay = _light(canvas) * 0.55 + np.array([88, 78, 66], np.float32)
    clay = clay + (tone + 9 * canvas.noise(24))[..., None] + 16 * np.clip((second - nearest) * 3, 0, 1)[..., None] - 10
    return canvas.shades(crack, _dark(canvas) * 0.25 + 8, clay)


def crosshatched(canvas):
    random = canvas.random
    image = np.broadcast_to(canvas.ground * 0.25 + 186, (*canvas.x.shape, 3)).astype(np.float32)
    ink = _dark(canvas) * 0.7
    lean = random.uniform(26, 40)
    for slant in (lean, -lean) if random.random() < 0.7 else (lean, -lean, 0):
        angle = np.radians(slant + random.uniform(-4, 4))
        across = canvas.x * np.sin(angle) + canvas.y * np.cos(angle) + 0.22 * canvas.noise(3)
        stroke = np.floor(across)
        weight = 0.55 + 0.45 * np.sin(stroke * 12.9 + canvas.x * 0.25 + random.uniform(0, 9))
        mask = canvas.edge(0.05 + 0.09 * weight - _saw(across)) * (0.55 + 0.4 * weight)
        image = image + (ink - image) * mask[..., None]
    return image


def grid(canvas):
    half = canvas.random.uniform(0.045, 0.1)
    lines = canvas.edge(half - np.minimum(_saw(canvas.x), _saw(canvas.y)))
    return canvas.shades(lines)


def honeycombed(canvas):
    # Hexagon centres form two interleaved rectangular lattices; the nearer point is the centre.
    height = np.sqrt(3)
    ax, ay = canvas.x - np.round(canvas.x), canvas.y - height * np.round(canvas.y / height)
    bx = canvas.x - np.floor(canvas.x) - 0.5
    by = canvas.y - height * (np.floor(canvas.y / height) + 0.5)
    first = ax * ax + ay * ay < bx * bx + by * by
    hx, hy = np.where(first, ax, bx), np.where(first, ay, by)
    to_side = 0.5 - np.maximum(np.abs(hx), np.abs(hx) * 0.5 + np.abs(hy) * (height / 2))
    wall = canvas.edge(canvas.random.uniform(0.06, 0.1) - to_side)
    light, dark = _light(canvas), _dark(canvas)
    depth = np.clip(0.35 + 1.1 * (hy + 0.35 * hx) + 0.5 * to_side, 0, 1)
    cell = dark * 0.65 + (light * 0.8 - dark * 0.65) * depth[..., None]
    return canvas.shades(wall, light * 0.85 + 36, cell)


def lined(canvas):
    mask = canvas.edge(canvas.random.uniform(0.05, 0.085) - _saw(canvas.y))
    paper = _light(canvas) * 0.3 + 176
    return canvas.shades(mask, _dark(canvas), paper)


def marbled(canvas):
    random = canvas.random
    flow = canvas.x * 0.35 + 1.5 * canvas.noise(3, 4)
    veins = (1 - np.abs(np.sin(np.pi * flow))) ** random.uniform(4, 7)
    fine = (1 - np.abs(np.sin(np.pi * (canvas.y * 0.3 + 1.7 * canvas.noise(4, 4))))) ** 12
    clouds = 0.16 * canvas.noise(3, 3)
    return canvas.shades(np.clip(0.95 * veins + 0.55 * fine + clouds, 0, 1))


def polka_dotted(canvas):
    staggered = canvas.random.random() < 0.7
    squeeze = np.sqrt(3) / 2 if staggered else 1.0  # equal distances to all six neighbours
    y = canvas.y / squeeze
    shift = 0.5 * (np.floor(y) % 2) if staggered else 0.0
    dx, dy = _signed(canvas.x + shift), _signed(y) * squeeze
    distance = np.sqrt(dx * dx + dy * dy)
    return canvas.shades(canvas.edge(canvas.random.uniform(0.22, 0.34) - distance))


def scaly(canvas):
    light, dark = _light(canvas), _dark(canvas)
    image = np.broadcast_to(dark, (*canvas.x.shape, 3)).astype(np.float32)
    row_of_pixel = np.floor(canvas.y / 0.5)
    size = canvas.random.uniform(0.56, 0.62)
    for above in (0, -1, -2):  # rows overlap downwards: each scale covers the top of those below it
        row = row_of_pixel + above
        shift = 0.5 * (row % 2)
        dx = canvas.x + shift - np.round(canvas.x + shift)
        dy = canvas.y - row * 0.5
        distance = np.sqrt(dx * dx + dy * dy)
        inside = canvas.edge(size - distance)
        shade = np.clip(1.1 - (distance / size) ** 3 - 0.2 * dx, 0, 1)[..., None]
        colour = dark * 0.5 + (light - dark * 0.5) * shade
        image = image + (colour - image) * inside[..., None]
    return image


def spiralled(canvas):
    random = canvas.random
    dx, dy = canvas.x - random.uniform(-0.35, 0.35), canvas.y - random.uniform(-0.35, 0.35)
    distance, turn = np.sqrt(dx * dx + dy * dy) + 1e-3, np.arctan2(dy, dx) / (2 * np.pi)
    arms = int(random.integers(1, 3)) * (1 if random.random() < 0.5 else -1)
    if random.random() < 0.5:
        phase = distance + arms * turn  # Archimedes
        gap = canvas.pixel
    else:
        phase = 1.5 * np.log(distance) + arms * turn
        gap = canvas.pixel * 1.5 / np.maximum(distance, 0.05)
    mask = np.clip(0.5 + (0.25 - _saw(phase)) / (1.5 * gap), 0, 1)
    return canvas.shades(mask)


def sprinkled(canvas):
    random = canvas.random
    height, width = canvas.x.shape
    image = np.empty((height, width, 3), np.float32)
    image[:] = _light(canvas) * 0.35 + 160
    palette = [canvas.ink, _dark(canvas)] + [_random_colour(canvas) for _ in range(4)]
    thick = max(2, round(0.17 / canvas.pixel))
    length = 0.62 / canvas.pixel
    for _ in range(int(2.1 * (width * canvas.pixel) * (height * canvas.pixel))):
        cx, cy, angle = random.uniform(0, width), random.uniform(0, height), random.uniform(0, np.pi)
        ends = np.array([[cx, cy], [cx + length * np.cos(angle), cy + length * np.sin(angle)]])
        a, b = (tuple(int(round(16 * value)) for value in end) for end in ends)
        shadow = tuple(int(round(16 * value + 8)) for value in ends[1])
        cv2.line(image, a, shadow, tuple(image[0, 0].tolist()[i] * 0.8 for i in range(3)), thick, cv2.LINE_AA, 4)
        colour = palette[random.integers(len(palette))]
        cv2.line(image, a, b, tuple(float(value) for value in colour), thick, cv2.LINE_AA, 4)
    return image


def striped(canvas):
    half = canvas.random.uniform(0.21, 0.29)
    return canvas.shades(canvas.edge(half - _saw(canvas.y)))


def studded(canvas):
    random = canvas.random
    y = canvas.y
    shift = 0.5 * (np.floor(y) % 2) if random.random() < 0.5 else 0.0
    dx, dy = _signed(canvas.x + shift), _signed(y)
    size = random.uniform(0.25, 0.33)
    distance = np.sqrt(dx * dx + dy * dy)
    inside = canvas.edge(size - distance)
    bulge = np.sqrt(np.clip(1 - (distance / size) ** 2, 0, 1))
    metal = np.array([(205, 208, 214), (222, 184, 96), (196, 128, 84)][random.integers(3)], np.float32)
    facing = (-0.55 * dx - 0.6 * dy) / size + 0.58 * bulge
    glint = np.clip(facing - 0.74, 0, 1) * 5
    stud = metal * np.clip(0.25 + 0.85 * facing, 0.1, 1.1)[..., None] + 140 * np.clip(glint, 0, 1)[..., None]
    leather = _dark(canvas) * 0.75 + (10 * canvas.noise(30))[..., None]
    shadow = canvas.edge(size * 1.18 - np.sqrt((dx - 0.06) ** 2 + (dy - 0.08) ** 2))
    return canvas.shades(inside, stud, leather * (1 - 0.55 * shadow[..., None]))


def swirly(canvas):
    random = canvas.random
    x, y = canvas.x.copy(), canvas.y.copy()
    radius = canvas.radius()
    for _ in range(int(random.integers(5, 9))):
        cx, cy, size = (
            random.uniform(-radius, radius),
            random.uniform(-radius, radius),
            random.uniform(0.5, 0.9) * radius,
        )
        dx, dy = x - cx, y - cy
        turn = random.uniform(2.2, 4.2) * random.choice([-1, 1]) * np.exp(-2.2 * (dx * dx + dy * dy) / size**2)
        x, y = cx + dx * np.cos(turn) - dy * np.sin(turn), cy + dx * np.sin(turn) + dy * np.cos(turn)
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * (y * 0.5))
    third = _random_colour(canvas)
    image = canvas.shades(np.clip((wave - 0.5) * 4 + 0.5, 0, 1))
    ribbon = np.clip(1 - np.abs(np.sin(np.pi * (y * 0.5 + 0.25))) * 4, 0, 1)
    return image + (third - image) * 0.8 * ribbon[..., None]


def waffled(canvas):
    u, v = _signed(canvas.x), _signed(canvas.y)
    ridge = canvas.random.uniform(0.34, 0.4)
    reach = np.maximum(np.abs(u), np.abs(v))
    top = canvas.edge(reach - ridge)
    floor = canvas.edge(0.2 - reach)
    sideways = np.abs(u) > np.abs(v)
    lit = np.where(sideways, np.where(u > 0, 0.95, 0.5), np.where(v > 0, 0.85, 0.35))
    batter = _light(canvas) * 0.4 + np.array([126, 92, 44], np.float32)
    lit = lit * (1 - floor) + 0.6 * floor
    shade = (lit * (1 - top) + 1.12 * top) + 0.04 * canvas.noise(20)
    return batter * np.clip(shade, 0, 1.2)[..., None]


def woven(canvas):
    u, v = _signed(canvas.x), _signed(canvas.y)
    over = (np.floor(canvas.x) + np.floor(canvas.y)) % 2 == 0
    # On each cell one strand lies on top, bulging across its width and sinking where it goes under.
    across, along = np.where(over, v, u), np.where(over, u, v)
    strand = np.sqrt(np.clip(1 - (across / 0.46) ** 2, 0, 1)) * (1 - 1.6 * along**2)
    fibres = 0.07 * np.sin(2 * np.pi * 6 * across)
    colour = np.where(over[..., None], canvas.ink * 0.85 + 30, canvas.ground * 0.85 + 12)
    return colour * np.clip(0.12 + 0.95 * strand + fibres, 0.08, 1.1)[..., None]


def zigzagged(canvas):
    rise = canvas.random.uniform(0.5, 0.85)
    return canvas.shades(canvas.edge(0.25 - _saw(canvas.y + 2 * rise * _saw(canvas.x * 0.6))))


@dataclass(frozen=True)
class Manner:
    """How to draw a class: its function, periods across the image (fewest, most), and the largest rotation."""

    draw: Callable[[Canvas], np.ndarray]
    fewest: float
    most: float
    turned: float  # degrees to either side
    named_angle: bool = False  # whether captions may name its direction


MANNERS = {
    "banded": Manner(banded, 7, 12, 90, named_angle=True),
    "bubbly": Manner(bubbly, 3, 5, 20),
    "chequered": Manner(chequered, 5, 11, 45),
    "cobwebbed": Manner(cobwebbed, 7, 12, 180),
    "cracked": Manner(cracked, 3.5, 7, 45),
    "crosshatched": Manner(crosshatched, 11, 18, 25),
    "grid": Manner(grid, 4, 9, 20),
    "honeycombed": Manner(honeycombed, 4, 8, 20),
    "lined": Manner(lined, 8, 15, 90, named_angle=True),
    "marbled": Manner(marbled, 4, 7, 90),
    "polka-dotted": Manner(polka_dotted, 4, 9, 45),
    "scaly": Manner(scaly, 4, 8, 15),
    "spiralled": Manner(spiralled, 6, 11, 180),
    "sprinkled": Manner(sprinkled, 7, 11, 90),
    "striped": Manner(striped, 4, 8, 90, named_angle=True),
    "studded": Manner(studded, 4, 8, 20),
    "swirly": Manner(swirly, 7, 12, 90),
    "waffled": Manner(waffled, 4, 8, 30),
    "woven": Manner(woven, 6, 12, 45),
    "zigzagged": Manner(zigzagged, 4, 9, 90),
}
CLASSES = tuple(MANNERS)


def draw(class_name: str, seed: int, height: int = 256, width: int = 256) -> Drawing:
    """The drawing of a class for a seed; the same words are true of it at every size."""
    manner = MANNERS[class_name]
    random = np.random.default_rng([zlib.crc32(class_name.encode()), seed])
    ink, ground = _two_colours(random)
    part = random.random()
    periods = manner.fewest * (manner.most / manner.fewest) ** part
    degrees = random.uniform(-manner.turned, manner.turned)
    pixel = periods / min(height, width)
    x, y = _bent_plane(random, height, width, pixel, np.radians(degrees))
    canvas = Canvas(x, y, pixel, np.float32(COLOURS[ink]), np.float32(COLOURS[ground]), random)
    image = _photographed(manner.draw(canvas), random)
    direction = abs(degrees)
    angle = ANGLES[0 if direction < 20 else 2 if direction > 70 else 1] if manner.named_angle else None
    return Drawing(image, class_name, ink, ground, angle, SCALES[min(2, int(3 * part))])


def _two_colours(random: np.random.Generator) -> tuple[str, str]:
    names = list(COLOURS)
    while True:
        ink, ground = random.choice(names, 2, replace=False)
        if abs((np.float32(COLOURS[ink]) - np.float32(COLOURS[ground])) @ LUMINANCE) >= LEAST_CONTRAST:
            return str(ink), str(ground)


def _bent_plane(random: np.random.Generator, height: int, width: int, pixel: float, turn: float):
    """Coordinates in periods: rotated, in slight perspective, and bent like cloth or paper."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x - (width - 1) / 2) * pixel, (y - (height - 1) / 2) * pixel
    reach = pixel * max(height, width)
    tilt = random.uniform(-0.18, 0.18, 2) / reach
    depth = 1 + tilt[0] * x + tilt[1] * y
    phase, bend = random.uniform(0, 2 * np.pi, 2), random.uniform(0, 0.016, 2) * reach
    x, y = x / depth, y / depth
    x, y = x + bend[0] * np.sin(4 * y / reach + phase[0]), y + bend[1] * np.sin(4 * x / reach + phase[1])
    offset = random.uniform(-0.5, 0.5, 2)
    turned_x = x * np.cos(turn) - y * np.sin(turn) + offset[0]
    turned_y = x * np.sin(turn) + y * np.cos(turn) + offset[1]
    return turned_x.astype(np.float32), turned_y.astype(np.float32)


def _photographed(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Add light from one side, a little blur and grain: uint8 (height, width, 3)."""
    height, width = image.shape[:2]
    side = random.uniform(0, 2 * np.pi)
    x = np.linspace(-1, 1, width, dtype=np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    light = random.uniform(0.88, 1.08) + random.uniform(0, 0.2) * (np.cos(side) * x + np.sin(side) * y)
    image = image * light[..., None]
    blur = random.uniform(0, 0.005) * min(height, width)
    if blur > 0.3:
        image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), blur)
    grain = random.normal(0, random.uniform(0, 9), image.shape[:2]).astype(np.float32)
    return np.clip(image + grain[..., None], 0, 255).astype(np.uint8)
