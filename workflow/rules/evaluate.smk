rule attack_model:
    input:
        weights="<results>/models/{model}/seed-{seed}/weights.safetensors",
        test=test_file,
        code=attack_code,
    output:
        csv="<results>/measurements/{model}/seed-{seed}/{attack}.csv",
        arrays="<results>/arrays/{model}/seed-{seed}/{attack}.safetensors",
    log:
        "<logs>/attack/{model}/seed-{seed}/{attack}.log",
    wildcard_constraints:
        model=attacks_read(False),
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=gpu,
    params:
        network=network,
        attack=lambda wildcards: PLAN.attacks[wildcards.attack],
        limit=CONFIG["test_images"],
    message:
        "Attacking {wildcards.model}, seed {wildcards.seed}, with {wildcards.attack}"
    script:
        "../scripts/attack_model.py"


use rule attack_model as attack_and_store with:
    output:
        perturbation="<results>/attacks/{model}/seed-{seed}/{attack}.safetensors",
        csv="<results>/measurements/{model}/seed-{seed}/{attack}.csv",
        arrays="<results>/arrays/{model}/seed-{seed}/{attack}.safetensors",
    wildcard_constraints:
        model=attacks_read(True),


rule corrupt_images:
    input:
        images=corrupted_split,
        code=corruption_code,
    output:
        "<results>/corrupted/{dataset}/{probe}.safetensors",
    log:
        "<logs>/corrupted/{dataset}/{probe}.log",
    wildcard_constraints:
        dataset="|".join(DATASETS),
    retries: 1
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=240,
    params:
        corruptions=lambda wildcards: corrupted(wildcards)["corruptions"],
        severities=lambda wildcards: corrupted(wildcards)["severities"],
        images=lambda wildcards: corrupted(wildcards)["images"],
        frost=frost_in_mirror,
        downloads=DATA,
    message:
        "Corrupting {wildcards.dataset} for {wildcards.probe}"
    script:
        "../scripts/corrupt_images.py"


rule probe_model:
    input:
        weights="<results>/models/{model}/seed-{seed}/weights.safetensors",
        images=probed_file,
        perturbation=probe_perturbation,
        corrupted=probe_corrupted,
        code=probe_code,
    output:
        csv="<results>/measurements/{model}/seed-{seed}/{probe}.csv",
        arrays="<results>/arrays/{model}/seed-{seed}/{probe}.safetensors",
    log:
        "<logs>/probe/{model}/seed-{seed}/{probe}.log",
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=probe_memory,
        runtime=240,
        gpu=gpu,
    params:
        network=network,
        recipe=probed_recipe,
        probe=lambda wildcards: PLAN.probes[wildcards.probe],
        limit=probe_limit,
        frost=probe_frost,
    message:
        "Measuring {wildcards.probe} of {wildcards.model}, seed {wildcards.seed}"
    script:
        "../scripts/probe_model.py"


rule collect_measurements:
    input:
        csv=measurement_files("csv"),
        arrays=measurement_files("arrays"),
        code=code("collect_measurements"),
    output:
        "<results>/measurements.csv",
    log:
        "<logs>/measurements.log",
    conda:
        "../../envs/figures.yaml"
    message:
        "Collecting all measurements"
    script:
        "../scripts/collect_measurements.py"
