"""Graphs compute what the modules compute, in PyTorch and in JavaScript."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.explorer.conftest import in_node, largest_difference, small_model
from vaezoo.explorer.export_graph import export_graph
from vaezoo.explorer.graph import ArrayGraph
from vaezoo.explorer.model_graphs import model_graphs
from vaezoo.explorer.operator_converter import NotExportable
from vaezoo.explorer.pack_graph import PackedWeights, in_half_precision, pack
from vaezoo.explorer.run_graph import run_graph
from vaezoo.registry import Condition


class Layers(nn.Module):
    """Convolutions of every kind, normalization and pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.grouped = nn.Conv2d(8, 12, (3, 2), padding=(2, 0), dilation=(2, 1), groups=4)
        self.up = nn.ConvTranspose2d(12, 6, 4, stride=2, padding=1, groups=3)
        self.odd = nn.ConvTranspose2d(6, 4, 3, stride=(2, 1), padding=1, output_padding=(1, 0))
        self.batch = nn.BatchNorm2d(8)
        self.batch.running_mean, self.batch.running_var = torch.rand(8), torch.rand(8) + 0.5
        self.group = nn.GroupNorm(3, 12)
        self.layer = nn.LayerNorm([4, 5])
        self.instance = nn.InstanceNorm2d(6)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        x = F.silu(self.batch(self.first(image)))
        y = F.gelu(self.group(self.grouped(x)))
        z = F.leaky_relu(self.instance(self.up(y)), 0.2)
        pooled = F.adaptive_avg_pool2d(F.avg_pool2d(F.max_pool2d(image, 3, 2, 1), 2), 1)
        narrow = self.layer(x[:, :, :4, :5])
        return {"up": F.elu(self.odd(z)), "pooled": pooled, "narrow": F.softplus(narrow)}


class Moves(nn.Module):
    """Operators that move numbers, and those along axes."""

    def __init__(self) -> None:
        super().__init__()
        self.places: Tensor
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.register_buffer("places", torch.tensor([5, 0, 3]))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        rows = image.reshape(1, 6, 8)
        mixed = self.attention(rows, rows, rows, need_weights=False)[0]
        padded = F.pad(image, (1, 2, 0, 1), value=0.5)
        moved = torch.cat([image.flip(2), padded[:, :, :4, 1:5].roll(1, 3)], 1).permute(0, 2, 3, 1)
        placed = torch.zeros(1, 8).index_copy(1, self.places, image.flatten(1)[:, :3])
        left, right = image.flatten(1).chunk(2, 1)
        return {
            "mixed": F.layer_norm(mixed, (8,)),
            "moved": F.pixel_shuffle(F.interpolate(moved, scale_factor=2), 2),
            "placed": placed,
            "log": torch.logaddexp(left, right).log_softmax(1).cumsum(1),
            "spread": image.var((1, 3)) + image.amax(2).mean() + image.prod(3).abs().sum(),
            "chosen": torch.where(left > right, left, right.clamp(-0.2, 0.3)) ** 2,
            "rounded": (image * 3).round() + torch.erf(image) + torch.floor(image / 0.3),
            "largest": image.flatten(1).argmax(1) + (image.flatten(1) > 0.2).any(1),
        }


class Codes(nn.Module):
    """Integers as inputs, and tables to look them up in."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.table = nn.Parameter(torch.randn(7, 3))

    def forward(self, z: Tensor, label: Tensor) -> dict[str, Tensor]:
        one_hot = (label.unsqueeze(1) == torch.arange(5)).float()
        digits = torch.stack([z // 3 % 2, z % 3, z - 4 * (z // 4)], 1).float()
        return {
            "embedded": self.embedding(z).movedim(-1, 1),
            "found": self.table[z],
            "digits": digits,
            "both": torch.cat([one_hot, digits.flatten(1)], 1),
        }


def cases() -> list[tuple[nn.Module, list[dict[str, Tensor]]]]:
    torch.manual_seed(0)
    codes = [
        {"z": torch.randint(0, 7, (1, 2, 2)), "label": torch.tensor([label])}
        for label in (-1, 0, 4)
    ]
    images = [[{"image": torch.randn(1, 3, h, w)} for _ in range(3)] for h, w in ((9, 11), (4, 4))]
    return [(Layers().eval(), images[0]), (Moves().eval(), images[1]), (Codes().eval(), codes)]


def test_graphs_compute_what_modules_compute(tmp_path: Path) -> None:
    weights, plans, wanted = PackedWeights(), [], []
    for module, inputs in cases():
        graph = export_graph(module, inputs[0])
        for one in inputs:
            with torch.no_grad():
                expected = module(*one.values())
            found = run_graph(graph, one)
            assert set(found) == set(expected)
            for name, values in expected.items():
                assert found[name].shape == values.shape
                assert largest_difference(found[name], values) < 1e-5, name
            wanted.append(expected)
        plans.append((pack(graph, weights), inputs))
    packed = base64.b64encode(weights.bytes()).decode()
    outputs = [one for case in in_node(tmp_path, packed, plans) for one in case]
    for found_here, expected in zip(outputs, wanted, strict=True):
        for name, values in expected.items():
            assert largest_difference(found_here[name], values) < 1e-5, name


class Function(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"image": self.function(image)}


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda x: x.sort(1).values, "sort"),
        (lambda x: x + torch.rand(3), "draws random numbers"),
        (lambda x: F.conv1d(x.unsqueeze(1), torch.ones(1, 1, 2)), "convolution"),
        (lambda x: x if x.sum().item() > 0 else -x, "torch.export"),
    ],
)
def test_what_cannot_be_exported_is_named(function, named: str) -> None:
    with pytest.raises(NotExportable, match=named):
        export_graph(Function(function), {"image": torch.ones(1, 3)})


def test_what_does_not_depend_on_inputs_is_computed_once() -> None:
    weight = torch.randn(3, 3)
    graph = export_graph(
        Function(lambda x: x @ (weight / weight.norm()).T.tril().exp()), {"image": torch.ones(1, 3)}
    )
    assert [operation.kind for operation in graph.operations] == ["matmul"]
    assert graph.weights == 9


def test_half_precision_keeps_small_constants_and_large_numbers() -> None:
    graph = ArrayGraph()
    large, small = torch.rand(2000), torch.rand(10)
    beyond = torch.cat([torch.rand(1999), torch.tensor([1e6])])
    for values in (large, small, beyond):
        graph.constant(values)
    halved = in_half_precision(graph)
    assert torch.equal(halved.constants[0], large.half().float())
    assert torch.equal(halved.constants[1], small)
    assert torch.equal(halved.constants[2], beyond)
    kinds = [part[0] for part in pack(halved, PackedWeights())["constants"].values()]
    assert kinds == ["f16", "f32", "f32"]


@pytest.mark.parametrize(
    ("condition", "changes"),
    [
        (None, {"posterior": "full_covariance"}),
        (None, {"posterior": "laplace", "likelihood": "continuous_bernoulli"}),
        (
            Condition(("a", "b", "c", "d")),
            {
                "condition": "labels",
                "latent": [2, 3, 3],
                "encoder": {"use": "conv", "channels": [4]},
                "decoder": {"use": "conv_transpose", "channels": [4]},
            },
        ),
    ],
)
def test_graphs_of_models(condition: Condition | None, changes: dict[str, object]) -> None:
    model = small_model(condition, model=changes)
    graphs = model_graphs(model)
    assert graphs.problems == ()
    assert graphs.decode
    assert graphs.encode
    labels = None if condition is None else torch.tensor([3])
    given = {} if labels is None else {"label": labels}
    z, image = torch.randn(1, *model.space.shape), torch.rand(1, 1, 6, 6)
    decoded = run_graph(graphs.decode, {"z": z, **given})["image"]
    assert largest_difference(decoded, model.decode(z, labels)) < 1e-6
    found = run_graph(graphs.encode, {"image": image, **given})
    with torch.no_grad():
        posterior = model.posterior(image, labels)
        kl = model.prior.kl(posterior)
    assert largest_difference(found["mean"], posterior.mean) < 1e-6
    assert largest_difference(found["sd"], posterior.variance.sqrt()) < 1e-5
    assert kl is not None
    assert largest_difference(found["kl"], kl) < 1e-5


class _OtherWhenExported(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        shift = 1 if torch.compiler.is_exporting() else 0
        return (z.sum(1) + shift).reshape(-1, 1, 1, 1).expand(-1, 1, 6, 6)


def test_a_graph_that_differs_from_its_module_is_refused() -> None:
    model = small_model()
    model.decoder = _OtherWhenExported()
    graphs = model_graphs(model)
    assert graphs.decode is None
    assert "differs from PyTorch by" in graphs.problems[0]
