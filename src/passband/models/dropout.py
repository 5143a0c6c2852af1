"""Dropout whose masks are a function of (seed, epoch, image), like every other random draw."""

from torch import Tensor, nn

from passband.draws import Draws, key_of
from passband.errors import UserError


class Dropout(nn.Module):
    """In training, set features to zero and scale up the others; in evaluation, do nothing.

    `set_draws` must be called first with the draws of the batch's images. All passes of one
    training step, on natural and adversarial images, share the same masks.

    Args:
        rate: share of features that are set to zero, below 1.
        whole: set all features of an image to zero, or none of them (drop connect).

    Raises:
        UserError: a pass in training mode without draws.
    """

    def __init__(self, rate: float, whole: bool = False):
        super().__init__()
        self.rate, self.whole = rate, whole
        self.draws: Draws | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        if self.draws is None:
            raise UserError("dropout has no draws: call set_draws before a pass in training mode.")
        shape = (1,) * (x.ndim - 1) if self.whole else tuple(x.shape[1:])
        kept = self.draws.uniform("dropout", shape) >= self.rate
        return x * (kept.to(x.dtype) / (1 - self.rate))


def set_draws(model: nn.Module, draws: Draws) -> None:
    """Give every dropout layer of a model the draws for the images of the next batch."""
    for name, layer in model.named_modules():
        if isinstance(layer, Dropout):
            layer.draws = Draws(key_of(draws.key, name), draws.indices)
