"""Scores prepared scans with this folder's model; needs numpy and onnxruntime, not dcrdf or torch.

python score.py                    the self-test: the golden input must give the golden output
python score.py SCANS.npz ...      score and verdict of prepared scans (arrays as in golden.npz)
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

FOLDER = Path(__file__).resolve().parent
ABOUT = json.loads((FOLDER / "export.json").read_text(encoding="utf-8"))
SESSION = onnxruntime.InferenceSession(
    str(FOLDER / "model.onnx"), providers=["CPUExecutionProvider"]
)
OUTPUTS = [one.name for one in SESSION.get_outputs()]


def run(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Prepared scans by the graph's inputs (`inputs` in export.json) -> its outputs by name."""
    given = {one.name: arrays[one.name] for one in SESSION.get_inputs()}
    return dict(zip(OUTPUTS, SESSION.run(OUTPUTS, given), strict=True))


def threshold() -> float:
    """The fitted one, or what `dcrdf threshold` set."""
    path = FOLDER / "threshold.json"
    history = json.loads(path.read_text(encoding="utf-8"))["history"] if path.exists() else []
    last = [one["threshold"] for one in history if one["of"] == "fused"][-1:]
    fitted = float(ABOUT["thresholds"]["fused"]["threshold"])
    return float(last[0]) if last and last[0] is not None else fitted


if __name__ == "__main__":
    golden = np.load(FOLDER / "golden.npz")
    for name, found in run(golden).items():
        wanted, scale = golden[name], np.abs(golden[name]).max()
        if np.abs(found - wanted).max() > ABOUT["score_tolerance"] * scale:
            sys.exit(f"self-test: {name} differs: another onnxruntime, or a damaged file")
    print("self-test: as exported")
    for path in sys.argv[1:]:
        for score in run(np.load(path))["score_fused"]:
            word = "defective" if score > threshold() else "good"
            print(f"{path}: {word}  score {score:.6g}  threshold {threshold():.6g}")
