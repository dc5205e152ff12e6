# Raw data, prepared data, pseudo-anomalies.


rule downloads:
    input:
        lambda wildcards: PLAN.downloads,


rule download:
    output:
        marker=SOURCES.download_marker,
    log:
        LOGS / "download.log",
    conda:
        "../../envs/dcrdf.yaml"
    params:
        stage=SOURCES.download.to_json(),
        cache=SOURCES.archives,
        folder=lambda wildcards, output: Path(output.marker).parent,
    message:
        "download the data set"
    shell:
        "dcrdf download archive --stage {params.stage:q} --out {params.folder:q}"
        " --cache {params.cache:q} &> {log:q}"


rule download_textures:
    output:
        marker=SOURCES.textures_marker,
    log:
        LOGS / "download_textures.log",
    conda:
        "../../envs/dcrdf.yaml"
    params:
        stage=SOURCES.textures.to_json(),
        cache=SOURCES.archives,
        folder=lambda wildcards, output: Path(output.marker).parent,
    message:
        "download textures"
    shell:
        "dcrdf download archive --stage {params.stage:q} --out {params.folder:q}"
        " --cache {params.cache:q} &> {log:q}"


rule download_weights:
    output:
        weights=SOURCES.weights_folder / "{teacher}.pth",
    log:
        LOGS / "download_weights-{teacher}.log",
    conda:
        "../../envs/dcrdf.yaml"
    params:
        stage=lambda wildcards: SOURCES.weights(wildcards.teacher).to_json(),
    message:
        "download weights of {wildcards.teacher}"
    shell:
        "dcrdf download weights --stage {params.stage:q} --out {output.weights:q} &> {log:q}"


rule synthesize:
    output:
        marker=SOURCES.synthetic_marker("{category}"),
    log:
        LOGS / "synthesize-{category}.log",
    benchmark:
        FOLDER / "benchmarks" / "synthesize-{category}.tsv"
    priority: PLAN.data_priority
    conda:
        "../../envs/dcrdf.yaml"
    threads: 2
    params:
        stage=lambda wildcards: SOURCES.synthesize(wildcards.category).to_json(),
        root=lambda wildcards: PLAN.config.dataset.root,
    message:
        "make the embedded category {wildcards.category}"
    shell:
        "dcrdf synthesize {params.root:q} {wildcards.category} --stage {params.stage:q}"
        " --processes {threads} &> {log:q}"


rule prepare:
    input:
        lambda wildcards: SOURCES.raw_inputs(wildcards.category),
    output:
        prepared=FOLDER / "prepared" / "{category}-{digest}.h5",
    log:
        LOGS / "prepare-{category}-{digest}.log",
    benchmark:
        FOLDER / "benchmarks" / "prepare-{category}-{digest}.tsv"
    priority: PLAN.data_priority
    conda:
        "../../envs/dcrdf.yaml"
    threads: 2
    params:
        stage=stage_json("prepare"),
        root=lambda wildcards: PLAN.config.dataset.root,
    message:
        "prepare {wildcards.category}"
    shell:
        "dcrdf prepare --stage {params.stage:q} --root {params.root:q} --out {output.prepared:q}"
        " --processes {threads} &> {log:q}"


rule pseudo:
    input:
        unpack(
            lambda wildcards: PLAN.pseudo_inputs(wildcards.category, wildcards.digest)
        ),
    output:
        variants=FOLDER / "variants" / "{category}-{digest}.h5",
    log:
        LOGS / "pseudo-{category}-{digest}.log",
    benchmark:
        FOLDER / "benchmarks" / "pseudo-{category}-{digest}.tsv"
    priority: PLAN.data_priority
    conda:
        "../../envs/dcrdf.yaml"
    threads: 2
    params:
        stage=stage_json("pseudo"),
        textures=texture_argument,
    message:
        "pseudo-anomalies of {wildcards.category}"
    shell:
        "dcrdf pseudo --stage {params.stage:q} --prepared {input.prepared:q}"
        " --out {output.variants:q} {params.textures} --processes {threads} &> {log:q}"
