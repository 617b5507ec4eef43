"""Surfaces of networks with batch norm, in each treatment of running statistics."""

import copy
import re

import numpy as np
import pytest
import torch

LINE = {"x": [-1, 1, 3]}


def network():
    import example

    return example.digits_network()


def loss(model, data):
    """Compute the mean loss in float64, in eval mode."""
    images, labels = data.tensors
    with torch.no_grad():
        each = torch.nn.functional.cross_entropy(model(images), labels, reduction="none")
    return each.double().mean().item()


@pytest.mark.parametrize("keys", [{}, {"cache": "none"}, {"batch_size": 10}])
def test_recalibrated_values_are_those_of_fresh_statistics(workplace, surface_of, keys):
    config = workplace.config("example:digits_network", grid=LINE, **keys)
    surface = surface_of(config, "--set", "batch_norm=recalibrate")
    assert surface.config["batch_norm_samples"] == 2048
    assert surface.provenance["batch_norm"] == "recalibrate"
    assert not surface.provenance["settings"]["fold"]
    problem = network()
    images = problem.splits["train"].tensors[0]
    model = problem.model.train()
    for norm in (model[1], model[4]):
        norm.reset_running_stats()
        norm.momentum = None
    with torch.no_grad():
        for part, weight in ((images[:128], 128), (images[128:], 2)):
            for norm in (model[1], model[4]):
                norm.momentum = weight / (130 if weight == 2 else 128)
            model(part)
    model.eval()
    for split in ("train", "test"):
        expected = loss(model, problem.splits[split])
        assert surface.values[split, "loss"][1] == pytest.approx(expected, rel=1e-5)
    assert surface.values["train", "loss"][0] != pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.bits
@pytest.mark.mpi
def test_recalibrated_values_are_the_same_on_two_ranks(workplace, surface_of):
    config = workplace.config("example:digits_network", batch_norm="recalibrate")
    alone = surface_of(config, "--set", "threads=1")
    shared = workplace.surface(config, "--overwrite", ranks=2)
    for key, values in alone.values.items():
        np.testing.assert_array_equal(values, shared.values[key])
    assert len(set(shared.rank.ravel().tolist())) == 2


def test_perturbed_statistics_are_those_of_the_point(workplace, surface_of):
    """With d = w for tensors of one dimension, every statistic is scaled by 1 + x."""
    directions = {"x": {"include": ["1.*", "4.*"], "ignore": "none"}}
    keys = {"grid": LINE, "directions": directions, "perturb": "states"}
    config = workplace.config("example:digits_network", **keys)
    surface = surface_of(config)
    assert surface.config["batch_norm"] == "perturb"
    assert surface.provenance["settings"]["fold"]
    problem = network()
    model = copy.deepcopy(problem.model).eval()
    for norm in (model[1], model[4]):
        for tensor in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
            tensor.mul_(2)
    expected = loss(model, problem.splits["train"])
    assert surface.values["train", "loss"][2] == pytest.approx(expected, rel=1e-5)
    # At x = -1, scales and variances are zero: every output is the bias of the last layer.
    last = problem.model[7].bias.detach().double()
    labels = problem.splits["train"].tensors[1]
    constant = (torch.logsumexp(last, 0) - last[labels]).mean().item()
    assert surface.values["train", "loss"][0] == pytest.approx(constant, rel=1e-5)


def test_frozen_statistics_do_not_change(workplace, surface_of):
    directions = {"x": {"include": ["1.*", "4.*"], "ignore": "none"}}
    config = workplace.config("example:digits_network", grid=LINE, directions=directions)
    surface = surface_of(config)
    assert surface.provenance["batch_norm"] == "frozen"
    problem = network()
    model = problem.model.eval()
    for norm in (model[1], model[4]):
        norm.weight.data.mul_(2)
        norm.bias.data.mul_(2)
    expected = loss(model, problem.splits["train"])
    assert surface.values["train", "loss"][2] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("problem", "keys", "words"),
    [
        ("example:regression", {"batch_norm": "recalibrate"}, "the model has no batch norm"),
        ("example:digits_network", {"batch_norm": "thaw"}, "batch_norm: .*got 'thaw'"),
        ("example:digits_network", {"perturb": "all"}, "perturb: .*got 'all'"),
        ("example:digits_network", {"batch_norm_samples": 9}, "applies only with .*recalibrate"),
        (
            "example:digits_network",
            {"batch_norm": "recalibrate", "batch_norm_samples": 1},
            "batch_norm_samples: .*got 1",
        ),
        (
            "example:digits_network",
            {"batch_norm": "recalibrate", "compile": "on"},
            "compile: on excludes batch_norm: recalibrate",
        ),
    ],
)
def test_errors_name_key_and_value(landscape, workplace, problem, keys, words):
    code, _, err = landscape("compute", workplace.config(problem, grid=LINE, **keys))
    assert code == 2, err
    assert len(err.splitlines()) == 1

    assert re.search(words, err), err
    assert not list(workplace.folder.glob("*.h5"))


def test_older_files_have_frozen_statistics(workplace):
    from landscape_cli.config.comparison import differences
    from landscape_cli.config.loading import load_config

    config = load_config(workplace.config())
    stored = {k: v for k, v in config.model_dump().items() if "batch" not in k and k != "perturb"}
    assert not differences(stored, config)
    other = load_config("run.yaml", {"perturb": "states"})
    assert len(differences(stored, other)) == 2
