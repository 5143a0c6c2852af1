"""VGG-11 (Simonyan and Zisserman 2015, table 1, configuration A) for small images.

Its eight convolutions, with biases and without normalisation, and one linear layer instead of
three, as is usual for images of 32 x 32. The fifth pooling is global, over 2 x 2 pixels for images
of 32 x 32. No dropout. hfc names a VGG among its "other tests" and publishes none; this
one has 9,225,610 parameters for 3 x 32 x 32 and ten classes.
"""

from functools import partial

from torch import nn

from passband.models import register
from passband.models.initialisation import initialised

STAGES = ((1,), (2,), (4, 4), (8, 8), (8, 8))


def _vgg(channels: int, classes: int, side: int, *, width: int = 64) -> nn.Module:
    """width: channels of the first convolution; those of all are `STAGES` times as many."""
    layers: list[nn.Module] = []
    inputs = channels
    for stage in STAGES:
        for factor in stage:
            layers += [nn.Conv2d(inputs, factor * width, 3, padding=1), nn.ReLU()]
            inputs = factor * width
        layers.append(nn.MaxPool2d(2))
    layers[-1] = nn.AdaptiveMaxPool2d(1)
    return initialised(nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs, classes)))


register("vgg11_small", title="VGG-11 (small images)")(_vgg)
register("vgg11_tiny", title="VGG-11 (tiny)")(partial(_vgg, width=16))
