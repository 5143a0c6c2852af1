"""Batch normalisation folded into the convolutions of a model that no longer trains."""

from torch import nn
from torch.fx.experimental.optimization import fuse

from passband.models.quantization import baked


def fold_batchnorm(model: nn.Module) -> nn.Module:
    """A frozen copy of the model, in eval mode, with each conv + batch norm as one conv with bias.

    Same function as `model.eval()` up to rounding (1e-4 in fp32 logits), without the passes over
    memory that batch normalisation costs. No parameter of the copy takes a gradient; the input
    may. A normalisation that does not follow a convolution directly stays as it is. Quantised
    convolutions become plain ones first; in their activations, rounding errors may move single
    values to the next level.
    """
    return fuse(baked(model).eval(), inplace=True).eval().requires_grad_(False)
