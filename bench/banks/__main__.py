"""Banks of remembered places: fits side by side, the paper's projection, fusion by SVMs.

`python -m bench.banks` prints the tables and writes them to bench/banks.md; CPU time of one thread.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from pathlib import Path

import numpy as np
import torch

from bench.banks import fits, projection, svm
from bench.figures import keep
from bench.page import load_average, machine_line, table

OUTPUT = Path(__file__).parent.with_suffix(".md")
IMAGES = 200
PAPERS_TIMES_FASTER = 3.5
"""Of a search with its projection (Xu et al., Sensors 2025)."""
FITS = (
    "EfficientNet-Lite0; random colour, waves for a surface that fills the frame, so that every"
    " place has geometry: the dearest case. Memory is the process's, with libraries, teacher and"
    " the scans themselves."
)
TIMES = (
    "An image's 784 places of 768 random channels (speed does not depend on what they show),"
    " exact blocked search; `faster` counts the projecting of the queries."
)
LOSSES = (
    "EfficientNet-Lite0's 176 channels of embedded flanges: places of images with a defect against"
    " those of good ones, distances in fewer orthogonal directions drawn at random against those of"
    " all channels."
)
SVM = (
    "Linear, nu = 0.5, in two dimensions; weights are found once, from good validation pixels (at"
    " most 4,096 an image)."
)


def main() -> None:
    """Measure, print and keep the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.banks")
    parser.add_argument("--images", type=int, default=IMAGES, help="of a fit (default: 200)")
    parser.add_argument("--size", type=int, default=160, help="their side in pixels")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows, figures = fits.compared(args.images, args.size)
    times, faster = projection.times()
    if args.images == IMAGES and args.size == 160:
        keep("banks", {**figures, "768 channels projected to 128, search": faster})
    claim = (
        f"The paper says that a projection makes its search {PAPERS_TIMES_FASTER} times faster at"
        f" a loss below 2 %. Of 768 channels 128 are searched {faster:.1f} times faster here."
    )
    made = f"Made by `python -m bench.banks`; CPU time of one thread, {load_average()}."
    parts = [
        "# Banks: measured",
        f"{made} {machine_line(np, torch)}.",
        f"## Fits and scoring, {args.size} px",
        FITS,
        table(fits.HEAD, rows, fits.RULE),
        "## Projection",
        claim,
        TIMES,
        table(projection.TIME_HEAD, times, projection.TIME_RULE),
        LOSSES,
        table(projection.LOSS_HEAD, projection.losses("scratch"), projection.LOSS_RULE),
        "## Fusion by one-class SVMs",
        SVM,
        table(svm.HEAD, svm.costs(), svm.RULE),
    ]
    text = "\n\n".join(parts) + "\n"
    print(text)
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
