# Metrics, tables, page.


rule evaluate:
    input:
        maps=rules.infer.output.maps,
        prepared=lambda wildcards: PLAN.infer_inputs(job_of(wildcards))["prepared"],
    output:
        metrics=FOLDER / "{run}" / "{category}" / "seed{seed}" / "metrics.json",
    log:
        LOGS / "evaluate-{run}-{category}-seed{seed}.log",
    benchmark:
        FOLDER / "benchmarks" / "evaluate-{run}-{category}-seed{seed}.tsv"
    conda:
        "../../envs/dcrdf.yaml"
    params:
        stage=lambda wildcards: chain_of(wildcards).evaluate.to_json(),
        dataset=PLAN.config.dataset.name,
    message:
        "metrics of {wildcards.run} on {wildcards.category}, seed {wildcards.seed}"
    shell:
        "dcrdf evaluate --stage {params.stage:q} --maps {input.maps:q}"
        " --prepared {input.prepared:q} --dataset {params.dataset} --run-name {wildcards.run}"
        " --out {output.metrics:q} &> {log:q}"


rule resample:
    input:
        maps=rules.infer.output.maps,
        prepared=lambda wildcards: PLAN.infer_inputs(job_of(wildcards))["prepared"],
    output:
        resamples=FOLDER / "{run}" / "{category}" / "seed{seed}" / "resamples.h5",
    log:
        LOGS / "resample-{run}-{category}-seed{seed}.log",
    benchmark:
        FOLDER / "benchmarks" / "resample-{run}-{category}-seed{seed}.tsv"
    conda:
        "../../envs/dcrdf.yaml"
    params:
        stage=lambda wildcards: chain_of(wildcards).resample.to_json(),
    message:
        "resample the test images of {wildcards.category} for {wildcards.run}, seed {wildcards.seed}"
    shell:
        "dcrdf resample --stage {params.stage:q} --maps {input.maps:q}"
        " --prepared {input.prepared:q} --out {output.resamples:q} &> {log:q}"


rule robustness:
    input:
        lambda wildcards: SOURCES.raw_inputs(wildcards.category),
        description=rules.infer.output.description,
        weights=rules.infer.output.weights,
        maps=rules.infer.output.maps,
    output:
        robustness=FOLDER / "{run}" / "{category}" / "seed{seed}" / "robustness.json",
    log:
        LOGS / "robustness-{run}-{category}-seed{seed}.log",
    benchmark:
        FOLDER / "benchmarks" / "robustness-{run}-{category}-seed{seed}.tsv"
    conda:
        "../../envs/dcrdf.yaml"
    threads: lambda wildcards: chain_of(wildcards).resolved.infer.cpu_threads
    resources:
        gpu=1,
    params:
        stage=lambda wildcards: chain_of(wildcards).robustness.to_json(),
        root=lambda wildcards: PLAN.config.dataset.root,
        folder=lambda wildcards, output: Path(output.robustness).parent,
        dataset=PLAN.config.dataset.name,
    message:
        "degraded scans of {wildcards.category} with {wildcards.run}, seed {wildcards.seed}"
    shell:
        "dcrdf robustness {params.folder:q} --stage {params.stage:q} --root {params.root:q}"
        " --dataset {params.dataset} --run-name {wildcards.run} --out {output.robustness:q}"
        " &> {log:q}"


rule aggregate:
    input:
        PLAN.outputs("metrics.json"),
        PLAN.resamples,
        PLAN.robustness_outputs,
    output:
        tidy=FOLDER / "tables" / "tidy.csv",
        markdown=report(
            FOLDER / "tables" / "tables.md",
            caption="../report/tables.rst",
            category="Tables",
        ),
        latex=FOLDER / "tables" / "tables.tex",
        manifest=FOLDER / "tables" / "manifest.json",
    log:
        LOGS / "aggregate.log",
    benchmark:
        FOLDER / "benchmarks" / "aggregate.tsv"
    conda:
        "../../envs/dcrdf.yaml"
    params:
        stage=PLAN.aggregate.to_json(),
        results=FOLDER,
    message:
        "tables"
    shell:
        "dcrdf aggregate --stage {params.stage:q} --results {params.results:q} &> {log:q}"


rule report:
    input:
        rules.aggregate.output.tidy,
        PLAN.outputs("maps.h5"),
        PLAN.resamples,
        PLAN.robustness_outputs,
    output:
        page=report(
            FOLDER / "report.html", caption="../report/page.rst", category="Page"
        ),
        categories=PLAN.category_pages,
    log:
        LOGS / "report.log",
    benchmark:
        FOLDER / "benchmarks" / "report.tsv"
    conda:
        "../../envs/dcrdf.yaml"
    params:
        stage=PLAN.report.to_json(),
        results=FOLDER,
    message:
        "page"
    shell:
        "dcrdf report --stage {params.stage:q} --results {params.results:q} &> {log:q}"
