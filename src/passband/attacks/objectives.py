"""What attacks maximise, as a sum over the batch.

A mean would divide gradients by the batch size, and the small ones of confident images would then
vanish in rounding, so that robustness would depend on the batch.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from passband.attacks import LogitsOf


def of_class(labels: Tensor, classes: int) -> Tensor:
    """Labels as a mask of their classes, bool [N, classes], without a look at their values."""
    return labels[:, None] == torch.arange(classes, device=labels.device)


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Largest logit of another class minus that of the true class [N]: positive is an error."""
    true = of_class(labels, logits.shape[1])
    others = logits.masked_fill(true, -torch.inf).amax(1)
    return others - logits.gather(1, labels[:, None]).squeeze(1)


def divergences(natural: Tensor, logits: Tensor) -> Tensor:
    """KL(natural ‖ adversarial) of the predicted distributions [N], from logits [N, classes]."""
    natural, adversarial = F.log_softmax(natural, 1), F.log_softmax(logits, 1)
    return F.kl_div(adversarial, natural, reduction="none", log_target=True).sum(1)


def objective(
    loss: str,
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    confidence: float | None = None,
) -> Callable[[Tensor], Tensor]:
    """A function of the adversarial images' logits [N, classes], to be maximised (0-d).

    loss: cross_entropy; margin, the loss of Carlini and Wagner (2017), without a bound (as sar
    evaluates it) or up to a `confidence` (as jafr does); or kl, the divergence from the predictions
    on the clean `images`, the inner maximisation of TRADES (Zhang et al. 2019, equation 5). Mixed
    labels, float [N, classes], go with cross_entropy and with binary_cross_entropy.
    """
    if loss == "cross_entropy":
        return lambda logits: F.cross_entropy(logits, labels, reduction="sum")
    if loss == "binary_cross_entropy":
        return lambda logits: F.binary_cross_entropy_with_logits(logits, labels, reduction="sum")
    if loss == "margin":
        bound = torch.inf if confidence is None else confidence
        return lambda logits: margins(logits, labels).clamp(max=bound).sum()
    with torch.no_grad():
        natural = logits_of(images)
    return lambda logits: divergences(natural, logits).sum()


def signed_gradient(logits_of: LogitsOf, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Predictions int64 [N], and the sign of the input gradient of cross-entropy [N, C, H, W]."""
    x = images.detach().requires_grad_()
    with torch.enable_grad():
        logits = logits_of(x)
        loss = F.cross_entropy(logits, labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
    return logits.detach().argmax(1), gradient.sign()
