rule train_shared_prefix:
    input:
        train=train_file,
        test=recorded_test_file,
        code=training_code,
    output:
        "<results>/shared_prefixes/{model}/seed-{seed}.safetensors",
    log:
        "<logs>/shared_prefix/{model}/seed-{seed}.log",
    priority: 2  # other trainings wait for it
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=training_minutes,
        gpu=gpu,
    params:
        prefix=shared_prefix,
        limit=CONFIG["train_images"],
        checkpoint=f"{RESULTS}/checkpoints/shared-prefix-{{model}}/seed-{{seed}}.safetensors",
    message:
        "Training the shared prefix of several models: {wildcards.model}, seed {wildcards.seed}"
    script:
        "../scripts/train_shared_prefix.py"


rule train_model:
    input:
        train=train_file,
        test=recorded_test_file,
        shared_prefix=shared_prefix_file,
        code=training_code,
    output:
        weights="<results>/models/{model}/seed-{seed}/weights.safetensors",
        history="<results>/models/{model}/seed-{seed}/history.csv",
        run="<results>/models/{model}/seed-{seed}/run.json",
    log:
        "<logs>/train/{model}/seed-{seed}.log",
    wildcard_constraints:
        model=has_curves(False),
    priority: 1  # before measurements, so that no long training is left alone at the end
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=training_minutes,
        gpu=gpu,
    params:
        training=training,
        limit=CONFIG["train_images"],
        checkpoint=f"{RESULTS}/checkpoints/{{model}}/seed-{{seed}}.safetensors",
    message:
        "Training {wildcards.model}, seed {wildcards.seed}"
    script:
        "../scripts/train_model.py"


use rule train_model as train_recorded_model with:
    output:
        weights="<results>/models/{model}/seed-{seed}/weights.safetensors",
        history="<results>/models/{model}/seed-{seed}/history.csv",
        curves="<results>/models/{model}/seed-{seed}/curves.csv",
        run="<results>/models/{model}/seed-{seed}/run.json",
    wildcard_constraints:
        model=has_curves(True),


rule derive_model:
    input:
        weights=source_weights,
        test=test_file,
        code=derivation_code,
    output:
        weights="<results>/models/{model}/seed-{seed}/weights.safetensors",
        run="<results>/models/{model}/seed-{seed}/run.json",
    log:
        "<logs>/derive/{model}/seed-{seed}.log",
    wildcard_constraints:
        model="|".join(PLAN.derived) or "none",
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        network=network,
        derived=lambda wildcards: PLAN.derived[wildcards.model],
    message:
        "Deriving {wildcards.model}, seed {wildcards.seed}"
    script:
        "../scripts/derive_model.py"


rule import_model:
    input:
        code=importing_code,
    output:
        weights="<results>/models/{model}/seed-{seed}/weights.safetensors",
        run="<results>/models/{model}/seed-{seed}/run.json",
    log:
        "<logs>/import/{model}/seed-{seed}.log",
    wildcard_constraints:
        model="|".join(PLAN.imported) or "none",
    retries: 1
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        network=network,
        imported=lambda wildcards: PLAN.imported[wildcards.model],
        folder=f"{DATA}/weights",
    message:
        "Importing {wildcards.model}, seed {wildcards.seed}"
    script:
        "../scripts/import_model.py"
