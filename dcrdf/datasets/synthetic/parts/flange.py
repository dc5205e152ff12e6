"""A turned flange: plate with bolt holes, raised hub with a groove, bore with a small keyway."""

import numpy as np

from dcrdf.datasets.synthetic.arrays import Colour, Field, painted, smoothstep
from dcrdf.datasets.synthetic.noise import ring_noise
from dcrdf.datasets.synthetic.part import Canvas, Part, Surface
from dcrdf.datasets.synthetic.table import lay_table, put_on_table

TABLE: Colour = (0.10, 0.12, 0.10)
METAL: Colour = (0.20, 0.207, 0.215)

PLATE_RADIUS_MM, PLATE_MM = 31.0, 5.0
HUB_RADIUS_MM, HUB_MM = 17.0, 8.5
BORE_RADIUS_MM = 8.0
KEYWAY_HALF_MM, KEYWAY_REACH_MM = 1.3, 9.9
GROOVE_RADIUS_MM, GROOVE_HALF_MM, GROOVE_DEPTH_MM = 13.6, 0.7, 1.0
BOLTS, BOLT_CIRCLE_MM, BOLT_RADIUS_MM = 6, 24.0, 2.8
PLAY_RAD = 0.15
CHAMFER_MM = 0.9


def build_flange(canvas: Canvas, rng: np.random.Generator) -> Part:
    """Draw a flange: 9 degrees and 2 mm of play in its nest, its own machining marks."""
    angle = rng.uniform(-PLAY_RAD, PLAY_RAD)
    p_mm, q_mm = canvas.posed(angle, tuple(rng.uniform(-2.0, 2.0, 2)))
    radius_mm = np.hypot(p_mm, q_mm).astype(np.float32)
    from_holes_mm = np.minimum(_from_bore(radius_mm, p_mm, q_mm), _from_bolts(p_mm, q_mm))
    inside_mm = np.minimum(PLATE_RADIUS_MM - radius_mm, from_holes_mm).astype(np.float32)
    height_mm = _profile(radius_mm)
    height_mm -= np.clip(CHAMFER_MM - inside_mm, 0.0, CHAMFER_MM)

    marks = ring_noise(radius_mm, 0.45, rng) + 0.7 * ring_noise(radius_mm, 1.7, rng)
    mottle = 0.02 * canvas.fractal((9.0, 1.2), rng)
    albedo = painted(canvas.shape, METAL) * (1.0 + 0.06 * marks + mottle)[..., None]
    walls = smoothstep(0.8, 0.0, np.abs(radius_mm - HUB_RADIUS_MM - 0.3))
    albedo *= (1.0 - 0.35 * walls)[..., None]

    table = lay_table(canvas, TABLE, rng)
    metal = Surface(
        height_mm=height_mm.astype(np.float32),
        albedo=albedo.astype(np.float32),
        gloss=np.full(canvas.shape, 0.30, np.float32),
        shininess=30.0,
        turned=np.maximum(0.36 * (1.0 + 0.12 * marks), 0.0).astype(np.float32),
        tangent=_tangent(canvas, radius_mm, p_mm, q_mm, angle),
    )
    hub_wall = np.abs(radius_mm - HUB_RADIUS_MM)
    return Part(
        canvas=canvas,
        surface=put_on_table(table, metal, inside_mm, canvas.pitch_mm),
        table=table,
        inside_mm=inside_mm,
        axes=(p_mm, q_mm),
        angle=angle,
        open_face=(inside_mm > 2.2) & (hub_wall > 1.8),
    )


def _from_bore(radius_mm: Field, p_mm: Field, q_mm: Field) -> Field:
    """Distance outward from the bore and its keyway, negative inside them."""
    keyway = np.maximum(np.abs(q_mm) - KEYWAY_HALF_MM, p_mm - KEYWAY_REACH_MM)
    keyway = np.where(p_mm > 0.0, keyway, np.inf)
    return np.minimum(radius_mm - BORE_RADIUS_MM, keyway).astype(np.float32)


def _from_bolts(p_mm: Field, q_mm: Field) -> Field:
    """Distance outward from the nearest bolt hole, negative inside it."""
    turns = (np.arange(BOLTS) + 0.5) * 2.0 * np.pi / BOLTS
    places_mm = BOLT_CIRCLE_MM * np.column_stack([np.cos(turns), np.sin(turns)])
    squares = [(p_mm - p) ** 2 + (q_mm - q) ** 2 for p, q in places_mm.astype(np.float32)]
    return np.sqrt(np.minimum.reduce(squares)) - BOLT_RADIUS_MM


def _profile(radius_mm: Field) -> Field:
    """Height by radius: plate, hub with its chamfer, groove."""
    hub = np.clip(HUB_RADIUS_MM - radius_mm, 0.0, CHAMFER_MM) - CHAMFER_MM
    height_mm = np.where(radius_mm < HUB_RADIUS_MM, HUB_MM + hub, PLATE_MM)
    groove = np.abs(radius_mm - GROOVE_RADIUS_MM)
    depth_mm = GROOVE_DEPTH_MM * smoothstep(GROOVE_HALF_MM + 0.15, GROOVE_HALF_MM - 0.15, groove)
    return (height_mm - depth_mm).astype(np.float32)


def _tangent(
    canvas: Canvas, radius_mm: Field, p_mm: Field, q_mm: Field, angle: float
) -> tuple[Field, Field]:
    """Direction of the turning marks, in table coordinates."""
    safe_mm = np.maximum(radius_mm, canvas.pitch_mm)
    p_part, q_part = -q_mm / safe_mm, p_mm / safe_mm
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    right, down = cosine * p_part - sine * q_part, sine * p_part + cosine * q_part
    return right.astype(np.float32), down.astype(np.float32)
