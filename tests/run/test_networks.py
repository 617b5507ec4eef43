"""Networks that do unusual things: the surface is what plain PyTorch computes, or is refused."""

import copy
import itertools

import h5py
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import landscape_cli as landscape
from landscape_cli.errors import LandscapeError, ProblemError
from landscape_cli.problems.objectives import mean_squared_error
from support import unusual_networks as networks

GRID = {"x": (-1, 1, 3), "y": (-1, 1, 3)}


def stored(path):
    """Return the directions beside a surface file, by parameter's name."""
    with h5py.File(path) as file:
        return [
            {
                one.attrs["name"]: torch.from_numpy(one[()])
                for one in file[f"{axis}direction"].values()
            }
            for axis in ("x", "y")
            if f"{axis}direction" in file
        ]


def surface_of(
    model,
    tmp_path,
    data=None,
    objective=networks.cross_entropy,
    grid=None,
    as_one_batch=False,
    **settings,
):
    """Compute a surface, and return its losses with those of plain PyTorch at the same points."""
    data = data or networks.samples()
    built, grid = copy.deepcopy(model), grid or GRID
    splits = {"train": [data] if as_one_batch else TensorDataset(*data)}
    surface = landscape.compute(
        landscape.Problem(model, splits, objective),
        grid,
        output=tmp_path / "s.h5",
        progress=False,
        **settings,
    )
    axes = [np.linspace(low, high, points) for low, high, points in grid.values()]
    points = [point[::-1] for point in itertools.product(*axes[::-1])]
    directions = stored(tmp_path / "s.directions.h5")
    exact = networks.expected(built, data, directions, points, objective)
    return surface.values["train", "loss"].ravel(), np.array(exact)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def adapters(**how):
    return nn.Sequential(networks.MergedAdapter(8, 6, **how), nn.Tanh(), nn.Linear(6, 3))


def fused(buffer):
    return nn.Sequential(networks.FusedScale(8, buffer), nn.Tanh(), nn.Linear(8, 3))


@pytest.mark.parametrize(
    "build",
    [
        adapters,
        lambda: adapters(replace=True),
        lambda: fused(True),
        lambda: fused(False),
        lambda: adapters().eval(),
    ],
    ids=["in place", "new memory", "fused buffer", "fused attribute", "given in eval mode"],
)
def test_a_network_whose_eval_changes_weights_is_moved_as_it_was_trained(build, tmp_path):
    model = build()
    as_trained = copy.deepcopy(model).train()
    losses, exact = surface_of(model, tmp_path)
    if not model.training:
        data = networks.samples()
        directions = stored(tmp_path / "s.directions.h5")
        points = [(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        exact = np.array(networks.expected(as_trained, data, directions, points))
    assert losses == pytest.approx(exact, rel=1e-6)
    assert len(set(exact.round(4))) > 4
    centre = networks.cross_entropy(build_like(as_trained).eval(), networks.samples())["loss"]
    assert losses[4] == pytest.approx(centre.double().mean().item(), rel=1e-6)


def build_like(model):
    return copy.deepcopy(model)


def test_such_a_network_is_given_back_as_it_was(tmp_path):
    model = adapters()
    before = copy.deepcopy(model)
    surface_of(model, tmp_path)
    assert model.training
    assert not model[0].merged
    for name, tensor in before.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name


@pytest.mark.parametrize("how", ["buffer", "data", "assigned", "empty"])
def test_each_point_starts_from_the_same_buffers(how, tmp_path):
    model = nn.Sequential(nn.Linear(8, 6), networks.RunningPeak(how), nn.Linear(6, 3))
    grid = {"x": (-4, 4, 5), "y": (-4, 4, 3)}
    losses, exact = surface_of(model, tmp_path, grid=grid, as_one_batch=True)
    assert losses == pytest.approx(exact, rel=1e-6)
    assert model[1].peak is None if how == "empty" else model[1].peak == 0


def test_each_split_starts_from_the_same_buffers(tmp_path):
    model = nn.Sequential(nn.Linear(8, 6), networks.RunningPeak(), nn.Linear(6, 3))
    first, second = networks.samples(), networks.samples(seed=2)
    splits = {"train": [first], "test": [second]}
    problem = landscape.Problem(model, splits, networks.cross_entropy)
    path = tmp_path / "s.h5"
    surface = landscape.compute(problem, {"x": (-4, 4, 5)}, output=path, progress=False)
    (direction,) = stored(tmp_path / "s.directions.h5")
    points = [(x,) for x in np.linspace(-4, 4, 5)]
    for split, data in (("train", first), ("test", second)):
        exact = networks.expected(model, data, [direction], points)
        assert surface.values[split, "loss"] == pytest.approx(exact, rel=1e-6)


def test_what_is_carried_from_point_to_point_is_refused(tmp_path):
    model = nn.Sequential(nn.Linear(8, 6), networks.RunningPeak("attribute"), nn.Linear(6, 3))
    with pytest.raises(ProblemError, match="carries something from one forward pass to the next"):
        surface_of(model, tmp_path, grid={"x": (-9, 9, 3)}, as_one_batch=True)


def test_complex_parameters_are_moved_counted_and_stored(tmp_path):
    inputs = networks.samples(features=16)[0]
    data = inputs, torch.cumsum(inputs, 1) / 8
    model = networks.Spectral()
    for settings in ({}, {"directions": {"x": {"ignore": "none"}, "y": {"normalize": "layer"}}}):
        losses, exact = surface_of(
            model, tmp_path, data, mean_squared_error, overwrite=True, **settings
        )
        assert losses == pytest.approx(exact, rel=1e-6)
    with h5py.File(tmp_path / "s.directions.h5") as file:
        weight = stored_named(file, "weight")
    assert weight.shape == model.weight.shape
    assert weight.dtype == np.complex64
    norms = np.linalg.norm(model.weight.detach().numpy().reshape(4, -1), axis=1)
    assert np.linalg.norm(weight.reshape(4, -1), axis=1) == pytest.approx(norms, rel=1e-5)


def stored_named(file, name):
    (found,) = (one[()] for one in file["xdirection"].values() if one.attrs["name"] == name)
    return found


def test_biases_among_complex_parameters_are_not_moved(tmp_path):
    inputs = networks.samples(features=16)[0]
    surface_of(networks.Spectral(), tmp_path, (inputs, inputs), mean_squared_error)
    x, _ = stored(tmp_path / "s.directions.h5")
    assert not x["phase"].any()


def test_a_line_between_complex_networks_ends_at_the_other(tmp_path):
    inputs = networks.samples(features=16)[0]
    data = inputs, torch.cumsum(inputs, 1) / 8
    first, second = networks.Spectral(), networks.Spectral()
    torch.save(second.state_dict(), tmp_path / "b.pt")
    surface = landscape.compute(
        networks.problem(first, data, mean_squared_error),
        {"x": (0, 1, 3)},
        directions={"x": {"kind": "checkpoint", "path": str(tmp_path / "b.pt")}},
        output=tmp_path / "line.h5",
        progress=False,
    )
    start, _, end = surface.values["train", "loss"]
    for loss, model in ((start, first), (end, second)):
        exact = mean_squared_error(model, data)["loss"].double().mean().item()
        assert loss == pytest.approx(exact, rel=1e-6)
    again = landscape.compute(
        networks.problem(first, data, mean_squared_error),
        {"x": (0, 1, 3)},
        directions={"x": {"kind": "file", "path": str(tmp_path / "line.directions.h5")}},
        progress=False,
    )
    assert np.array_equal(again.values["train", "loss"], surface.values["train", "loss"])


def tied(how):
    """Return a network with parameters that share memory without being one object."""
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    whole = model[0].weight.data
    if how == "same":
        model[2].weight.data = whole
    elif how == "transposed":
        model[2].weight.data = whole.t()
    elif how == "part":
        model[4].weight.data = whole[2:5]
    return model


@pytest.mark.parametrize("how", ["same", "transposed", "part"])
def test_parameters_that_share_memory_move_as_one(how, tmp_path):
    model = tied(how)
    surface = landscape.compute(
        networks.problem(model), GRID, output=tmp_path / "s.h5", progress=False
    )
    directions = stored(tmp_path / "s.directions.h5")
    exact = []
    for y, x in itertools.product((-1, 0, 1), repeat=2):
        moved = tied_copy(how, model)
        with torch.no_grad():
            for name, parameter in moved.named_parameters():
                if name in directions[0]:
                    parameter += x * directions[0][name] + y * directions[1][name]
            exact.append(networks.cross_entropy(moved, networks.samples())["loss"].mean().item())
    assert surface.values["train", "loss"].ravel() == pytest.approx(exact, rel=1e-6)
    names = {"same": "2.weight", "transposed": "0.weight", "part": "0.weight"}
    others = {"same": "0.weight", "transposed": "2.weight", "part": "4.weight"}
    assert names[how] in directions[0]
    assert others[how] not in directions[0]


def tied_copy(how, model):
    moved = tied(how)
    with torch.no_grad():
        for target, source in zip(moved.parameters(), model.parameters(), strict=True):
            target.copy_(source)
    return moved


def test_tied_parameters_are_included_under_each_of_their_names(tmp_path):
    losses = []
    for name in ("0.weight", "2.weight"):
        surface = landscape.compute(
            networks.problem(tied("same")),
            {"x": (-1, 1, 3)},
            directions={"x": {"include": name}},
            progress=False,
        )
        losses.append(surface.values["train", "loss"])
        torch.manual_seed(0)
    assert losses[0][0] != losses[0][1]


def test_the_gradient_of_parameters_tied_by_memory_is_that_of_their_sum(tmp_path):
    """Moving the shared weight moves both layers."""
    model = tied("same").double()
    model[2].weight.data = model[0].weight.data
    inputs, targets = networks.samples()
    surface = landscape.compute(
        networks.problem(model, (inputs.double(), targets)),
        {"x": (-1e-4, 1e-4, 3)},
        directions={"x": {"include": "0.weight"}},
        measures=["gradient"],
        progress=False,
    )
    loss, slope = surface.values["train", "loss"], surface.values["train", "gradient_x"]
    assert slope[1] == pytest.approx((loss[2] - loss[0]) / 2e-4, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sums_of_narrow_weights_are_rounded_once(dtype, tmp_path):
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3)).to(dtype)
    inputs, targets = networks.samples()
    losses, exact = surface_of(model, tmp_path, (inputs.to(dtype), targets))
    assert losses == pytest.approx(exact, rel=1e-6)
    x, _ = stored(tmp_path / "s.directions.h5")
    assert x["0.weight"].dtype == torch.float32


def test_narrow_weights_are_named_and_steps_that_vanish_warned_of(tmp_path, capsys):
    model = nn.Sequential(nn.Linear(8, 3)).bfloat16()
    inputs, targets = networks.samples()
    surface = landscape.compute(
        networks.problem(model, (inputs.bfloat16(), targets)),
        {"x": (-0.01, 0.01, 11)},
        output=tmp_path / "s.h5",
    )
    printed = capsys.readouterr().err
    assert surface.provenance["precision"] == "bf16 weights"
    assert "a step changes weights by 0.002 of their size, and bfloat16 weights resolve" in printed
    assert "precision: bf16 weights" in printed


def test_parameters_without_effect_are_named(capsys):
    landscape.compute(networks.problem(networks.KeptTable()), GRID)
    assert "warning: k has no effect on the values" in capsys.readouterr().err


class Unused(nn.Module):
    """A network with a frozen layer, and one that it does not use."""

    def __init__(self):
        super().__init__()
        self.backbone, self.head = nn.Linear(8, 6).requires_grad_(False), nn.Linear(6, 3)
        self.unused = nn.Linear(7, 7)

    def forward(self, inputs):
        return self.head(torch.tanh(self.backbone(inputs)))


def test_a_direction_without_effect_is_refused_unless_asked_for(capsys):
    settings = {"directions": {"x": {"include": "unused.*"}}}
    with pytest.raises(LandscapeError, match="directions.x: none of the parameters that it moves"):
        landscape.compute(networks.problem(Unused()), {"x": (-1, 1, 3)}, **settings)
    with pytest.raises(LandscapeError, match="--allow-flat"):
        landscape.compute(networks.problem(Unused()), {"x": "auto:3"}, **settings)
    flat = landscape.compute(
        networks.problem(Unused()), {"x": (-1, 1, 3)}, allow_flat=True, **settings
    )
    assert len(set(flat.values["train", "loss"])) == 1
    assert "unused.weight has no effect" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "moved"),
    [
        ({"include": "trainable"}, {"head.weight", "unused.weight"}),
        ({"exclude": "frozen"}, {"head.weight", "unused.weight"}),
        ({"include": "frozen"}, {"backbone.weight"}),
        (
            {"include": ["trainable", "back*"], "exclude": "un*"},
            {"head.weight", "backbone.weight"},
        ),
    ],
)
def test_trainable_and_frozen_parameters_are_chosen_by_word(settings, moved, tmp_path):
    surface = landscape.compute(
        networks.problem(Unused()),
        {"x": (-1, 1, 3)},
        directions={"x": settings},
        output=tmp_path / "s.h5",
        progress=False,
    )
    (direction,) = stored(tmp_path / "s.directions.h5")
    assert {name for name, entries in direction.items() if entries.any()} == moved
    label = surface.provenance["directions"]["x"]["label"]
    assert label.startswith("random direction, filter-normalized (seed 1), ")
    assert surface.provenance["moved"]["x"]["tensors"] == len(moved)


def test_lazy_modules_get_their_shapes_from_the_first_batch(tmp_path):
    model = nn.Sequential(nn.LazyLinear(6), nn.Tanh(), nn.LazyLinear(3))
    surface = landscape.compute(networks.problem(model), GRID, progress=False)
    exact = networks.cross_entropy(model, networks.samples())["loss"].mean().item()
    assert surface.values["train", "loss"][1, 1] == pytest.approx(exact, rel=1e-6)


def with_batch_norm():
    model = nn.Sequential(
        nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()
    )
    model[2].running_mean.uniform_(-0.5, 0.5)
    model[2].running_var.uniform_(0.5, 2)
    return nn.Sequential(model, nn.Linear(16, 3))


@pytest.mark.parametrize("how", ["script", "trace"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_torchscript_runs_as_it_is(how, tmp_path):
    plain = with_batch_norm().eval()
    inputs = networks.samples()[0]
    model = torch.jit.script(plain) if how == "script" else torch.jit.trace(plain, inputs[:2])
    surface = landscape.compute(
        networks.problem(model), GRID, output=tmp_path / "s.h5", progress=False
    )
    directions = stored(tmp_path / "s.directions.h5")
    points = [(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    exact = networks.expected(plain, networks.samples(), directions, points)
    assert surface.values["train", "loss"].ravel() == pytest.approx(exact, rel=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["pruned", "spectral", "weight", "hook", "parametrized"])
def test_computed_weights_before_batch_norm(how, tmp_path):
    from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

    model = with_batch_norm()
    convolution = model[0][1]
    if how == "pruned":
        prune.l1_unstructured(convolution, "weight", amount=0.5)
    elif how == "spectral":
        spectral_norm(convolution)
        model(networks.samples()[0])
    elif how == "weight":
        weight_norm(convolution)
    elif how == "parametrized":
        parametrizations.weight_norm(convolution)
    else:
        convolution.register_forward_hook(lambda module, inputs, output: output.square())
    model.eval()
    if how in ("pruned", "spectral", "weight"):  # whose weights are no leaves, and can't be copied
        model(networks.samples()[0])
        for parameter in (convolution.weight,):
            convolution.weight = parameter.detach()
    losses, exact = surface_of(model, tmp_path)
    assert losses == pytest.approx(exact, rel=1e-6)


def refused(model, match):
    with pytest.raises(ProblemError, match=match):
        landscape.compute(networks.problem(model), GRID, progress=False)


def test_parameters_without_values_are_refused():
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(8, 3))
    refused(model, r"0.weight, 0.bias are on the meta device")


def test_sparse_parameters_are_refused():
    model = nn.Sequential(nn.Linear(8, 3))
    model.extra = nn.Parameter(torch.eye(3).to_sparse())
    refused(model, "extra is sparse; make it dense")


def test_expanded_and_partly_overlapping_parameters_are_refused():
    model = nn.Sequential(nn.Linear(8, 3))
    model.extra = nn.Parameter(torch.randn(1, 8).expand(8, 8))
    refused(model, "several entries of extra share one place in memory")
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    whole = torch.randn(12, 8)
    model[0].weight.data, model[1].weight.data = whole[:8], whole[4:]
    refused(model, r"1.weight and 0.weight share memory")


def test_frozen_torchscript_is_refused():
    model = torch.jit.freeze(torch.jit.script(nn.Sequential(nn.Linear(8, 3)).eval()))
    refused(model, "no floating-point or complex parameters to perturb .torch.jit.freeze")


def test_a_model_made_in_inference_mode_works(tmp_path):
    with torch.inference_mode():
        model = nn.Sequential(nn.Linear(8, 3))
    surface = landscape.compute(networks.problem(model), GRID, progress=False)
    exact = networks.cross_entropy(model, networks.samples())["loss"].mean().item()
    assert surface.values["train", "loss"][1, 1] == pytest.approx(exact, rel=1e-6)


def test_ranges_beyond_the_dtype_are_refused():
    with pytest.raises(LandscapeError, match=r"grid.x: -1e\+300 to 1e\+300 is beyond"):
        landscape.compute(
            networks.problem(nn.Linear(8, 3)), {"x": (-1e300, 1e300, 5)}, progress=False
        )


class Extra(nn.Linear):
    """A layer with something in its state dict that is no tensor."""

    def __init__(self, note):
        super().__init__(8, 3)
        self.note = note

    def get_extra_state(self):
        return self.note

    def set_extra_state(self, state):
        self.note = state


def test_what_is_no_tensor_in_a_state_dict_is_left_out_of_its_hash():
    hashes = set()
    for note in ({"v": 1}, torch.dtype, {"scale": torch.ones(2)}, {"scale": torch.zeros(2)}):
        torch.manual_seed(0)
        model = Extra(note)
        surface = landscape.compute(networks.problem(model), {"x": (-1, 1, 3)}, progress=False)
        hashes.add(surface.provenance["network"]["sha256"])
        assert model.note is note
    assert len(hashes) == 3


def test_only_what_the_forward_pass_changes_is_named(tmp_path):
    """Not what `eval()` computes from the weights."""
    facts = {}
    for name, model in (
        ("fused", fused(True)),
        ("peak", nn.Sequential(nn.Linear(8, 6), networks.RunningPeak(), nn.Linear(6, 3))),
        ("plain", nn.Sequential(nn.Linear(8, 3), nn.BatchNorm1d(3))),
    ):
        problem = landscape.Problem(model, {"train": [networks.samples()]}, networks.cross_entropy)
        surface = landscape.compute(problem, {"x": (-1, 1, 3)}, progress=False)
        facts[name] = surface.provenance.get("restored")
    assert facts == {"fused": None, "peak": ["1.peak"], "plain": None}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("prepare", ["prepare_qat", "prepare"])
def test_observers_of_quantization_start_anew_at_each_point(prepare, tmp_path):
    """They resize their buffers, too."""
    from torch.ao import quantization

    def build():
        torch.manual_seed(0)
        model = nn.Sequential(quantization.QuantStub(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3))
        if prepare == "prepare_qat":
            model.qconfig = quantization.get_default_qat_qconfig("fbgemm")
        else:
            model.eval().qconfig = quantization.get_default_qconfig("fbgemm")
        return getattr(quantization, prepare)(model)

    data, points = networks.samples(), [(-2,), (0,), (2,)]
    surface = landscape.compute(
        landscape.Problem(build(), {"train": [data]}, networks.cross_entropy),
        {"x": (-2, 2, 3)},
        output=tmp_path / "s.h5",
        progress=False,
    )
    directions = stored(tmp_path / "s.directions.h5")
    exact = networks.expected(build(), data, directions, points)
    assert surface.values["train", "loss"] == pytest.approx(exact, rel=1e-6)


def test_slopes_of_complex_parameters_are_those_of_the_surface():
    inputs = networks.samples(features=16)[0].double()
    model = networks.Spectral().to(torch.complex128)
    for name, parameter in list(model.named_parameters()):
        if not name.startswith(("weight", "phase")):
            parameter.data = parameter.data.real
    surface = landscape.compute(
        networks.problem(model, (inputs, torch.cumsum(inputs, 1) / 8), mean_squared_error),
        {"x": (-1e-4, 1e-4, 3)},
        directions={"x": {"include": "weight"}},
        measures=["gradient"],
        progress=False,
    )
    loss, slope = surface.values["train", "loss"], surface.values["train", "gradient_x"]
    assert slope[1] == pytest.approx((loss[2] - loss[0]) / 2e-4, rel=1e-6)
