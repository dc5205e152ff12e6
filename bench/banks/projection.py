"""What a projection of features saves when places are searched, and what it loses of distances."""

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from bench.measure import best_seconds
from bench.page import Rows
from dcrdf.datasets.synthetic.render import GOOD, SampleName, render
from dcrdf.detectors.patch_bank.patches import joined_stages
from dcrdf.detectors.patch_bank.places import Places
from dcrdf.networks.nearest import nearest
from dcrdf.networks.teacher_weights import load_teacher
from dcrdf.tensors.images import rgb_tensor

PLACES = 784
"""Of an image: 28 x 28 tokens at 224 px."""
WIDE = 768
"""Channels of the paper's extractors."""
COLUMNS = (128, 64, 32)
BANKS = (4096, 62_720)
"""Ours, and a tenth of the places of 200 images at 56 x 56."""
TIME_HEAD = ("places remembered", "channels", "search, CPU ms", "with projecting, CPU ms", "faster")
TIME_RULE = "| ---: | ---: | ---: | ---: | ---: |"
LOSS_HEAD = ("channels of 176", "same nearest place, %", "distances' rank correlation")
LOSS_RULE = "| ---: | ---: | ---: |"
SHOWN, SIDE_PX, SEED = 12, 160, 1


def times() -> tuple[Rows, float]:
    """Search of one image's places, as they are and projected; and how many times faster the
    paper's 128 of 768 channels are in the smaller bank."""
    generator = torch.Generator().manual_seed(0)
    rows: Rows = []
    gain = 0.0
    for size in BANKS:
        bank = torch.randn(size, WIDE, generator=generator)
        queries = torch.randn(PLACES, WIDE, generator=generator)
        whole_s = best_seconds(lambda b=bank, q=queries: nearest(q, b), 3, warm_up=True)
        rows.append((f"{size}", f"{WIDE}", f"{1e3 * whole_s:.0f}", f"{1e3 * whole_s:.0f}", "1.0"))
        for columns in COLUMNS:
            basis = torch.linalg.qr(torch.randn(WIDE, columns, generator=generator)).Q
            small = bank @ basis
            few = queries @ basis
            search_s = best_seconds(lambda b=small, q=few: nearest(q, b), 3, warm_up=True)
            both_s = best_seconds(
                lambda b=small, q=queries, m=basis: nearest(q @ m, b), 3, warm_up=True
            )
            faster = whole_s / both_s
            gain = faster if (size, columns) == (BANKS[0], COLUMNS[0]) else gain
            shown = (f"{1e3 * search_s:.0f}", f"{1e3 * both_s:.0f}", f"{faster:.1f}")
            rows.append((f"{size}", f"{columns}", *shown))
    return rows, gain


def features(kind: str, count: int) -> Tensor:
    """The small teacher's places (count, n, 176) of embedded flanges."""
    teacher = load_teacher("efficientnet_lite0", "package")
    split = "train" if kind == GOOD else "test"
    names = [SampleName("flange", split, kind, at, SEED) for at in range(count)]
    images = np.stack([render(name, SIDE_PX).rgb for name in names])
    with torch.no_grad():
        stages = teacher(rgb_tensor(images, torch.device("cpu")))
    joined = joined_stages(stages, 3, (SIDE_PX // 4, SIDE_PX // 4))
    return joined.flatten(2).transpose(1, 2).contiguous()


def losses(defect: str) -> Rows:
    """Nearest places and distances of images with a defect, against those of all channels."""
    remembered = features(GOOD, SHOWN).flatten(0, 1)
    queries = features(defect, SHOWN).flatten(0, 1)
    whole = nearest(queries, remembered)
    rows: Rows = []
    for columns in COLUMNS:
        generator = torch.Generator().manual_seed(0)
        projected = Places(len(remembered), remembered.shape[1], lambda: [remembered, queries])
        bank, few = projected.projected(columns, generator).chunks()
        found = nearest(few, bank)
        same = float((found.rows == whole.rows).float().mean())
        ranks = spearmanr(found.distances[:, 0].numpy(), whole.distances[:, 0].numpy()).statistic
        rows.append((f"{columns}", f"{100 * same:.0f}", f"{ranks:.3f}"))
    return rows
