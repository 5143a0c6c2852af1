"""Jacobian frequency regularisation, JaFR (jafr, section 3, equations 8 to 11, algorithm 1)."""

from torch import Tensor

from passband.options import Number
from passband.spectra.jacobian import low_frequency_bias, one_sided_magnitude
from passband.training.batch import Batch
from passband.training.parts import PARTS


@PARTS.register(
    "jacobian_bias",
    role="regulariser",
    needs={"weight!=0": "input_gradients"},
    excludes={
        "quantization": "rounding has no second derivative",
        "mixed-sample augmentation": "it needs one label per image",
    },
    steps=(
        "J ← gradient of the mean cross-entropy with respect to the images before the attack",
        "M ← mean over batch and channels of |DFT(J)|, one-sided",
        "B ← sum over the rows of M of the product of their entries to the powers α, from 1 at "
        "frequency 0 to −1 at the highest, and the same over its columns",
        "loss ← loss − weight · log B",
    ),
)
def jacobian_bias(batch: Batch, *, weight: Number) -> Tensor:
    """Reward input gradients of low frequencies: subtract their low-frequency bias from the loss.

    The gradients are those of the batch's mean cross-entropy at the images before the attack, as in
    the authors' code; their magnitudes are averaged over batch and channels, and the bias is taken
    of the average (`passband.spectra.jacobian`).

    Args:
        weight: weight of the bias, the paper's lambda; a negative one, JaFR(-), rewards high
            frequencies.
    """
    if weight == 0:
        return batch.images.new_zeros(())
    gradients = batch.input_gradients / len(batch.labels)
    return -weight * low_frequency_bias(one_sided_magnitude(gradients).mean((0, 1)))
