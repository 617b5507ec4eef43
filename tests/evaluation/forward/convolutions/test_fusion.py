"""Tests of fused convolutions: which are found, and that values stay those of the network."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional
from torch.utils.data import TensorDataset

import builders
from builders import image_evaluator
from landscape_cli.evaluation.forward import compilation, compile_choice
from landscape_cli.evaluation.forward.compile_choice import compile_model, try_compilation
from landscape_cli.evaluation.forward.convolutions import fusion, narrow
from landscape_cli.evaluation.forward.convolutions.fusion import Fusion
from landscape_cli.evaluation.forward.defaults import choose_default_settings
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.zoo.densenet import DenseNet
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.problems.zoo.vgg import VGG
from landscape_cli.records.tiles import Tile

LAST = torch.channels_last
FUSED = torch.ops.landscape.convolution_relu.default
PLAIN = torch.ops.aten.convolution.default
TILE = Tile((0, 1), ((0.0, 0.0), (0.3, -0.2)))
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def drawn(*shape, dtype=torch.float64, device="cpu"):
    tensor = torch.randn(shape, dtype=torch.float64, device=device).to(dtype)
    return tensor.contiguous(memory_format=LAST) if tensor.dim() == 4 else tensor


def rewritten(function, *inputs, dtype=torch.float64):
    """Return a function after the pass over its graph, with the pass's operations."""
    graph = make_fx(torch.func.functionalize(function), tracing_mode="fake")(*inputs)
    graph.graph.eliminate_dead_code()
    Fusion("cpu", [dtype])(graph.graph)
    graph.recompile()
    return graph, [node for node in graph.graph.nodes if node.target is FUSED]


def without_norms(model):
    """Replace batch norm by nothing, as folding does, and give convolutions a bias."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d)):
                setattr(module, name, nn.Identity())
            if isinstance(child, nn.Conv2d):
                child.bias = nn.Parameter(torch.randn(child.out_channels) / 10)
    return model.double().eval().requires_grad_(False)


def stateless(model):
    """Return a model as a function of its parameters too, as the compiler sees it."""
    return lambda images, state: torch.func.functional_call(model, state, (images,))


@pytest.mark.parametrize(
    ("build", "fused", "sums", "plain"),
    [
        (lambda: ResNet(8), 7, 3, 2),
        (lambda: ResNet(14, width=0.5), 13, 6, 2),
        (lambda: ResNet(8, shortcuts=False), 7, 0, 0),
        (lambda: VGG(9, width=0.125), 7, 0, 0),
        (lambda: DenseNet(10), 0, 0, None),
    ],
    ids=["resnet", "half", "no shortcuts", "vgg", "densenet"],
)
def test_networks_keep_their_values(build, fused, sums, plain):
    torch.manual_seed(0)
    model, images = without_norms(build()), drawn(2, 3, 32, 32)
    state = dict(model.named_parameters())
    graph, found = rewritten(stateless(model), images, state)
    if plain is not None:
        assert sum(node.target is PLAIN for node in graph.graph.nodes) == plain
        assert len(found) == fused
    assert sum(node.args[3] is not None for node in found) == sums
    torch.testing.assert_close(graph(images, state), model(images), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("bias", "added"), [(True, False), (False, True)])
@pytest.mark.parametrize(
    ("inputs", "outputs", "height", "width", "stride", "padding", "kernel", "widths"),
    [  # as measured on an H200
        (16, 16, 5, 32, 1, 1, 3, (2, 4)),
        (32, 32, 4, 16, 1, 1, 3, (1, 2)),
        (3, 16, 4, 32, 1, 1, 3, (8, 8)),
        (4, 16, 4, 32, 1, 1, 3, (8, 8)),
        (8, 8, 4, 28, 1, 1, 3, (4, 4)),
        (24, 24, 4, 32, 1, 1, 3, (2, 4)),
        (16, 32, 7, 32, 2, 1, 3, (2, 2)),
        (32, 64, 4, 16, 2, 1, 3, (1, 1)),
        (3, 64, 4, 32, 1, 1, 3, (1, 1)),
        (64, 64, 4, 8, 1, 1, 3, (1, 1)),
        (16, 16, 4, 33, 1, 1, 3, (1, 1)),
        (16, 16, 4, 18, 1, 0, 3, (2, 4)),
        (16, 16, 4, 32, 1, 2, 5, (1, 1)),
        (16, 32, 4, 32, 2, 0, 1, (1, 1)),
        (16, 16, 6, 30, 3, 1, 3, (2, 2)),
    ],
)
def test_wider_kernels_compute_the_same(
    inputs, outputs, height, width, stride, padding, kernel, widths, added, bias
):
    torch.manual_seed(0)
    images, weight = drawn(2, inputs, height, width), drawn(outputs, inputs, kernel, kernel)
    shift = drawn(outputs) if bias else None
    shape = functional.conv2d(images, weight, None, stride, padding).shape
    more = drawn(*shape) if added else None

    def layer(images, weight, shift, more):
        result = functional.conv2d(images, weight, shift, stride, padding)
        return functional.relu(result if more is None else more + result)

    graph, (node,) = rewritten(layer, images, weight, shift, more)
    assert node.args[6:] == widths
    assert node.args[1].meta["val"].is_contiguous(memory_format=LAST)
    assert (node.args[3] is not None) == added
    result = graph(images, weight, shift, more)
    assert result.stride() == node.meta["val"].stride()
    torch.testing.assert_close(result, layer(images, weight, shift, more), rtol=1e-12, atol=1e-12)


def twice(x, w):
    hidden = functional.conv2d(x, w, padding=1)
    return functional.relu(hidden) + hidden


def itself(x, w):
    hidden = functional.conv2d(x, w, padding=1)
    return functional.relu(hidden + hidden)


@pytest.mark.parametrize(
    "layer",
    [
        twice,
        itself,
        lambda x, w: functional.relu6(functional.conv2d(x, w, padding=1)),
        lambda x, w: functional.gelu(functional.conv2d(x, w, padding=1)),
        lambda x, w: functional.relu(functional.conv2d(x, w, padding=2, dilation=2)),
        lambda x, w: functional.relu(functional.conv2d(x, w[:, :4], groups=2)),
        lambda x, w: functional.relu(functional.conv_transpose2d(x, w)),
        lambda x, w: functional.relu(functional.conv2d(x, w, padding=1) + x.mean((2, 3), True)),
        lambda x, w: functional.relu(functional.conv2d(x, w, padding=1) + x[:1]),
        lambda x, w: functional.relu(functional.conv2d(x, w, padding=1) + 1.0),
        lambda x, w: functional.relu(torch.add(functional.conv2d(x, w, padding=1), x, alpha=2)),
        lambda x, w: functional.relu(functional.conv2d(x.contiguous(), w, padding=1)),
        lambda x, w: functional.relu(functional.conv1d(x[:, :, 0], w[:, :, 0])),
        lambda x, w: functional.relu(functional.conv3d(x[..., None], w[..., None])),
        lambda x, w: functional.relu(functional.conv2d(x.float(), w.float())).double(),
    ],
)
def test_others_are_left_alone(layer):
    torch.manual_seed(0)
    images, weight = drawn(2, 8, 6, 8), drawn(8, 8, 3, 3)
    graph, found = rewritten(layer, images, weight)
    assert not found
    assert torch.equal(graph(images, weight), layer(images, weight))


def test_relu_in_place_is_fused():
    model = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(inplace=True)).double()
    images = drawn(2, 8, 6, 8)
    state = dict(model.requires_grad_(False).named_parameters())
    graph, found = rewritten(stateless(model), images, state)
    assert len(found) == 1
    torch.testing.assert_close(graph(images, state), model(images), rtol=1e-12, atol=1e-12)


@pytest.mark.slow
def test_the_compiler_runs_fused_code(monkeypatch):
    torch._dynamo.reset()
    used = []

    class Counting(Fusion):
        def __init__(self):
            super().__init__("cpu", [torch.float32])

        def __call__(self, graph):
            super().__call__(graph)
            used.append(sum(node.target is FUSED for node in graph.nodes))

        def uuid(self):
            return None  # nothing is taken from the cache

    monkeypatch.setattr(fusion, "Fusion", Counting)
    monkeypatch.setattr(compile_choice, "can_fuse", lambda *_: True)
    evaluator = image_evaluator(lambda: ResNet(8), (32, 16))
    evaluator.apply(Settings(16, channels_last=True, fold=True))
    plain = evaluator.evaluate(TILE).values
    kept, facts = try_compilation(evaluator, (1.0, 1.0), insist=True)
    assert kept
    assert facts["fused"]
    assert used == [7]
    settings = Settings(16, channels_last=True, fold=True, compile=True, fuse=True)
    assert compile_model(evaluator, settings) is None
    for key, values in evaluator.evaluate(TILE).values.items():
        np.testing.assert_allclose(values, plain[key], rtol=1e-5)


@pytest.mark.parametrize("problem", ["failed", pytest.param("wrong", marks=pytest.mark.slow)])
def test_without_fusion_if_it_is_no_good(monkeypatch, problem):
    torch._dynamo.reset()

    class Broken(Fusion):
        def __call__(self, graph):
            if problem == "failed":
                raise ValueError("no such thing")
            for node in graph.nodes:
                if node.target is torch.ops.aten.relu.default:
                    node.target = torch.ops.aten.neg.default

        def uuid(self):
            return None

    monkeypatch.setattr(fusion, "Fusion", Broken)
    monkeypatch.setattr(compile_choice, "can_fuse", lambda *_: True)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, 10))
    evaluator = image_evaluator(lambda: model, (16, 16))
    kept, facts = try_compilation(evaluator, (1.0, 1.0), insist=True)
    assert kept
    assert facts["outcome"] == "kept"
    assert facts["fused"] is False
    assert "error" not in facts
    assert ("no such thing" if problem == "failed" else "other values") in facts["fusion"]


@pytest.mark.parametrize(
    ("device", "dtype", "expected"),
    [
        ("cuda", torch.bfloat16, True),
        ("cuda", torch.float16, True),
        ("cuda", None, False),
        ("cpu", torch.bfloat16, False),
        ("xpu", torch.bfloat16, False),
    ],
)
def test_only_reduced_precision_on_nvidia_gpus_is_fused(monkeypatch, device, dtype, expected):
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    model = nn.Linear(2, 2)
    assert compilation.can_fuse(model, torch.device(device), dtype) is expected
    assert compilation.can_fuse(model.bfloat16(), torch.device(device), None) is (device == "cuda")
    monkeypatch.setattr(torch.version, "cuda", None)
    assert not compilation.can_fuse(model, torch.device(device), dtype)


@pytest.mark.parametrize(
    ("inputs", "outputs", "width", "fits"),
    [(16, 16, 32, True), (32, 32, 16, True), (32, 32, 32, True), (16, 32, 32, True)]
    + [(32, 16, 16, False), (64, 64, 8, False), (16, 16, 28, False), (16, 24, 32, False)],
)
def test_the_kernel_fits_some_shapes(inputs, outputs, width, fits):
    images, weight = torch.empty(1, inputs, 8, width), torch.empty(outputs, inputs, 3, 3)
    assert narrow.fits(images.bfloat16(), weight, [1, 1], [1, 1]) is fits
    assert not narrow.fits(images, weight, [1, 1], [1, 1])
    assert not narrow.fits(images.bfloat16(), weight, [2, 2], [1, 1])
    assert not narrow.fits(images.bfloat16(), weight, [1, 1], [0, 0])


@on_gpu
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    ("inputs", "outputs", "height", "width"),
    [(16, 16, 32, 32), (16, 16, 30, 32), (16, 16, 5, 16), (32, 32, 16, 16), (16, 32, 9, 32)]
    + [(64, 64, 8, 8), (3, 16, 32, 32)],
)
def test_a_gpu_computes_what_the_cpu_does(inputs, outputs, height, width, dtype):
    torch.manual_seed(0)
    kind = {"dtype": dtype, "device": "cuda"}
    images, weight = drawn(5, inputs, height, width, **kind), drawn(outputs, inputs, 3, 3, **kind)
    weight *= (9 * inputs) ** -0.5
    # Neither the layout nor the alignment of what a caller passes may matter.
    shift = drawn(outputs + 1, **kind)[1:]
    for bias in (shift, None):
        for added in (drawn(5, outputs, height, width, **kind), None):
            for given in (weight, weight.contiguous()):
                found = FUSED(images, given, bias, added, [1, 1], [1, 1], 1, 1)
                wide = [None if x is None else x.cpu().double() for x in (weight, bias, added)]
                expected = FUSED(images.cpu().double(), *wide, [1, 1], [1, 1], 1, 1)
                torch.testing.assert_close(found.cpu().double(), expected, rtol=0.01, atol=0.01)
    images[0, 0, 0, 0] = float("nan")
    assert FUSED(images, weight, None, None, [1, 1], [1, 1], 1, 1)[0, :, 0, 0].isnan().all()


@on_gpu
@pytest.mark.parametrize("shortcuts", [True, False])
def test_fused_networks_on_a_gpu_keep_their_values(shortcuts):
    torch._dynamo.reset()
    model = ResNet(14, shortcuts=shortcuts)
    images, labels = torch.randn(96, 3, 32, 32), torch.randint(10, (96,))
    model(images)
    splits = {"train": TensorDataset(images, labels)}
    evaluator = builders.evaluator(model.eval(), splits, cross_entropy, device="cuda")
    evaluator.apply(choose_default_settings(evaluator, (1.0, 1.0)))
    exact = evaluator.evaluate(TILE).values
    evaluator.apply(Settings(32, channels_last=True, fold=True, precision="bf16"))
    kept, facts = try_compilation(evaluator, (1.0, 1.0), insist=True)
    assert kept, facts
    assert facts["fused"], facts
    settings = Settings(32, True, True, "bf16", compile=True, fuse=True)
    evaluator.apply(settings)
    for key, values in evaluator.evaluate(TILE).values.items():
        tolerance = 0.1 if key[1] == "accuracy" else 0.02
        np.testing.assert_allclose(values, exact[key], rtol=tolerance)
