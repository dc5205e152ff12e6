"""Calibrate a fitted detector on the validation split and score the test split with it."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcrdf.cli.common import add_device_argument, add_stage_arguments, stage_of
from dcrdf.cli.device import claim_gpu
from dcrdf.config.options import InferOptions
from dcrdf.config.stages import Stage
from dcrdf.errors import UserError, about

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dcrdf.preparation.store import Prepared, PreparedSplit
    from dcrdf.results.maps import ScoredImages
    from dcrdf.scoring.split import ScoredSplit
    from dcrdf.scoring.usual_scans import UsualScans
    from dcrdf.tensors.scans import Scans


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf infer`."""
    add_stage_arguments(parser, by_run=True)
    parser.add_argument("--model", type=Path, required=True, help="folder that `dcrdf train` wrote")
    parser.add_argument("--prepared", type=Path, required=True, help="the prepared HDF5 file")
    parser.add_argument("--out", type=Path, required=True, help="folder of the job's results")
    add_device_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Write the usable model, and maps and scores of the test split."""
    stage = stage_of(args, "infer")
    options = InferOptions.parse(dict(stage.options), "infer")
    claim_gpu(args.device)

    from dcrdf.files.jsonfile import write_json
    from dcrdf.models.checkpoint import load_detector
    from dcrdf.models.deploy import deploy
    from dcrdf.preparation.store import open_prepared
    from dcrdf.results.maps import write_maps
    from dcrdf.scoring.cost import score_measured
    from dcrdf.scoring.scorer import Scorer
    from dcrdf.scoring.split import gather
    from dcrdf.tensors.device import choose_device, make_repeatable
    from dcrdf.tensors.prepared import scans_of_split

    make_repeatable(0, options.cpu_threads, with_gradients=False)
    detector, description = load_detector(args.model)
    with open_prepared(args.prepared) as prepared:
        seed = _seed_of_fitting(args, description, stage, prepared)
        validation, test = prepared.split("validation"), prepared.split("test")
        points = detector.options.needs_points()
        good, tested = (scans_of_split(split, points=points) for split in (validation, test))
        device = choose_device(args.device)
        usual = _usual_scans(scans_of_split(prepared.split("train")), good)
        with about(args.model):
            scorer, predictions = Scorer.calibrate(detector, options, good, device, usual)
            scored_validation = gather(predictions)
            scored_test, cost = score_measured(scorer, tested)
        thresholds = _thresholds(scored_validation, good.inside, options.false_alarm_rate)
        deploy(args.model, args.out / "model", scorer, thresholds, stage.to_dict())
        attributes: dict[str, Any] = {
            "stage": stage.to_json(),
            "threshold": thresholds["fused"],
            "category": prepared.category,
            "input_digest": prepared.input_digest,
            "seed": seed,
        }
        write_maps(
            args.out / "maps.h5",
            attributes,
            test=_images(test, scored_test),
            validation=_images(validation, replace(scored_validation, maps={})),
        )
        write_json(args.out / "cost.json", {"infer": stage.digest, **cost})
    print(f"{args.out}: {len(test)} test images scored; {thresholds['fused']['note']}")
    reasons = [reason for reason in scored_test.not_judged if reason]
    if reasons:
        print(f"{args.out}: {len(reasons)} of them not judged, the first because {reasons[0]}")


def _usual_scans(*good: "Scans") -> "UsualScans":
    from dcrdf.scoring.scan_readings import joined, readings_of
    from dcrdf.scoring.usual_scans import UsualScans

    return UsualScans.of(joined(readings_of(scans) for scans in good))


def _images(split: "PreparedSplit", scored: "ScoredSplit") -> "ScoredImages":
    from dcrdf.results.maps import ScoredImages

    return ScoredImages(
        split.name, split.defect, split.label, scored.scores, scored.maps, scored.not_judged
    )


def _seed_of_fitting(
    args: argparse.Namespace, description: dict[str, Any], stage: Stage, prepared: "Prepared"
) -> int:
    """The training's seed, once model, stage and prepared data are known to belong together."""
    from dcrdf.config.stages import digest_of_record
    from dcrdf.models.checkpoint import entries_named

    with entries_named(args.model):
        record, made_from = description["stage"], description["stage"]["upstream"]["prepare"]
        scans = description["preparation"]["input_digest"]
        digest, seed = digest_of_record(record), int(record["options"]["seed"])
    if digest != stage.upstream["train"]:
        raise UserError(f"{args.model}: a checkpoint of other settings; train it again")
    prepared.require_record(made_from)
    if scans != prepared.input_digest:
        raise UserError(f"{args.prepared}: made from other scans than {args.model}")
    return seed


def _thresholds(
    validation: "ScoredSplit", inside: "NDArray[np.bool_]", false_alarm_rate: float
) -> dict[str, dict[str, Any]]:
    """By branch the threshold from good validation images, and the median of their maps."""
    import numpy as np

    from dcrdf.metrics.threshold import false_alarm_threshold

    return {
        name: {
            **asdict(false_alarm_threshold(values, false_alarm_rate)),
            "map_median": float(np.median(validation.maps[name][inside].astype(np.float32))),
        }
        for name, values in validation.scores.items()
    }
