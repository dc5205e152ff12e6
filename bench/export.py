"""Exported models against trained ones: scans a CPU second, from prepared scan to score.

`python -m bench.export JOB=EXPORTED ...` prints the table and writes bench/export.md: JOB is a
job's folder, EXPORTED what `dcrdf export JOB` made of it. One thread each, in turns; CPU seconds of
the whole process, the least of several rounds, after one that is not counted. A trained model goes
the way of `infer` and `predict` (`Scorer.score`, batch norms folded), an exported one that of
`predict` (`ExportedModel.score_arrays`, one scan after the other): arrays in, maps, scores and
readings of the sensors out.
"""

import argparse
from functools import partial
from pathlib import Path

import onnxruntime
import torch

import dcrdf
from bench.measure import best_seconds
from bench.page import load_average, machine_line, table
from dcrdf.models.model import Model
from dcrdf.preparation.store import open_prepared
from dcrdf.runtime.exported import ExportedModel
from dcrdf.tensors.prepared import scans_of_split
from dcrdf.tensors.scans import Scans

OUTPUT = Path(__file__).with_suffix(".md")
BATCHES, ROUNDS = (1, 16), 2
HEAD = ("model", "fusion", "px", "batch", "torch", "exported", "times as fast", "graph MB")
WHY = """
What a graph saves is torch's work between operations, which the scans of a batch share: one scan
alone is scored twice as fast; of sixteen at once mostly convolutions are left, which cost both much
the same. By onnxruntime's profile of one scan they are 58 % of `crd` (sorting pixels for levels and
noise 12 %), 31 % of `dcrdf_net` with crossmodal maps (bringing maps into another layout of memory
25 %), and 27 % of the bank (products of matrices 14 %, sorting 9 %).
"""
RULE = "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"


def scans_of(job: Path, model: Model) -> Scans:
    """Sixteen prepared scans of the job's category, repeated where there are fewer."""
    made_from = model.description["stage"]["upstream"]["prepare"]
    name = f"{model.description['category']}-{made_from}.h5"
    path = next(x / "prepared" / name for x in job.parents if (x / "prepared" / name).is_file())
    with open_prepared(path) as prepared:
        scans = scans_of_split(prepared.split("train"), points=model.keeps_points)
    return scans[torch.arange(max(BATCHES)).remainder(len(scans)).numpy()]


def rows_of(job: Path, exported_folder: Path) -> list[tuple[str, ...]]:
    """A row for each batch size."""
    trained, exported = Model(job / "model", "cpu", 1), dcrdf.load(exported_folder)
    assert isinstance(exported, ExportedModel)
    scans, options = scans_of(job, trained), trained.scorer.options
    megabytes = (exported_folder / "model.onnx").stat().st_size / 1e6
    rows = []
    for batch in BATCHES:
        part = scans[:batch]
        calls = partial(trained.scorer.score, part), partial(exported.score_arrays, part)
        taken = [best_seconds(call, 1, warm_up=True) for call in calls]
        for _ in range(ROUNDS):
            taken = [min(x, best_seconds(call, 1)) for x, call in zip(taken, calls, strict=True)]
        by_torch, by_graph = (batch / x for x in taken)
        shown = len(trained.scorer.shown)
        what = f"{trained.description['detector']}, {options.maps} maps, orientations: {shown}"
        rows.append(
            (what, options.fusion, f"{scans.size[0]}", f"{batch}", f"{by_torch:.2f}",
             f"{by_graph:.2f}", f"{by_graph / by_torch:.2f}", f"{megabytes:.1f}")
        )  # fmt: skip
    return rows


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="+", metavar="JOB=EXPORTED")
    parser.add_argument("--out", type=Path, default=OUTPUT)
    args = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    for pair in args.pairs:
        job, _, exported = pair.partition("=")
        rows += rows_of(Path(job).resolve(), Path(exported))
    text = (
        "# Exported models: measured\n\n"
        "Made by `python -m bench.export`: scans a CPU second, one thread, from prepared scan to\n"
        f"score. {machine_line(torch, onnxruntime)}, {load_average()}.\n\n"
        f"{table(HEAD, rows, RULE)}\n{WHY}"
    )
    print(text)
    args.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
