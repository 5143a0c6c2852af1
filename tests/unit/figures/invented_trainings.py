"""Invented accuracies along a training, as recorders write them."""

from pathlib import Path

from invented_networks import Invented

RADII = (4, 8, 12, 16)
# percent at the end: on test images, on their low and on their high components by RADII
LOW, HIGH = (23, 55, 80, 83), (10, 12, 15, 17)


def behind(keep: str, radius: int) -> str:
    """The condition of a component."""
    disc = f"shape=disc;keep={keep};radius={radius};inclusive=False"
    return f"filter=disc-{keep}-{radius};{disc};rescale=image-max"


def along_training(
    root: Path,
    method: str,
    *,
    epochs: int = 6,
    test: float = 84,
    training: float = 92,
    seed: int = 0,
) -> dict:
    """An entry whose accuracies rise evenly from 10 percent to those of the last epoch."""
    network = Invented(root, method, seed=seed)
    ends = {"filter=none": test}
    for keep, values in (("low", LOW), ("high", HIGH)):
        ends |= {behind(keep, r): one for r, one in zip(RADII, values, strict=True)}
    recorded = {"test": ("test", ends), "training": ("train", {"filter=none": training})}
    rows = [
        {
            "epoch": epoch, "recorder": recorder, "split": split, "condition": condition,
            "metric": "accuracy", "value": 10 + (end - 10) * epoch / epochs, "n_images": 500,
        }
        for epoch in range(1, epochs + 1)
        for recorder, (split, values) in recorded.items()
        for condition, end in values.items()
    ]  # fmt: skip
    network.recorded["curves"] = network.folder / "curves.csv", rows
    measured = [(name, "accuracy", percent, network.n, "percent") for name, percent in ends.items()]
    network.write("components-rescaled", measured, {}, {})
    return network.entry() | {"paper": "hfc"}
