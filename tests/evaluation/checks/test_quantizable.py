"""Networks whose weights can't be rounded."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, weight_norm

from landscape_cli.errors import UsageError
from landscape_cli.evaluation.checks.quantizable import quantizer_for
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import build_slice
from support.unusual_networks import MergedAdapter


class Adapted(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(4, 3)
        self.lora_A, self.lora_B = nn.Linear(4, 2, bias=False), nn.Linear(2, 3, bias=False)


def quantized():
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    return torch.ao.quantization.quantize_dynamic(model, {"0"}, dtype=torch.qint8)


NETWORKS = {
    "complex": lambda: nn.Linear(4, 3, dtype=torch.complex64),
    "half": lambda: nn.Linear(4, 3, dtype=torch.float16),
    "quantized": quantized,
    "merged": lambda: MergedAdapter(4, 3),
    "lora": Adapted,
    "pruned": lambda: prune.l1_unstructured(nn.Linear(4, 3), "weight", amount=0.5),
    "weight norm": lambda: weight_norm(nn.Linear(4, 3)),
    "parametrized": lambda: parametrizations.weight_norm(nn.Linear(4, 3)),
}


def quantizer(model, **section):
    parameters = FlatParameters.of_model(model, "cpu")
    slice_ = build_slice(parameters.clone(), {"x": RandomDirection(seed=1)})
    return quantizer_for(model, parameters, slice_, {"bits": 3, "per": "filter", **section})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("complex", "weight is complex"),
        ("half", "weight is in float16"),
        ("quantized", "the model has modules that are quantized already"),
        ("merged", "lora_a, lora_b is part of a low-rank update"),
        ("lora", "lora_A.weight, lora_B.weight is part of a low-rank update"),
        ("pruned", "weight_orig is not a weight itself"),
        ("weight norm", "weight_g, weight_v is not a weight itself"),
        ("parametrized", "parametrizations.weight.original0, .* is not a weight itself"),
    ],
)
def test_networks_that_do_not_compute_with_rounded_weights_are_refused(kind, message):
    with pytest.raises(UsageError, match=f"^quantize: {message}"):
        quantizer(NETWORKS[kind]())


def test_an_adapter_that_is_left_out_may_keep_full_precision():
    assert list(quantizer(Adapted(), exclude=["*lora_*"]).scales) == ["base.weight"]
