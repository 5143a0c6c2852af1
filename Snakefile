# The entry point: `snakemake --cores all` regenerates everything of the chosen scale.
include: "workflow/Snakefile"


rule all:
    default_target: True
    input:
        rules.everything.input,
