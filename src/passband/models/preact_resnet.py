"""Residual networks with pre-activation blocks and no final normalisation (jafr, section 4).

The PreActResNet-18 of the GradAlign code (Andriushchenko and Flammarion 2020), which jafr builds
on: blocks of He et al. 2016b whose shortcut convolutions start from the block's input itself,
neither normalised nor rectified, and neither normalisation nor ReLU between the last block and the
average pool. The pool is global, as in the code of jafr.
"""

from functools import partial

from torch import Tensor, nn

from passband.models import register


class _Block(nn.Module):
    """Normalise, rectify, convolve, twice; where the shape changes, the shortcut is a convolution
    of the input itself."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.relu(self.bn1(x)))
        return self.conv2(self.relu(self.bn2(y))) + self.shortcut(x)


def _preact_resnet(
    channels: int, classes: int, side: int, *, depths: tuple[int, ...], width: int
) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1, bias=False)]
    inputs = width
    for stage, depth in enumerate(depths):
        outputs = width * 2**stage
        for i in range(depth):
            layers.append(_Block(inputs, outputs, 2 if stage > 0 and i == 0 else 1))
            inputs = outputs
    model = nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)
    )
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return model


register("preact_resnet18_plain_end", title="PreActResNet-18")(
    partial(_preact_resnet, depths=(2, 2, 2, 2), width=64)
)
register("preact_resnet8", title="PreActResNet-8")(
    partial(_preact_resnet, depths=(1, 1, 1), width=16)
)
register("preact_resnet8_w8", title="PreActResNet-8 (width 8)")(
    partial(_preact_resnet, depths=(1, 1, 1), width=8)
)
