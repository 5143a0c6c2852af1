rule draw_figure:
    input:
        measured=artifact_inputs,
        datasets=artifact_datasets,
        printed=artifact_printed,
        template=artifact_template,
        code=artifact_code,
    output:
        svg=report(
            "<results>/figures/{artifact}.svg",
            caption="../report/figure.rst",
            category="Figures",
            labels=caption,
        ),
        pdf="<results>/figures/{artifact}.pdf",
        png="<results>/figures/{artifact}.png",
        notebook="<results>/notebooks/{artifact}.ipynb",
        parameters="<results>/notebooks/{artifact}.json",
    log:
        "<logs>/artifacts/{artifact}.log",
    wildcard_constraints:
        artifact=of_kind("figure"),
    conda:
        "../../envs/figures.yaml"
    params:
        parameters=artifact_parameters,
        title=lambda wildcards: shown(wildcards, "title"),
        saw=lambda wildcards: shown(wildcards, "saw"),
        mark=lambda wildcards: shown(wildcards, "mark"),
    message:
        "Drawing {wildcards.artifact}"
    script:
        "../scripts/render_artifact.py"


use rule draw_figure as make_table with:
    output:
        csv="<results>/tables/{artifact}.csv",
        html=report(
            "<results>/tables/{artifact}.html",
            caption="../report/table.rst",
            category="Tables",
            labels=caption,
        ),
        tex="<results>/tables/{artifact}.tex",
        notebook="<results>/notebooks/{artifact}.ipynb",
        parameters="<results>/notebooks/{artifact}.json",
    wildcard_constraints:
        artifact=of_kind("table"),
    message:
        "Tabulating {wildcards.artifact}"


for artifact in PLAN.targets:

    rule:
        name:
            artifact
        input:
            artifact_files([artifact]),


for paper in papers_in_report():

    rule:
        name:
            paper
        input:
            artifact_files(
                [name for name, row in PLAN.artifacts.items() if row["paper"] == paper]
            ),


for finding in PLAN.findings:

    rule:
        name:
            finding["id"]
        input:
            claim_inputs(finding),


rule unknown_artifact:
    input:
        refuse_artifact,
    output:
        "{unknown}",
    wildcard_constraints:
        unknown="(" + "|".join(PLAN.papers) + r")\.[a-z0-9_]+(\.[a-z0-9_]+)?",


rule other_spelling:
    input:
        refuse_spelling,
    output:
        "{elsewhere}",
    wildcard_constraints:
        elsewhere=other_spellings(),


rule findings:
    input:
        "<results>/findings.csv",
