"""The methods of the papers' printed tables, under the names that our recipes give them."""

import re
from collections.abc import Mapping

BATCH_SIZE = re.compile(r"batch_size=(\d+)")
USUAL_BATCH_SIZE = "512"  # fourier_study, section 3


def method_of(row: Mapping[str, object]) -> str:
    """Our name of the method in a row of config/reference, with columns paper, method, condition.

    fourier_study prints one adversarially trained network as the largest batch of its table 2, as
    its table 3 without augmentation and as its table 5 without quantisation (32 bits): all three
    are PGD-7-AT here. Smaller batches are a method of their own. Other papers' rows keep theirs.

    >>> row = {"paper": "fourier_study", "method": "PGD-7-AT", "condition": "batch_size=64"}
    >>> method_of(row), method_of(row | {"condition": "batch_size=512"})
    ('PGD-7-AT (batch 64)', 'PGD-7-AT')
    >>> method_of(row | {"method": "PGD-7-AT+QM-32", "condition": "bits=32;fat=false"})
    'PGD-7-AT'
    """
    method = str(row["method"])
    if row["paper"] != "fourier_study":
        return method
    size = BATCH_SIZE.search(str(row["condition"]))
    if size and size[1] != USUAL_BATCH_SIZE:
        return f"{method} (batch {size[1]})"
    return method.removesuffix("+QM-32")
