"""The spectrum of a model's Jacobians beside that of the images."""

import torch
import torch.nn.functional as F
from torch import Tensor

from passband.evaluation import batches
from passband.options import Images
from passband.probes import PROBES, Measurement, Subject, stored
from passband.probes.examples import in_turn
from passband.spectra.jacobian import bias_by_image, one_sided_magnitude

JACOBIAN = "of=jacobian;loss=cross-entropy;reduction=sum"
SMALLEST = 1e-300  # norms below it count as zero


@PROBES.register("jacobian_spectrum")
def jacobian_spectrum(subject: Subject, *, examples: Images, images: Images) -> Measurement:
    """Mean |DFT| of Jacobians and of images, their low-frequency bias, and the alignment of the
    two (jafr, figure 1 and table 2).

    A Jacobian is the gradient of the cross-entropy of one image with respect to it, in strict
    float32. The losses of a batch are summed, so that the floor in the bias means the same in
    batches of any size. Spectra are one-sided, with the DC component at [0, 0]; the bias is the
    natural logarithm of B_low of the mean over images and channels. The alignment is the absolute
    cosine between image and Jacobian, 0 where the Jacobian is zero (Etmann et al. 2019 without
    the norm of the image).

    Args:
        examples: number of images to keep with their Jacobians, of each class in turn.
        images: number of test images, the first ones.
    """
    subject = subject.first(images)
    clean = subject.compute.images(subject.images)
    found = torch.cat(
        [
            jacobians(subject, clean[part], subject.labels[part])
            for part in batches(len(clean), subject.compute)
        ]
    )
    spectra = {
        name: one_sided_magnitude(one).mean(1) for name, one in (("", found), ("_images", clean))
    }
    directions = (F.normalize(one.flatten(1).double(), eps=SMALLEST) for one in (found, clean))
    alignment = torch.linalg.vecdot(*directions).abs()
    chosen = in_turn(subject.labels, len(subject.classes))[:examples]
    result = Measurement(
        arrays={
            "alignment": stored(alignment.float()),
            "images": stored(subject.images[chosen]),
            "jacobians": stored(found[chosen]),
            "labels": stored(subject.labels[chosen]),
        },
        metadata={"classes": list(subject.classes)},
    )
    for name, one in spectra.items():
        result.arrays[f"spectrum{name}"] = stored(one.mean(0))
        result.arrays[f"bias{name}"] = stored(bias_by_image(one).float())
    for condition, metric, name in (
        (JACOBIAN, "low_frequency_bias", "bias"),
        ("of=images", "low_frequency_bias", "bias_images"),
        (JACOBIAN, "alignment", "alignment"),
    ):
        values = result.arrays[name].astype(float)
        unit = "ratio" if metric == "alignment" else "log"
        result.rows.append((condition, metric, float(values.mean()), len(values), unit))
    return result


def jacobians(subject: Subject, images: Tensor, labels: Tensor) -> Tensor:
    """The gradient of each image's cross-entropy with respect to the image: as `images`."""
    with torch.enable_grad():
        inputs = images.detach().requires_grad_()
        loss = F.cross_entropy(subject.model(inputs), labels, reduction="sum")
        return torch.autograd.grad(loss, inputs)[0]
