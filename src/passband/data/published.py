"""Published weights of networks, with addresses and checksums, by name."""

from dataclasses import dataclass

from passband.data.registry import RemoteFile

PYTORCH = "https://download.pytorch.org/models/"


@dataclass(frozen=True)
class PublishedWeights:
    """Weights of a network that others have trained and published.

    title: as messages name it. architecture: the registered network that they fit. file: its state
    dict, as torch.save writes it. trained_on: the training data, in words. embedded: None, since
    the package contains no copy (see `passband.data.download.fetch`).
    """

    id: str
    title: str
    architecture: str
    file: RemoteFile
    trained_on: str
    licence: str
    homepage: str
    embedded: None = None


PUBLISHED: dict[str, PublishedWeights] = {
    weights.id: weights
    for weights in (
        PublishedWeights(
            id="retinanet-resnet50-fpn-coco",
            title="RetinaNet (torchvision, COCO_V1)",
            architecture="retinanet_resnet50_fpn",
            file=RemoteFile(
                "retinanet_resnet50_fpn_coco-eeacb38b.pth",
                (PYTORCH + "retinanet_resnet50_fpn_coco-eeacb38b.pth",),
                "eeacb38b7cec8cf93c57867e05eaab621047f19b0d2ec5accaa405f690da15b7",
            ),
            trained_on="COCO train2017",
            licence="BSD-3-Clause",
            homepage="https://docs.pytorch.org/vision/stable/models/retinanet.html",
        ),
    )
}
