"""Initial weights of the networks of hfc: Xavier convolutions, unit-scaling linear layers."""

from torch import nn


def initialised(model: nn.Module) -> nn.Module:
    """The model with new weights, drawn from PyTorch's generator; biases are zero.

    Convolutions have Xavier uniform weights (Glorot and Bengio 2010). Linear layers have weights
    uniform between -sqrt(3 / inputs) and sqrt(3 / inputs), which preserve the mean square of their
    inputs (uniform unit scaling, Sussillo and Abbott 2014).
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
