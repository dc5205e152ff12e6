# dcrdf: raw RGB + depth scans -> defect maps and result tables. See README.md.
from snakemake.utils import min_version

min_version("9.0")


if not workflow.configfiles:

    configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/detector.smk"
include: "workflow/rules/results.smk"


onstart:
    wake_only_when_held_back(workflow)


onsuccess:
    print_warnings(prepare_warnings(PLAN.prepared_files))


rule all:
    default_target: True
    input:
        rules.aggregate.output,
        rules.report.output,
        PLAN.final_outputs,
