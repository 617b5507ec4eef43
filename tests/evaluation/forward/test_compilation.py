"""Tests of the compiled forward pass: same values, compiled once, dropped if it fails."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from builders import image_evaluator
from landscape_cli.evaluation.forward.compile_choice import (
    compile_model,
    repays_compilation,
    try_compilation,
)
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.problems.zoo.mlp import MLP
from landscape_cli.records.tiles import Tile

HERE = Path(__file__).parent
CPU = torch.device("cpu")
CORNER = (1.0, 1.0)
TILE = Tile(tuple(range(6)), tuple((x, y) for x in (0.0, 0.3, 1.0) for y in (-0.2, 1.0)))


class Smooth(nn.Module):
    """A perceptron whose fused kernels round differently from PyTorch's own."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(192, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 10)
        )

    def forward(self, images):
        return self.layers(images)


class Unlike(Smooth):
    """A network that computes something else when it is compiled."""

    def forward(self, images):
        return super().forward(images) * (1.01 if torch.compiler.is_compiling() else 1)


def convolutional():
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.Conv2d(4, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)),
    )


def sequential():
    return nn.Sequential(nn.Flatten(), MLP(192, (24,), 10))


@pytest.fixture(autouse=True)
def nothing_compiled():
    """Drop compiled code of earlier tests; the number of versions per function is limited."""
    # PyTorch imports this part, which takes a second, when it is first used.
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()


def network(build, samples=(48, 22)):
    return image_evaluator(build, samples)


def graphs():
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


def bits(result):
    return {name: values.tobytes() for name, values in result.values.items()}


@pytest.mark.bits
@pytest.mark.parametrize("build", [convolutional, sequential, Smooth])
@pytest.mark.parametrize(
    ("change", "tolerance"),
    [
        ({"fold": True}, 1e-5),
        ({"channels_last": True}, 1e-5),
        pytest.param({"compile": True}, 1e-5, marks=pytest.mark.slow),
        pytest.param(
            {"compile": True, "fold": True, "channels_last": True}, 1e-5, marks=pytest.mark.slow
        ),
        ({"precision": "bf16"}, 0.02),
        pytest.param(
            {"precision": "bf16", "compile": True, "fold": True}, 0.02, marks=pytest.mark.slow
        ),
    ],
)
def test_every_setting_gives_the_plain_values(build, change, tolerance):
    evaluator = network(build)
    plain = evaluator.evaluate(TILE)
    settings = replace(Settings(16), **change)
    evaluator.apply(settings)
    if settings.compile:
        assert compile_model(evaluator, settings) is None
        assert graphs() == 1
    other = evaluator.evaluate(TILE)
    for name in plain.values:
        if name[1] == "loss":
            np.testing.assert_allclose(other.values[name], plain.values[name], rtol=tolerance)
    evaluator.apply(Settings(16))
    assert bits(evaluator.evaluate(TILE)) == bits(plain)


@pytest.mark.bits
@pytest.mark.parametrize(
    ("model", "fold"),
    [
        (Smooth, False),
        pytest.param(convolutional, False, marks=pytest.mark.slow),
        pytest.param(convolutional, True, marks=pytest.mark.slow),
    ],
)
def test_points_and_odd_batches_compile_nothing(model, fold):
    evaluator = network(model)
    settings = Settings(16, fold=fold, compile=True)
    assert compile_model(evaluator, settings) is None
    assert graphs() == 1
    first = evaluator.evaluate(TILE)
    evaluator.evaluate(Tile((0, 1), ((0.7, 0.1), (-3.0, 5.0))))
    assert graphs() == 1
    assert bits(evaluator.evaluate(TILE)) == bits(first)


def test_batches_of_another_shape_run_uncompiled():
    evaluator = network(Smooth)
    batches = list(evaluator.splits["test"])
    assert [len(batch[0]) for batch in batches] == [16, 6]
    plain = [evaluator.values((0.3, 0.2), [batch]).means()[0] for batch in batches]
    assert compile_model(evaluator, Settings(16, compile=True)) is None
    other = [evaluator.values((0.3, 0.2), [batch]).means()[0] for batch in batches]
    assert (other[0] != plain[0]).any()
    assert (other[1] == plain[1]).all()


@pytest.mark.bits
def test_two_compilations_give_the_same_bits():
    found = []
    for _ in range(2):
        torch._dynamo.reset()
        evaluator = network(Smooth)
        plain = bits(evaluator.evaluate(TILE))
        assert compile_model(evaluator, Settings(16, compile=True)) is None
        found.append(bits(evaluator.evaluate(TILE)))
    assert found[0] == found[1] != plain


def test_compiled_code_with_other_values_is_dropped():
    evaluator = network(Unlike)
    kept, facts = try_compilation(evaluator, CORNER, insist=True)
    assert not kept
    assert facts["outcome"] == "other values"
    assert evaluator.settings == Settings(16)


@pytest.mark.parametrize("precision", ["fp32", pytest.param("bf16", marks=pytest.mark.slow)])
def test_insisting_keeps_correct_code(precision):
    evaluator = network(Smooth)
    start = Settings(16, precision=precision)
    evaluator.apply(start)
    kept, facts = try_compilation(evaluator, CORNER, insist=True)
    assert kept
    assert facts["outcome"] == "kept"
    assert evaluator.settings == start


def test_a_model_that_is_no_faster_is_not_compiled():
    class Waiting(Smooth):
        """Spend most of the time in work that no compiler can speed up."""

        @torch.compiler.disable
        def wait(self):
            torch.randn(300, 300).svd()

        def forward(self, images):
            self.wait()
            return super().forward(images)

    evaluator = network(Waiting)
    kept, facts = try_compilation(evaluator, CORNER, insist=False)
    assert not kept
    assert facts["outcome"] == "not clearly faster"
    assert facts["seconds_per_sample"] > 0


def test_only_long_runs_are_compiled():
    evaluator = network(convolutional)
    assert not repays_compilation(evaluator, 60.0)
    assert repays_compilation(evaluator, 3600.0)
    odd = network(convolutional, samples=(48, 6))
    assert not repays_compilation(odd, 1500.0)
    assert repays_compilation(evaluator, 1500.0)


@pytest.mark.bits
def test_a_missing_compiler_leaves_the_model_as_it_is(monkeypatch, tmp_path):
    evaluator = network(Smooth)
    plain = bits(evaluator.evaluate(TILE))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    from torch._inductor import config, cpp_builder

    cpp_builder.cpp_compiler_search.cache_clear()
    with config.patch({"cpp.cxx": "/nowhere/g++"}):
        failure = compile_model(evaluator, Settings(16, compile=True))
    cpp_builder.cpp_compiler_search.cache_clear()
    assert "compiler" in failure
    assert "\n" not in failure
    assert evaluator.settings == Settings(16)
    assert bits(evaluator.evaluate(TILE)) == plain


PROGRAM = """
import numpy as np, sys
sys.path[:0] = {folders}
from test_compilation import CPU, Settings, TILE, compile_model, convolutional, network
evaluator = network(convolutional)
plain = evaluator.evaluate(TILE).values["train", "loss"]
assert compile_model(evaluator, Settings(16, compile=True)) is None
compiled = evaluator.evaluate(TILE).values["train", "loss"]
np.testing.assert_allclose(compiled, plain, rtol=1e-5)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"), reason="needs AVX2"
)
def test_code_for_other_processors_is_left_in_the_cache(tmp_path):
    """Code built for longer vectors than it was generated for would overrun its buffers."""
    own = torch.backends.cpu.get_cpu_capability().lower()
    for capability in ("avx2", "default", own):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(folders=[str(HERE), str(HERE.parents[1])])],
            env={
                **os.environ,
                "ATEN_CPU_CAPABILITY": capability,
                "TORCHINDUCTOR_CACHE_DIR": str(tmp_path),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, (capability, done.stderr[-1000:])
