"""EfficientNet-B0 for small images (Tan and Le 2019; fourier_study, table 4).

Blocks of MobileNetV2 with swish and squeeze-excitation, in the stages of Tan and Le, table 1, with
stride 1 in the stem and without the last 1x1 convolution. Images of 32 x 32 pixels end as 2 x 2
maps. The public implementation of this variant for CIFAR-10 has 3,599,686 parameters; 1,088 of
them, an expansion in the first block, it never uses, and they are left out here.

In training a block is skipped for single images with a probability that rises from zero, block by
block, towards 0.2 (drop connect), and the features lose a fifth of their values (dropout). That
implementation states the same two rates, but never counts its blocks, so that its drop connect is
zero in all of them.
"""

from functools import partial

from torch import Tensor, nn

from passband.models import register
from passband.models.dropout import Dropout

Stage = tuple[int, int, int, int, int]

STAGES: tuple[Stage, ...] = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)


class _SqueezeExcitation(nn.Module):
    """Channels weighted by a function of their means; its two layers see one pixel: linear."""

    def __init__(self, width: int, squeezed: int):
        super().__init__()
        self.squeeze = nn.Linear(width, squeezed)
        self.swish = nn.SiLU()
        self.excite = nn.Linear(squeezed, width)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.excite(self.swish(self.squeeze(x.mean((2, 3))))).sigmoid()
        return x * weights[:, :, None, None]


class _Block(nn.Module):
    def __init__(
        self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int, drop_rate: float
    ):
        super().__init__()
        width = expansion * inputs
        expanded = expansion != 1
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False) if expanded else nn.Identity()
        self.bn1 = nn.BatchNorm2d(width) if expanded else nn.Identity()
        self.swish1 = nn.SiLU() if expanded else nn.Identity()
        self.conv2 = nn.Conv2d(
            width, width, kernel, stride, padding=kernel // 2, groups=width, bias=False
        )
        self.bn2 = nn.BatchNorm2d(width)
        self.swish2 = nn.SiLU()
        self.excitation = _SqueezeExcitation(width, max(1, inputs // 4))
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.residual = stride == 1 and inputs == outputs
        self.drop_connect = Dropout(drop_rate if self.residual else 0.0, whole=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.swish1(self.bn1(self.conv1(x)))
        y = self.swish2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(self.excitation(y)))
        return self.drop_connect(y) + x if self.residual else y


def _efficientnet(
    channels: int,
    classes: int,
    side: int,
    *,
    stem: int = 32,
    stages: tuple[Stage, ...] = STAGES,
    dropout: float = 0.2,
    drop_connect: float = 0.2,
) -> nn.Module:
    """stages: (expansion, output channels, blocks, kernel side, stride of the first block)."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, stem, 3, padding=1, bias=False),
        nn.BatchNorm2d(stem),
        nn.SiLU(),
    ]
    inputs, past = stem, 0
    blocks = sum(depth for _, _, depth, _, _ in stages)
    for expansion, outputs, depth, kernel, stride in stages:
        for i in range(depth):
            rate = drop_connect * past / blocks
            layers.append(_Block(inputs, outputs, expansion, kernel, 1 if i else stride, rate))
            inputs, past = outputs, past + 1
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


register("efficientnet_b0", title="EfficientNet-B0")(_efficientnet)
register("efficientnet_tiny", title="EfficientNet-B0 (tiny)")(
    partial(
        _efficientnet,
        stem=16,
        stages=((1, 8, 1, 3, 2), (4, 16, 1, 5, 1), (4, 24, 2, 3, 2), (4, 48, 1, 3, 1)),
    )
)
