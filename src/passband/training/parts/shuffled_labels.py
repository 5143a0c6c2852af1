"""Training on shuffled labels (Zhang et al. 2017; hfc, section 4)."""

import torch
from torch import Tensor

from passband.draws import key_of, permutation
from passband.options import Index
from passband.training.parts import PARTS


@PARTS.register("shuffled_labels", role="label treatment")
def shuffled_labels(labels: Tensor, *, number: Index = 0) -> Tensor:
    """Permute the labels of the training images, which keeps the size of every class.

    The permutation is the same for every seed and network.

    Args:
        number: number of the permutation.
    """
    order = permutation(key_of("shuffled labels", number), len(labels))
    return torch.take_along_dim(labels, order.to(labels.device), 0)
