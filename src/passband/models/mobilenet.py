"""MobileNetV2 for small images (Sandler et al. 2018; fourier_study, table 4).

Inverted residuals: 1x1 convolution to more channels, 3x3 depthwise convolution, 1x1 convolution
without activation. The stages are those of Sandler et al., table 2, with stride 1 in the stem and
in the second stage, so that images of 32 x 32 pixels end as 4 x 4 maps; every block of stride 1 is
residual, where the width changes through a 1x1 convolution. The counts of parameters published
for CIFAR-10 (2,296,922) are those of this variant.
"""

from functools import partial

from torch import Tensor, nn

from passband.models import register

Stage = tuple[int, int, int, int]

STAGES: tuple[Stage, ...] = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int):
        super().__init__()
        width = expansion * inputs
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, groups=width, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = _shortcut(inputs, outputs) if stride == 1 else None
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return y if self.shortcut is None else y + self.shortcut(x)


def _shortcut(inputs: int, outputs: int) -> nn.Module:
    if inputs == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))


def _mobilenet(
    channels: int,
    classes: int,
    side: int,
    *,
    stem: int = 32,
    stages: tuple[Stage, ...] = STAGES,
    head: int = 1280,
) -> nn.Module:
    """stages: (expansion, output channels, number of blocks, stride of the first of them)."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, stem, 3, padding=1, bias=False),
        nn.BatchNorm2d(stem),
        nn.ReLU(),
    ]
    inputs = stem
    for expansion, outputs, depth, stride in stages:
        for i in range(depth):
            layers.append(_InvertedResidual(inputs, outputs, expansion, 1 if i else stride))
            inputs = outputs
    layers += [nn.Conv2d(inputs, head, 1, bias=False), nn.BatchNorm2d(head), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(head, classes))


register("mobilenet_v2", title="MobileNet-V2")(_mobilenet)
register("mobilenet_v2_tiny", title="MobileNet-V2 (tiny)")(
    partial(
        _mobilenet,
        stem=16,
        stages=((1, 8, 1, 2), (4, 16, 2, 1), (4, 24, 2, 2), (4, 56, 2, 1)),
        head=224,
    )
)
