"""Labels that are treated before training."""

import torch

from passband.training.parts.shuffled_labels import shuffled_labels

LABELS = torch.arange(10).repeat_interleave(30)


def test_shuffling_keeps_the_number_of_images_of_each_class():
    shuffled = shuffled_labels(LABELS)
    assert torch.equal(shuffled.bincount(), LABELS.bincount())
    assert shuffled.dtype == torch.int64


def test_shuffled_labels_agree_with_the_true_ones_by_chance_only():
    agreement = (shuffled_labels(LABELS) == LABELS).float().mean().item()
    assert 0.04 < agreement < 0.17  # 0.1 expected, standard deviation 0.017


def test_one_number_is_one_permutation():
    assert torch.equal(shuffled_labels(LABELS, number=3), shuffled_labels(LABELS, number=3))
    assert not torch.equal(shuffled_labels(LABELS), shuffled_labels(LABELS, number=1))
