rule prepare_dataset:
    input:
        code=code("prepare_dataset"),
    output:
        train="<data>/{dataset}/train.safetensors",
        test="<data>/{dataset}/test.safetensors",
        about="<data>/{dataset}/dataset.json",
    log:
        "<logs>/data/{dataset}.log",
    benchmark:
        "<benchmarks>/data/{dataset}.jsonl"
    retries: 1
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=8000,
        runtime=120,
    message:
        "Preparing {wildcards.dataset}"
    script:
        "../scripts/prepare_dataset.py"
