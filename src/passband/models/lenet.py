"""LeNet-5 (LeCun et al. 1998) in its usual modern form, for images of 32 x 32 as in the original.

Two 5x5 convolutions without padding, of 6 and 16 channels, each followed by ReLU and 2x2 max
pooling, and linear layers of 120 and 84 features; the original had tanh, trained pooling and partly
connected channels. hfc names a LeNet among its "other tests" and publishes none; this one
has 62,006 parameters for 3 x 32 x 32 and ten classes.
"""

from torch import nn

from passband.models import register
from passband.models.initialisation import initialised


@register("lenet", title="LeNet-5")
def lenet(channels: int, classes: int, side: int) -> nn.Module:
    left = ((side - 4) // 2 - 4) // 2
    return initialised(
        nn.Sequential(
            nn.Conv2d(channels, 6, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * left**2, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, classes),
        )
    )
