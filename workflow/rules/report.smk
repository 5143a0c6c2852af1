rule judge_findings:
    input:
        claims=str(PROJECT / "config" / "findings.yaml"),
        arrays=probe_files(PLAN.artifacts, "arrays"),
        histories=run_files("history.csv"),
        code=findings_code(),
    output:
        report(
            "<results>/findings.csv",
            caption="../report/findings.rst",
            category="Findings",
            labels={"Artifact": "all", "Title": "Verdicts on the papers' findings"},
        ),
    log:
        "<logs>/findings.log",
    conda:
        "../../envs/figures.yaml"
    params:
        models=entries(PLAN.artifacts),
        scale=PLAN.scale,
        mark=PLAN.scale["mark"],
    message:
        "Judging the findings"
    script:
        "../scripts/judge_findings.py"


rule build_report:
    input:
        findings="<results>/findings.csv",
        measurements="<results>/measurements.csv",
        artifacts=artifact_files(PLAN.artifacts),
        runs=run_files("run.json"),
        histories=run_files("history.csv"),
        claims=str(PROJECT / "config" / "findings.yaml"),
        artifact_rows=str(PROJECT / "config" / "artifacts.yaml"),
        inventory=str(REFERENCE / "inventory.yaml"),
        templates=sorted(str(path) for path in TEMPLATES.iterdir()),
        code=code("build_report"),
    output:
        "<results>/report/index.html",
        "<results>/report/provenance.html",
        expand("<results>/report/{paper}.html", paper=PLAN.papers),
    log:
        "<logs>/report.log",
    conda:
        "../../envs/figures.yaml"
    params:
        config=CONFIG,
        scale=PLAN.scale,
        notebooks=[f"{RESULTS}/notebooks/{name}.ipynb" for name in PLAN.artifacts],
        titles={name: dataset.title for name, dataset in DATASETS.items()},
        mark=PLAN.scale["mark"],
    message:
        "Building the report"
    script:
        "../scripts/build_report.py"
