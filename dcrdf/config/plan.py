"""The plan of an experiment: its jobs and the records of their stages, where outputs lie, and what
steps read. The workflow's rules look everything up here.

Prepared data, pseudo-anomalies and models are stored under the digest of their record, so runs
that agree on a stage share its output and changing an option never overwrites another's data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dcrdf.config.chain import Chain, Job, chain_of
from dcrdf.config.labels import run_label
from dcrdf.config.places import check_folder, check_outside
from dcrdf.config.schema import Config
from dcrdf.config.sources import Sources, check_file
from dcrdf.config.stages import Stage, digests_of
from dcrdf.errors import UserError


@dataclass(frozen=True)
class Plan:
    """Every stage of a configuration."""

    config: Config

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs: runs, then categories, then seeds, in the order of the configuration."""
        config = self.config
        return tuple(
            Job(run, category, seed)
            for run in config.runs
            for category in config.dataset.categories
            for seed in config.seeds
        )

    @cached_property
    def chains(self) -> Mapping[Job, Chain]:
        """The stages of every job."""
        return {job: chain_of(self.config, job) for job in self.jobs}

    @cached_property
    def stages(self) -> Mapping[tuple[str, str], Stage]:
        """(stage name, digest) -> record of the shared stages."""
        return {
            (stage.name, stage.digest): stage
            for chain in self.chains.values()
            for stage in (chain.prepare, chain.pseudo, chain.train)
            if stage is not None
        }

    def stage(self, name: str, digest: str) -> Stage:
        """The shared stage of that name and digest; `UserError` when it is not in this plan."""
        try:
            return self.stages[name, digest]
        except KeyError:
            raise UserError(f"{name}: no stage {digest} in this configuration") from None

    def chain(self, run: str, category: str, seed: int) -> Chain:
        """The stages of one job; `UserError` when the configuration has no such job."""
        try:
            return self.chains[Job(run, category, seed)]
        except KeyError:
            raise UserError(
                f"no job for run {run!r}, category {category!r}, seed {seed} in this configuration"
            ) from None

    @cached_property
    def training_priorities(self) -> Mapping[str, int]:
        """Digest of a training -> its priority: the longest start first, or the last one runs
        alone. Equal ones start in the order of the configuration."""
        efforts = {x.train.digest: x.resolved.training_effort for x in self.chains.values()}
        longest_first = sorted(efforts, key=efforts.__getitem__, reverse=True)
        return {digest: len(efforts) - rank for rank, digest in enumerate(longest_first)}

    @property
    def data_priority(self) -> int:
        """The priority of what makes data: above all trainings together, for a scheduler may add
        priorities up. Data jobs take several cores; behind a training they would wait for its end,
        and all other trainings with them."""
        return 1 + sum(self.training_priorities.values())

    # Where outputs lie -------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Where everything of this data set lies."""
        return Path(self.config.results) / self.config.dataset.name

    def prepared_path(self, category: str, digest: str) -> Path:
        """The prepared HDF5 of a category."""
        return self.folder / "prepared" / f"{category}-{digest}.h5"

    def variants_path(self, category: str, digest: str) -> Path:
        """The pseudo-anomaly cache of a category."""
        return self.folder / "variants" / f"{category}-{digest}.h5"

    def model_folder(self, job: Job) -> Path:
        """The trained detector's folder."""
        digest = self.chains[job].train.digest
        return self.folder / "models" / f"{job.category}-seed{job.seed}-{digest}"

    def run_folder(self, job: Job) -> Path:
        """Where a job's own results lie."""
        return self.folder / job.run / job.category / f"seed{job.seed}"

    def outputs(self, name: str) -> list[Path]:
        """The file `name` of every job."""
        return [self.run_folder(job) / name for job in self.jobs]

    @cached_property
    def resamples(self) -> list[Path]:
        """The resampled metrics of every job; none where no runs are compared."""
        return self.outputs("resamples.h5") if self.config.compare.asks else []

    @property
    def robustness_outputs(self) -> list[Path]:
        """The `robustness.json` of every job that has one."""
        return [
            self.run_folder(job) / "robustness.json"
            for job, chain in self.chains.items()
            if chain.robustness is not None
        ]

    @property
    def category_pages(self) -> list[Path]:
        """The pages to explore a category in, one each, beside the page over all of them."""
        categories = self.config.dataset.categories
        return [self.folder / "report" / f"{category}.html" for category in categories]

    @property
    def prepared_files(self) -> list[Path]:
        """The prepared HDF5 of every job, each once."""
        files = (self.infer_inputs(job)["prepared"] for job in self.jobs)
        return list(dict.fromkeys(files))

    @property
    def final_outputs(self) -> list[Path]:
        """The files of every job that people use. Prepared data, pseudo-anomalies and models are
        only on the way to them: whoever removes those wants space."""
        names = ("metrics.json", "maps.h5", "model/detector.json", "model/weights.safetensors")
        return [path for name in names for path in self.outputs(name)]

    # What steps read ---------------------------------------------------------------------------

    def pseudo_inputs(self, category: str, digest: str) -> dict[str, Path | list[Path]]:
        """The files that making pseudo-anomalies reads."""
        stage = self.stage("pseudo", digest)
        prepared = self.prepared_path(category, stage.upstream["prepare"])
        inputs: dict[str, Path | list[Path]] = {"prepared": prepared}
        textures = stage.options["textures"]
        if textures == "dtd":
            inputs["textures"] = self.sources.textures_marker
        elif textures != "procedural":
            inputs["own_textures"] = self.sources.texture_files(textures)
        return inputs

    def train_inputs(self, category: str, digest: str) -> dict[str, Path]:
        """The files that a training reads: prepared data, variants, teacher weights."""
        stage = self.stage("train", digest)
        inputs = {"prepared": self.prepared_path(category, stage.upstream["prepare"])}
        if "pseudo" in stage.upstream:
            inputs["variants"] = self.variants_path(category, stage.upstream["pseudo"])
        weights = self.sources.weights_path(stage.options["teacher"])
        if weights is not None:
            inputs["teacher_weights"] = weights
        return inputs

    def infer_inputs(self, job: Job) -> dict[str, Path]:
        """The files that scoring reads."""
        folder = self.model_folder(job)
        return {
            "description": folder / "detector.json",
            "weights": folder / "weights.safetensors",
            "prepared": self.prepared_path(job.category, self.chains[job].prepare.digest),
        }

    @property
    def downloads(self) -> list[Path]:
        """What is fetched before other steps can run: the data set's and textures' markers and
        teacher weights, of those that this plan needs. Data that are there are not fetched."""
        sources, shared = self.sources, self.stages.values()
        teachers = [one.options["teacher"] for one in shared if one.name == "train"]
        needed = {
            sources.download_marker: any(
                sources.download_marker in sources.raw_inputs(category)
                for category in self.config.dataset.categories
            ),
            sources.textures_marker: any(
                one.name == "pseudo" and one.options["textures"] == "dtd" for one in shared
            ),
            **{
                sources.weights_folder / f"{teacher['name']}.pth": True
                for teacher in teachers
                if teacher["weights"] == "torchvision"
            },
        }
        return [path for path, is_needed in needed.items() if is_needed]

    @cached_property
    def sources(self) -> Sources:
        """Where raw data, textures and weights come from."""
        return Sources(self.config)

    def check(self) -> None:
        """Refuse, before anything runs, inputs that neither are there nor can be made, and folders
        that cannot be."""
        check_folder(self.folder, "results")
        check_folder(Path(self.config.data), "data")
        check_outside(Path(self.config.results), self.sources.root)
        self.sources.check()
        pinned = {x for chain in self.chains.values() for x in chain.resolved.options.files()}
        for file in sorted(pinned):
            check_file(*file)
        teachers = [chain.train.options["teacher"] for chain in self.chains.values()]
        for teacher in {str(x): x for x in teachers}.values():  # each file is read once
            self.sources.check_teacher(teacher)
        for chain in self.chains.values():
            if chain.pseudo is not None:
                self.sources.check_textures(chain.pseudo.options["textures"])

    # Records -----------------------------------------------------------------------------------

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Run -> whether it is as published, and what differs."""
        seed, categories = self.config.seeds[0], self.config.dataset.categories
        return {
            run: run_label(
                {one: self.chain(run, one, seed).resolved for one in categories},
                self.config.downloads,
            )
            for run in self.config.runs
        }

    @cached_property
    def aggregate(self) -> Stage:
        """The record of the tables: every job with the digests of its stages, runs' labels."""
        jobs = [
            {
                **job._asdict(),
                **digests_of(
                    prepare=chain.prepare,
                    train=chain.train,
                    evaluate=chain.evaluate,
                    resample=chain.resample,
                    robustness=chain.robustness,
                ),
            }
            for job, chain in self.chains.items()
        ]
        options: dict[str, Any] = {
            "dataset": self.config.dataset.name,
            "jobs": jobs,
            "labels": self.labels,
        }
        if self.config.dataset.known_evidence:
            options["evidence"] = self.config.dataset.known_evidence
        if self.config.compare.asks:
            options["compare"] = self.config.compare.record()
            options["equal_terms"] = {
                run: chosen.terms
                for run, chosen in self.config.runs.items()
                if chosen.terms and self.config.terms[chosen.terms].equal
            }
        return Stage("aggregate", options)

    @cached_property
    def report(self) -> Stage:
        """The record of the page."""
        options = {**self.config.report.model_dump(mode="json"), **self.aggregate.options}
        return Stage("report", options, {"aggregate": self.aggregate.digest})
