"""Initial weights of the networks of hfc: Xavier convolutions, linear layers of unit scaling."""

from torch import nn


def initialised(model: nn.Module) -> nn.Module:
    """The model with new weights, drawn from PyTorch's generator; biases are zero.

    Convolutions are uniform as Glorot and Bengio (2010) have it. The weights of linear layers are
    uniform between -sqrt(3 / inputs) and sqrt(3 / inputs), so that outputs have the mean square of
    the inputs (uniform unit scaling, Sussillo and Abbott 2014).
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
        elif isinstance(layer, nn.Linear):
            bound = (3 / layer.in_features) ** 0.5
            nn.init.uniform_(layer.weight, -bound, bound)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return model
