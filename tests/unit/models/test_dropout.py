"""Dropout and drop connect: shares, means, and masks that are functions of key and image."""

import pytest
import torch
from scipy import stats

from passband import models
from passband.draws import Draws
from passband.errors import UserError
from passband.models.dropout import Dropout, set_draws


def dropped(layer: Dropout, x: torch.Tensor, key: int = 0) -> torch.Tensor:
    set_draws(layer.train(), Draws(key, torch.arange(len(x))))
    return layer(x)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_features_are_dropped_one_by_one_and_the_mean_is_kept(rate):
    y = dropped(Dropout(rate), torch.ones(2000, 16))
    assert y.unique().tolist() == pytest.approx([0, 1 / (1 - rate)])
    count = int((y == 0).sum())
    assert stats.binomtest(count, y.numel(), rate).pvalue > 1e-3
    both = int(((y[:, 0] == 0) & (y[:, 1] == 0)).sum())
    assert stats.binomtest(both, len(y), rate**2).pvalue > 1e-3


def test_drop_connect_drops_whole_images():
    with torch.device("meta"):
        layer = models.ARCHITECTURES["efficientnet_b0"](3, 10, 32)[3 + 12].drop_connect
    assert layer.rate == pytest.approx(0.2 * 12 / 16)
    x = torch.ones(4000, 2, 3, 3)
    y = dropped(layer, x)
    assert torch.equal(y, y[:, :1, :1, :1].expand_as(y))
    assert y.unique().tolist() == pytest.approx([0, 1 / (1 - layer.rate)])
    count = int((y[:, 0, 0, 0] == 0).sum())
    assert stats.binomtest(count, len(y), layer.rate).pvalue > 1e-3
    assert layer.eval()(x) is x


@pytest.mark.parametrize("name", ["resnet8_dropout", "efficientnet_tiny"])
def test_masks_depend_on_the_key_and_the_image_and_rest_in_evaluation(name):
    model = models.build(name, 1, 10, 16, seed=0).eval()
    for layer in model.modules():
        if isinstance(layer, Dropout):
            layer.train()
    x = torch.rand(16, 1, 16, 16)

    def logits(key, chosen):
        set_draws(model, Draws(key, chosen))
        return model(x[chosen])

    everything, some = torch.arange(16), torch.tensor([11, 3, 7])
    whole = logits(1, everything)
    assert torch.equal(whole, logits(1, everything))
    assert not torch.equal(whole, logits(2, everything))
    torch.testing.assert_close(logits(1, some), whole[some], atol=1e-6, rtol=1e-5)
    model.eval()
    assert torch.equal(logits(1, everything), logits(2, everything))


def test_layers_have_masks_of_their_own():
    model = torch.nn.Sequential(Dropout(0.5), Dropout(0.5)).train()
    set_draws(model, Draws(0, torch.arange(50)))
    x = torch.ones(50, 8)
    assert not torch.equal(model[0](x), model[1](x))


def test_only_the_input_of_the_linear_layer_is_dropped_at_one_half():
    for name in ("resnet32_dropout", "resnet8_dropout", "resnet8_dropout_w4"):
        with torch.device("meta"):
            layers = list(models.ARCHITECTURES[name](3, 10, 32))
        places = [place for place, layer in enumerate(layers) if isinstance(layer, Dropout)]
        assert places == [len(layers) - 2] and layers[-2].rate == 0.5


def test_a_pass_in_training_without_draws_is_refused():
    with pytest.raises(UserError, match="call set_draws"):
        Dropout(0.5)(torch.ones(2, 3))
