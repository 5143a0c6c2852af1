"""Linear centred kernel alignment (CKA) of representations, from their Gram matrices.

Kornblith et al. 2019 (section 3) with the biased estimator of HSIC; Nguyen, Raghu and Kornblith
2021 (section 2) with the unbiased one of Song et al. 2012, whose averages over small batches tend
to the value of the whole set.
"""

import torch
from torch import Tensor

from passband.errors import UserError


def gram(outputs: Tensor) -> Tensor:
    """Inner products of the centred outputs of n images: [n, ...] to float64 [n, n].

    The mean over the images is removed first, which changes no CKA and saves the digits that a
    large common part would cost. Products are taken in the precision of `outputs`.
    """
    features = outputs.flatten(1)
    features = features - features.mean(0)
    return (features @ features.T).double()


def centred(grams: Tensor) -> Tensor:
    """Rows and columns of mean zero: [..., n, n] to [..., n, n]."""
    return (
        grams
        - grams.mean(-1, keepdim=True)
        - grams.mean(-2, keepdim=True)
        + grams.mean((-2, -1), keepdim=True)
    )


def u_centred(grams: Tensor) -> Tensor:
    """Symmetric [..., n, n], n at least 3, with diagonal and sum of every row zero.

    This centring (Szekely and Rizzo 2014, definition 2) turns the unbiased HSIC into a plain inner
    product.
    """
    n = grams.shape[-1]
    hollow = grams - torch.diag_embed(grams.diagonal(dim1=-2, dim2=-1))
    row = hollow.sum(-1, keepdim=True) / (n - 2)
    total = hollow.sum((-2, -1), keepdim=True) / ((n - 1) * (n - 2))
    result = hollow - row - row.mT + total
    result.diagonal(dim1=-2, dim2=-1).zero_()
    return result


def hsic_biased(grams: Tensor) -> Tensor:
    """HSIC of every pair of L representations of n images: [L, n, n] to [L, L].

    n at least 2. (Kornblith et al. 2019, equation 3.)
    """
    flat = centred(grams).flatten(1)
    return flat @ flat.T / (grams.shape[-1] - 1) ** 2


def hsic_unbiased(grams: Tensor) -> Tensor:
    """The unbiased HSIC of every pair of L representations of n images: [L, n, n] to [L, L].

    Values off the diagonal may be below zero. (Nguyen, Raghu and Kornblith 2021, equation 3.)
    Raises UserError for fewer than 4 images, where it does not exist.
    """
    n = grams.shape[-1]
    if n < 4:
        raise UserError(f"unbiased HSIC needs at least 4 images in a batch, not {n}: give more.")
    flat = u_centred(grams).flatten(1)
    return flat @ flat.T / (n * (n - 3))


def cka(hsic: Tensor) -> Tensor:
    """CKA of every pair from HSICs (of one batch, or averaged over batches): [L, L] to [L, L].

    1 on the diagonal; NaN for a representation that is the same for all images.
    """
    scale = hsic.diagonal().sqrt()
    return hsic / torch.outer(scale, scale)
