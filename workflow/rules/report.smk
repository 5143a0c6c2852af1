rule judge_findings:
    input:
        arrays=probe_files(judged(), "arrays"),
        runs=run_files("run"),
        histories=run_files("history"),
        curves=run_files("curves"),
        code=findings_code(),
    output:
        report(
            "<results>/findings.csv",
            caption="../report/findings.rst",
            category="Findings",
            labels={
                "Paper": "all",
                "Artifact": "all",
                "Title": "Verdicts on the papers' findings",
            },
        ),
    log:
        "<logs>/findings.log",
    conda:
        "../../envs/figures.yaml"
    params:
        findings=PLAN.findings,
        models=judged(),
        papers=PLAN.papers,
        preconditions=PLAN.preconditions,
        scores=PLAN.scores,
        architectures=PLAN.architectures,
        artifacts=checked_artifacts(),
        scale=PLAN.scale["name"],
        left_out=PLAN.left_out,
        mark=lambda wildcards: restructured(PLAN.scale["mark"]),
    message:
        "Judging the findings"
    script:
        "../scripts/judge_findings.py"


rule build_report:
    input:
        findings="<results>/findings.csv",
        measurements="<results>/measurements.csv",
        csv=measurement_files("csv"),
        arrays=measurement_files("arrays"),
        artifacts=artifact_files(PLAN.artifacts),
        runs=run_files("run"),
        histories=run_files("history"),
        templates=sorted(relative(path) for path in TEMPLATES.iterdir()),
        code=code("build_report"),
    output:
        "<results>/report/index.html",
        "<results>/report/provenance.html",
        "<results>/report/sources.json",
        expand("<results>/report/{paper}.html", paper=papers_in_report()),
    log:
        "<logs>/report.log",
    conda:
        "../../envs/figures.yaml"
    params:
        config=CONFIG,
        scale=PLAN.scale,
        papers=PLAN.papers,
        artifacts=PLAN.artifacts,
        claims=PLAN.findings,
        themes=PLAN.themes,
        left_out=PLAN.left_out,
        models={slug: row["model"] for slug, row in PLAN.models.items()},
        notebooks=[f"{RESULTS}/notebooks/{name}.ipynb" for name in PLAN.artifacts],
        titles={name: dataset.title for name, dataset in DATASETS.items()}
        | PLAN.architectures,
    message:
        "Building the report"
    script:
        "../scripts/build_report.py"
