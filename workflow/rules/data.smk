rule prepare_dataset:
    input:
        code=code("prepare_dataset"),
    # Several runs share these files. `update` keeps Snakemake from removing what another run has
    # made meanwhile and may be reading; the script waits for that run and leaves complete files.
    output:
        train=update("<data>/{dataset}/train.safetensors"),
        test=update("<data>/{dataset}/test.safetensors"),
        about=update("<data>/{dataset}/dataset.json"),
    log:
        "<logs>/data/{dataset}.log",
    wildcard_constraints:
        dataset=of_splits("train", "test"),
    priority: 3  # first of all, so that runs which start together finish it together
    retries: 1
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=preparation_memory,
        runtime=120,
    message:
        "Preparing {wildcards.dataset}"
    script:
        "../scripts/prepare_dataset.py"


use rule prepare_dataset as prepare_test_set with:
    output:
        test=update("<data>/{dataset}/test.safetensors"),
        about=update("<data>/{dataset}/dataset.json"),
    wildcard_constraints:
        dataset=of_splits("test"),
