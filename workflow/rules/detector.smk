# Training and scoring. A `gpu` is a place for one training, on a GPU or on the CPU.


rule train:
    input:
        unpack(
            lambda wildcards: PLAN.train_inputs(wildcards.category, wildcards.digest)
        ),
    output:
        description=FOLDER
        / "models"
        / "{category}-seed{seed}-{digest}"
        / "detector.json",
        weights=FOLDER
        / "models"
        / "{category}-seed{seed}-{digest}"
        / "weights.safetensors",
        losses=FOLDER / "models" / "{category}-seed{seed}-{digest}" / "losses.csv",
    log:
        LOGS / "train-{category}-seed{seed}-{digest}.log",
    benchmark:
        FOLDER / "benchmarks" / "train-{category}-seed{seed}-{digest}.tsv"
    priority: lambda wildcards: PLAN.training_priorities[wildcards.digest]
    conda:
        "../../envs/dcrdf.yaml"
    threads: lambda wildcards: PLAN.stage("train", wildcards.digest).options["train"]["cpu_threads"]
    resources:
        gpu=1,
    params:
        stage=stage_json("train"),
        arguments=train_arguments,
        folder=lambda wildcards, output: Path(output.description).parent,
    message:
        "train on {wildcards.category}, seed {wildcards.seed}: model {wildcards.digest}"
    shell:
        "dcrdf train --stage {params.stage:q} {params.arguments} --out {params.folder:q} &> {log:q}"


rule infer:
    input:
        unpack(infer_inputs),
    # Snakemake touches outputs in this order. The weights are a link to the training's, an input:
    # touched last they would be newer than the maps.
    output:
        weights=FOLDER
        / "{run}"
        / "{category}"
        / "seed{seed}"
        / "model"
        / "weights.safetensors",
        maps=FOLDER / "{run}" / "{category}" / "seed{seed}" / "maps.h5",
        description=FOLDER
        / "{run}"
        / "{category}"
        / "seed{seed}"
        / "model"
        / "detector.json",
    log:
        LOGS / "infer-{run}-{category}-seed{seed}.log",
    benchmark:
        FOLDER / "benchmarks" / "infer-{run}-{category}-seed{seed}.tsv"
    conda:
        "../../envs/dcrdf.yaml"
    threads: lambda wildcards: chain_of(wildcards).resolved.infer.cpu_threads
    resources:
        gpu=1,
    params:
        stage=lambda wildcards: chain_of(wildcards).infer.to_json(),
        model=lambda wildcards: PLAN.model_folder(job_of(wildcards)),
        folder=lambda wildcards, output: Path(output.maps).parent,
    message:
        "score {wildcards.category} with {wildcards.run}, seed {wildcards.seed}"
    shell:
        "dcrdf infer --stage {params.stage:q} --model {params.model:q}"
        " --prepared {input.prepared:q} --out {params.folder:q} &> {log:q}"
