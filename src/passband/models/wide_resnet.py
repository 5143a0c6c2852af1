"""Wide residual networks with pre-activation blocks (Zagoruyko and Komodakis 2016, table 1).

Depth 6n + 4, widening factor k: a 3x3 stem of 16 channels, three stages of n blocks with 16k, 32k
and 64k channels, batch normalisation and ReLU, global average pool, one linear layer.
"""

from functools import partial

from torch import Tensor, nn

from passband.models import register


class _Block(nn.Module):
    """Normalise, rectify, convolve, twice; where the width changes, the shortcut is a convolution.

    That shortcut starts from the rectified input; the others add the input itself.
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        same = stride == 1 and inputs == outputs
        self.shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(y)
        return self.conv2(self.relu(self.bn2(self.conv1(y)))) + shortcut


def _wide_resnet(channels: int, classes: int, side: int, *, depth: int, factor: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(channels, 16, 3, padding=1, bias=False)]
    inputs = 16
    for stage in range(3):
        width = 16 * factor * 2**stage
        for i in range((depth - 4) // 6):
            layers.append(_Block(inputs, width, 2 if stage > 0 and i == 0 else 1))
            inputs = width
    layers += [nn.BatchNorm2d(inputs), nn.ReLU()]
    model = nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)
    )
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
    return model


register("wrn_28_10", title="WRN-28-10")(partial(_wide_resnet, depth=28, factor=10))
register("wrn_34_10", title="WRN-34-10")(partial(_wide_resnet, depth=34, factor=10))
# sar, table V prints the 103,819,674 weights of this network; implementations that carry a stage
# without use count 108,528,026.
register("wrn_34_15", title="WRN-34-15")(partial(_wide_resnet, depth=34, factor=15))
