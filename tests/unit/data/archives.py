"""Archives in the published formats, made tiny."""

import gzip
import io
import pickle
import tarfile
import zipfile
from typing import ClassVar

import numpy as np
from PIL import Image
from scipy.io import savemat


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def idx_archives(train: int = 12, test: int = 4) -> dict[str, bytes]:
    archives = {}
    for prefix, count in (("train", train), ("t10k", test)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        for name, array in (
            (f"{prefix}-images-idx3-ubyte.gz", random_images(count, 28, 28)),
            (f"{prefix}-labels-idx1-ubyte.gz", labels),
        ):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            archives[name] = gzip.compress(header + array.tobytes())
    return archives


class _Python2Pickler(pickle._Pickler):
    """Writes bytes as the texts of Python 2 and arrays as NumPy 1 did, like CIFAR's authors."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def _save_text(self, text: bytes) -> None:
        self.write(pickle.BINSTRING + len(text).to_bytes(4, "little") + text)

    dispatch[bytes] = _save_text


def python2_pickle(content: object) -> bytes:
    output = io.BytesIO()
    _Python2Pickler(output, protocol=2).dump(content)
    return output.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def tar_gz(members: dict[str, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return output.getvalue()


def cifar10_archive(per_batch: int = 3) -> bytes:
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    images = random_images(len(names), per_batch, 3072)
    members = {
        f"cifar-10-batches-py/{name}": python2_pickle(
            {
                b"batch_label": name.encode(),
                b"labels": [(position + row) % 10 for row in range(per_batch)],
                b"data": images[position],
                b"filenames": [b"some_image_s_000001.png"] * per_batch,
            }
        )
        for position, name in enumerate(names)
    }
    classes = b"airplane automobile bird cat deer dog frog horse ship truck".split()
    members["cifar-10-batches-py/batches.meta"] = python2_pickle(
        {b"num_cases_per_batch": 10000, b"label_names": classes, b"num_vis": 3072}
    )
    members["cifar-10-batches-py/readme.html"] = b"<html></html>"
    return tar_gz(members)


def cifar100_archive(train: int = 5, test: int = 3) -> bytes:
    def split(count: int) -> bytes:
        return python2_pickle(
            {
                b"fine_labels": [99 - row for row in range(count)],
                b"coarse_labels": [0] * count,
                b"data": random_images(count, 3072),
            }
        )

    classes = [f"class_{number}".encode() for number in range(100)]
    meta = python2_pickle({b"fine_label_names": classes, b"coarse_label_names": [b"all"]})
    return tar_gz(
        {
            "cifar-100-python/meta": meta,
            "cifar-100-python/test": split(test),
            "cifar-100-python/train": split(train),
        }
    )


def svhn_archives(train: int = 6, test: int = 3) -> dict[str, bytes]:
    archives = {}
    for name, count in (("train", train), ("test", test)):
        output = io.BytesIO()
        labels = (np.arange(count) + 8) % 10 + 1
        savemat(
            output,
            {"X": random_images(32, 32, 3, count), "y": labels.astype(np.uint8)[:, None]},
            do_compression=True,
        )
        archives[f"{name}_32x32.mat"] = output.getvalue()
    return archives


def jpeg(value: int, mode: str = "RGB") -> bytes:
    output = io.BytesIO()
    colour = value if mode == "L" else (value, 0, 255 - value)
    Image.new(mode, (64, 64), colour).save(output, "JPEG", quality=95)
    return output.getvalue()


def tiny_imagenet_archive(extra: dict[str, bytes] | None = None) -> bytes:
    words = "n01443537\tgoldfish, Carassius auratus\nn02124075\tEgyptian cat\nn09999999\tunused\n"
    annotations = (
        "val_0.JPEG\tn02124075\t0\t0\t62\t62\n"
        "val_1.JPEG\tn01443537\t5\t5\t60\t60\n"
        "val_2.JPEG\tn02124075\t0\t0\t62\t62\n"
    )
    members = {
        "wnids.txt": b"n02124075\nn01443537\n",
        "words.txt": words.encode(),
        "val/val_annotations.txt": annotations.encode(),
        "val/images/val_2.JPEG": jpeg(30),
        "val/images/val_0.JPEG": jpeg(10),
        "val/images/val_1.JPEG": jpeg(20),
        "train/n02124075/images/n02124075_0.JPEG": jpeg(200),
        "train/n02124075/n02124075_boxes.txt": b"n02124075_0.JPEG\t0\t10\t63\t58\n",
        "train/n01443537/images/n01443537_0.JPEG": jpeg(100, "L"),
        "train/n01443537/images/n01443537_1.JPEG": jpeg(150),
        "test/images/test_0.JPEG": jpeg(1),
    }
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as content:
        content.mkdir("tiny-imagenet-200")
        for name, data in members.items():
            content.writestr(f"tiny-imagenet-200/{name}", data)
        for name, data in (extra or {}).items():
            content.writestr(name, data)
    return output.getvalue()
