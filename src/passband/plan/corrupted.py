"""Which corrupted images a probe reads, and whether they are stored."""

from collections.abc import Mapping

from passband.data.registry import DATASETS
from passband.dependencies import declared
from passband.plan.budgets import available

CORRUPTIONS = "data/corruptions"
SEVERITIES = [1, 2, 3, 4, 5]
STORED = 4 * 2**30  # bytes of corrupted images beyond which every probe generates them anew


def corrupted_for(probe: Mapping, dataset: str, limit: int | None) -> dict | None:
    """The corrupted images that a probe reads; None if it reads none.

    Args:
        probe: resolved.
        dataset: id of the data set that it measures on.
        limit: the scale's test_images.

    Returns:
        corruptions and severities, images (their number, None for all of a data set whose size is
        unknown) and stored (whether there is a file with them).
    """
    if "corruptions" not in declared("probes")[probe["probe"]].keywords:
        return None
    corruptions = probe.get("corruptions") or [*declared(CORRUPTIONS)]
    severities = probe.get("severities") or SEVERITIES
    limits = [one for one in (limit, probe.get("images")) if one is not None]
    images = available(dataset, probe.get("split", "test"), min(limits, default=None))
    row = DATASETS[dataset]
    size = (images or 0) * row.channels * row.side**2 * len(corruptions) * len(severities)
    return {
        "corruptions": corruptions,
        "severities": severities,
        "images": images,
        "stored": size <= STORED,
    }
