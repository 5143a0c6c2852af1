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
