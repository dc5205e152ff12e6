"""Calibrate a fitted detector on the validation split and score the test split with it."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcrdf.cli.common import add_device_argument, add_stage_arguments, stage_of
from dcrdf.cli.device import claim_gpu
from dcrdf.config.options import InferOptions
from dcrdf.config.stages import Stage
from dcrdf.errors import UserError, about
from dcrdf.modalities import FUSED, OTHER, Modality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dcrdf.judging.usual_scans import UsualScans
    from dcrdf.preparation.store import Prepared, PreparedSplit
    from dcrdf.results.maps import ScoredImages
    from dcrdf.scoring.scorer import Scorer
    from dcrdf.scoring.split import ScoredSplit
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
    from dcrdf.judging.gauges import gauges_of_good
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
            stood_in = {name: gather(x) for name, x in scorer.calibrate_stand_ins(good).items()}
            withheld = options.withheld
            shown = tested if withheld is None else tested.without(withheld)
            scored_validation = gather(predictions)
            thresholds = _all_thresholds(
                scored_validation, good.inside, stood_in, options.false_alarm_rate
            )
            scorer.replace_unusual(thresholds)
            scored_test, cost = score_measured(scorer, shown)
        used = thresholds[scorer.answering(withheld)]
        gauges = gauges_of_good(predictions, used["threshold"])
        deploy(args.model, args.out / "model", scorer, thresholds, gauges, stage.to_dict())
        write_maps(
            args.out / "maps.h5",
            _attributes(stage, used, prepared, seed),
            test=_images(test, scored_test),
            validation=_images(
                validation,
                replace(_without(scored_validation, withheld, stood_in), maps={}),
            ),
        )
        write_json(args.out / "cost.json", {"infer": stage.digest, **cost})
    _say(args.out, scored_test, used["note"], _weights_found(scorer))


def _attributes(
    stage: Stage, threshold: dict[str, Any], prepared: "Prepared", seed: int
) -> dict[str, Any]:
    """What the maps' file says of them."""
    return {
        "stage": stage.to_json(),
        "threshold": threshold,
        "category": prepared.category,
        "input_digest": prepared.input_digest,
        "seed": seed,
    }


def _say(out: Path, scored: "ScoredSplit", promise: str, weights: str) -> None:
    """How many test images were scored and not judged, and by what."""
    print(f"{out}: {len(scored.not_judged)} test images scored; {promise}")
    if weights:
        print(f"{out}: {weights}")
    reasons = [reason for reason in scored.not_judged if reason]
    if reasons:
        print(f"{out}: {len(reasons)} of them not judged, the first because {reasons[0]}")
    replaced = [remark for remark in scored.replaced if remark]
    if replaced:
        print(f"{out}: a modality of {len(replaced)} of them replaced, the first {replaced[0]}")


def _usual_scans(*good: "Scans") -> "UsualScans":
    from dcrdf.judging.usual_scans import UsualScans
    from dcrdf.scans.readings import joined, readings_of

    return UsualScans.of(joined(readings_of(scans) for scans in good))


def _without(
    scored: "ScoredSplit", withheld: Modality | None, stood_in: "Mapping[Modality, ScoredSplit]"
) -> "ScoredSplit":
    """Validation scores as the test split's are: without a modality the fused one is the other's,
    or what joins it with a stand-in."""
    if withheld is None:
        return scored
    if withheld in stood_in:
        return stood_in[withheld]
    left = scored.scores[OTHER[withheld]]
    return replace(scored, scores={FUSED: left, OTHER[withheld]: left})


def _weights_found(scorer: "Scorer") -> str:
    """What one-class SVMs gave both maps, where they were asked."""
    weights = None if scorer.calibration is None else scorer.calibration.weights
    if weights is None:
        return ""
    pixels = f"colour {weights.rgb:.3g}, geometry {weights.depth:.3g}"
    images = f"colour {weights.image_rgb:.3g}, geometry {weights.image_depth:.3g}"
    return f"one-class SVM of pixels: {pixels}; of images: {images}"


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
    from dcrdf.judging.description import entries_named

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


def _all_thresholds(
    validation: "ScoredSplit",
    inside: "NDArray[np.bool_]",
    stood_in: Mapping[Modality, "ScoredSplit"],
    false_alarm_rate: float,
) -> dict[str, dict[str, Any]]:
    """By branch, and for the fused map where a stand-in was taken for an absent modality."""
    from dcrdf.scoring.stand_ins import WITHOUT

    return _thresholds(validation, inside, false_alarm_rate) | {
        WITHOUT[absent]: _thresholds(scored, inside, false_alarm_rate)[FUSED]
        for absent, scored in stood_in.items()
    }


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
