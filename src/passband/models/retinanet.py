"""Torchvision's RetinaNet (Lin et al. 2017), as published for COCO and for small scenes."""

from collections import OrderedDict
from functools import partial
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from passband.models import register

# torchvision takes seconds to import, and few jobs need it, so it is imported where it is used.


@register("retinanet_resnet50_fpn", title="RetinaNet (ResNet-50-FPN)", task="detection")
def retinanet_resnet50_fpn(channels: int, classes: int, side: int) -> nn.Module:
    """The network of torchvision's published COCO weights; its builder makes it only with them.

    Batch normalisation is frozen, with an epsilon of 0. The network itself normalises images by
    ImageNet's mean and standard deviation and resizes their shorter side to 800 pixels, the longer
    one to at most 1,333.
    """
    from torchvision.models import resnet50
    from torchvision.models.detection import RetinaNet
    from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
    from torchvision.ops import FrozenBatchNorm2d
    from torchvision.ops.feature_pyramid_network import LastLevelP6P7

    body = resnet50(norm_layer=partial(FrozenBatchNorm2d, eps=0.0))
    backbone = _resnet_fpn_extractor(
        body, trainable_layers=5, returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(256, 256)
    )
    return RetinaNet(backbone, classes)


SIZES = ((18, 24), (28, 34), (40, 48))  # sides of the anchors on each level of the pyramid
RATIOS = (0.5, 1.0, 2.0)
WIDTHS, PYRAMID = (16, 32, 64, 96), 48
DIVISOR = 16  # image sides are multiples of the stride of the coarsest level


@register("retinanet_small", title="RetinaNet (small)", task="detection")
def retinanet_small(channels: int, classes: int, side: int) -> nn.Module:
    """A RetinaNet for scenes of about 100 pixels with objects of 20 to 48.

    A backbone of four blocks, a pyramid of 48 channels at strides 4, 8 and 16, two convolutions in
    each head, and anchors of 18 to 48 pixels. In contrast to torchvision's, whose anchors start at
    32 pixels, the network does not resize images, and it normalises them by a mean of 1/2 and a
    standard deviation of 1/4.
    """
    return _small(channels, classes, side, WIDTHS, PYRAMID)


@register("retinanet_tiny", title="RetinaNet (tiny)", task="detection")
def retinanet_tiny(channels: int, classes: int, side: int) -> nn.Module:
    """`retinanet_small` with a quarter of its channels, for tests."""
    return _small(channels, classes, side, tuple(width // 4 for width in WIDTHS), PYRAMID // 4)


def _small(
    channels: int, classes: int, side: int, widths: tuple[int, ...], pyramid: int
) -> nn.Module:
    from torchvision.models.detection import RetinaNet
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.retinanet import RetinaNetHead

    anchors = AnchorGenerator(SIZES, (RATIOS,) * len(SIZES))
    head = RetinaNetHead(pyramid, anchors.num_anchors_per_location()[0], classes)
    for one in (head.classification_head, head.regression_head):
        one.conv = one.conv[:2]
    return RetinaNet(
        _Pyramid(channels, widths, pyramid),
        classes,
        min_size=side,
        max_size=side,
        image_mean=[0.5] * channels,
        image_std=[0.25] * channels,
        anchor_generator=anchors,
        head=head,
        detections_per_img=100,
        size_divisible=DIVISOR,
        _skip_resize=True,
    )


class _Pyramid(nn.Module):
    """Four blocks, each halving the resolution, and a feature pyramid on the last three; images
    [N, C, H, W] to features by level."""

    def __init__(self, channels: int, widths: tuple[int, ...], out_channels: int):
        from torchvision.ops import FeaturePyramidNetwork

        super().__init__()
        self.blocks = nn.ModuleList(_Block(*pair) for pair in pairwise((channels, *widths)))
        self.pyramid = FeaturePyramidNetwork(list(widths[1:]), out_channels)
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        levels = []
        for block in self.blocks:
            x = block(x)
            levels.append(x)
        return self.pyramid(OrderedDict((str(i), level) for i, level in enumerate(levels[1:])))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
