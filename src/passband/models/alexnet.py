"""AlexNet (Krizhevsky et al. 2012) for small images.

The five convolutions of the one-column version (Krizhevsky 2014) with the usual changes for images
of 32 x 32 (as in Wei Yang's pytorch-classification): 2x2 max pooling, and one linear layer instead
of three. The last convolution is followed by global max pooling, over 2 x 2 pixels for images of
32 x 32. No normalisation, no dropout. hfc names an AlexNet among its "other tests" and publishes
none; this one has 2,472,266 parameters for 3 x 32 x 32 and ten classes.
"""

from functools import partial

from torch import nn

from passband.models import register
from passband.models.initialisation import initialised


def _alexnet(channels: int, classes: int, side: int, *, width: int = 64) -> nn.Module:
    """width: channels of the first convolution; the others have 3, 6, 4 and 4 times as many."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, width, 11, stride=4, padding=5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, 3 * width, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]
    for inputs, outputs in ((3, 6), (6, 4), (4, 4)):
        layers += [nn.Conv2d(inputs * width, outputs * width, 3, padding=1), nn.ReLU()]
    layers += [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4 * width, classes)]
    return initialised(nn.Sequential(*layers))


register("alexnet_small", title="AlexNet (small images)")(_alexnet)
register("alexnet_tiny", title="AlexNet (tiny)")(partial(_alexnet, width=16))
