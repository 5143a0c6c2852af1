"""The residual network of hfc: no normalisation, pre-activation, shortcuts without parameters.

The paper calls it ResNet-18; its code has a stem of 3x3 kernels and three stages of five blocks
with 16, 32 and 64 channels, depth 32. A block is ReLU, convolution, ReLU, convolution, beside a
shortcut; the very first block follows the stem's ReLU and starts with its convolution. The first
block of the second and of the third stage halves the side; its shortcut is average-pooled and
padded with zero channels, half of them before and half after. The network ends with ReLU, global
average pooling and one linear layer. Convolutions have no bias.

With `batch_moments`, every ReLU but the last is preceded by normalisation (see
`passband.models.batch_moments`), as in the paper's code; scales and offsets are trained. `dropout`
is the share of the linear layer's inputs that is dropped in training.
"""

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from passband.models import register
from passband.models.batch_moments import BatchMoments
from passband.models.dropout import Dropout
from passband.models.initialisation import initialised


class _Before(nn.Sequential):
    """What precedes a convolution: normalisation, if any, and ReLU."""

    def __init__(self, width: int, batch_moments: bool):
        super().__init__(*([BatchMoments(width)] if batch_moments else []), nn.ReLU())


class _Block(nn.Module):
    """[N, inputs, S, S] to [N, outputs, S, S], or to [N, outputs, S / 2, S / 2] if `halves`."""

    def __init__(
        self, inputs: int, outputs: int, *, halves: bool, first: bool, batch_moments: bool
    ):
        super().__init__()
        self.before1 = nn.Identity() if first else _Before(inputs, batch_moments)
        stride, padding = (2, 0) if halves else (1, 1)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding, bias=False)
        self.before2 = _Before(outputs, batch_moments)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.halves, self.new_channels = halves, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.before1(x)
        if self.halves:
            y, x = same_padded(y), halved(x, self.new_channels)
        return self.conv2(self.before2(self.conv1(y))) + x


def same_padded(x: Tensor) -> Tensor:
    """Images [N, C, H, W] with TensorFlow's SAME zero padding for 3x3 kernels of stride 2.

    That is one row below and one column on the right, and above and on the left only if the side is
    odd.
    """
    height, width = x.shape[2:]
    return F.pad(x, (width % 2, 1, height % 2, 1))


def halved(x: Tensor, new_channels: int) -> Tensor:
    """Means over 2x2 pixels, padded with zero channels, half before and half after.

    At the end of an odd side, means are over the existing pixels.
    """
    before = new_channels // 2
    pooled = F.avg_pool2d(x, 2, ceil_mode=True)
    return F.pad(pooled, (0, 0, 0, 0, before, new_channels - before))


def _resnet(
    channels: int,
    classes: int,
    side: int,
    *,
    blocks: int,
    width: int = 16,
    kernel: int = 3,
    batch_moments: bool = False,
    dropout: float = 0.0,
) -> nn.Module:
    """blocks: number per stage. width: channels of the first stage. kernel: the stem's, odd."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=False),
        *_Before(width, batch_moments),
    ]
    inputs = width
    for stage in range(3):
        for number in range(blocks):
            outputs, begins = width * 2**stage, number == 0
            layers.append(
                _Block(
                    inputs,
                    outputs,
                    halves=begins and stage > 0,
                    first=begins and stage == 0,
                    batch_moments=batch_moments,
                )
            )
            inputs = outputs
    layers += [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    layers += [Dropout(dropout)] if dropout else []
    return initialised(nn.Sequential(*layers, nn.Linear(inputs, classes)))


register("resnet32_plain", title="ResNet-18 (hfc)")(partial(_resnet, blocks=5))
register("resnet32_batch_moments", title="ResNet-18 (hfc, batch moments)", batch_moments=True)(
    partial(_resnet, blocks=5, batch_moments=True)
)
register("resnet32_dropout", title="ResNet-18 (hfc, dropout)")(
    partial(_resnet, blocks=5, dropout=0.5)
)
register("resnet32_plain_5x5", title="ResNet-18 (hfc, 5×5 kernels)")(
    partial(_resnet, blocks=5, kernel=5)
)
register("resnet8_plain", title="ResNet-8 (hfc)")(partial(_resnet, blocks=1))
register("resnet8_batch_moments", title="ResNet-8 (hfc, batch moments)", batch_moments=True)(
    partial(_resnet, blocks=1, batch_moments=True)
)
register("resnet8_dropout", title="ResNet-8 (hfc, dropout)")(
    partial(_resnet, blocks=1, dropout=0.5)
)
register("resnet8_plain_5x5", title="ResNet-8 (hfc, 5×5 kernels)")(
    partial(_resnet, blocks=1, kernel=5)
)
register("resnet8_plain_w8", title="ResNet-8 (hfc, width 8)")(partial(_resnet, blocks=1, width=8))
register("resnet8_plain_w4", title="ResNet-8 (hfc, width 4)")(partial(_resnet, blocks=1, width=4))
register(
    "resnet8_batch_moments_w4", title="ResNet-8 (hfc, width 4, batch moments)", batch_moments=True
)(partial(_resnet, blocks=1, width=4, batch_moments=True))
register("resnet8_dropout_w4", title="ResNet-8 (hfc, width 4, dropout)")(
    partial(_resnet, blocks=1, width=4, dropout=0.5)
)
register("resnet8_plain_5x5_w4", title="ResNet-8 (hfc, width 4, 5×5 kernels)")(
    partial(_resnet, blocks=1, width=4, kernel=5)
)
