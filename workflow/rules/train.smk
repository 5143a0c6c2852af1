rule train_trunk:
    input:
        train=split_file("train"),
        code=training_code,
    output:
        "<results>/trunks/{model}/seed-{seed}.safetensors",
    log:
        "<logs>/trunk/{model}/seed-{seed}.log",
    benchmark:
        "<benchmarks>/trunk/{model}/seed-{seed}.jsonl"
    priority: 2  # others wait for it
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=training_minutes,
        gpu=gpu,
    params:
        trunk=trunk,
        limit=CONFIG["train_images"],
        checkpoint=f"{RESULTS}/checkpoints/trunk-{{model}}/seed-{{seed}}.safetensors",
    message:
        "Training what several models have in common: {wildcards.model}, seed {wildcards.seed}"
    script:
        "../scripts/train_trunk.py"


rule train_model:
    input:
        train=split_file("train"),
        trunk=trunk_file,
        code=training_code,
    output:
        weights="<results>/models/{model}/seed-{seed}/weights.safetensors",
        history="<results>/models/{model}/seed-{seed}/history.csv",
        run="<results>/models/{model}/seed-{seed}/run.json",
    log:
        "<logs>/train/{model}/seed-{seed}.log",
    benchmark:
        "<benchmarks>/train/{model}/seed-{seed}.jsonl"
    priority: 1  # before measurements, so that the longest training does not run alone at the end
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
