"""Initial weights: ``pytorch`` keeps PyTorch's default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor, nn

#: The initializers; all except ``pytorch`` set biases to 0.
#: glorot: Glorot and Bengio 2010; he: He et al. 2015; orthogonal: Saxe et al. 2014.
Initializer = Literal[
    "pytorch",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "orthogonal",
]


def initialize(network: nn.Module, how: Initializer) -> None:
    """Initialize every linear and (transposed) convolution layer of ``network``.

    Uses torch's global generator, which the caller seeds (``vaezoo.model.build``).
    """
    if how == "pytorch":
        return
    import torch
    from torch import nn

    layers = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    for layer in (module for module in network.modules() if isinstance(module, layers)):
        with torch.no_grad():
            # the first axis of a transposed convolution's weight is the input
            transposed = isinstance(layer, nn.ConvTranspose2d)
            _draw(layer.weight, how, "fan_out" if transposed else "fan_in")
            if layer.bias is not None:
                layer.bias.zero_()


def _draw(weight: Tensor, how: Initializer, mode: Literal["fan_in", "fan_out"]) -> None:
    from torch.nn import init

    match how:
        case "glorot_uniform":
            init.xavier_uniform_(weight)
        case "glorot_normal":
            init.xavier_normal_(weight)
        case "he_uniform":
            init.kaiming_uniform_(weight, mode=mode, nonlinearity="relu")
        case "he_normal":
            init.kaiming_normal_(weight, mode=mode, nonlinearity="relu")
        case "orthogonal":
            init.orthogonal_(weight)
