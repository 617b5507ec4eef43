"""Games of two players: closed forms of their steps, scores of samples, and short runs."""

import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_cli.cli.error_report import run_script
from landscape_cli.store import read_surface
from support.scripts import load

ROOT = Path(__file__).parents[2]


bilinear, games_bilinear, games = load("gan.bilinear"), load("games_bilinear"), load("games")
data, networks, scores, setting = (
    load(f"gan.{name}") for name in ("data", "networks", "scores", "setting")
)
judging, planes, rotation, runs = (
    load(f"gan.{name}") for name in ("judging", "planes", "rotation", "runs")
)
problem, training = load("gan.problem"), load("gan.training")


@pytest.mark.parametrize("rate", [0.1, 0.7])
def test_matrices_of_steps_of_the_bilinear_game(rate):
    matrices = {
        "simultaneous": [[1, -rate], [rate, 1]],
        "alternating": [[1, -rate], [rate, 1 - rate**2]],
        "prediction": [[1, -rate], [rate, 1 - 2 * rate**2]],
    }
    assert {*matrices} == {*bilinear.METHODS}
    for method, exact in matrices.items():
        found = bilinear.update_matrix(method, rate)
        np.testing.assert_allclose(found, exact, atol=1e-15)
        assert bilinear.radius(found) == pytest.approx(bilinear.closed_form(method, rate))


def test_spectral_radii():
    radii = [bilinear.closed_form(method, 0.6) for method in bilinear.METHODS]
    assert radii == pytest.approx([math.sqrt(1.36), 1, 0.8])


def test_a_path_repeats_the_matrix():
    for method in bilinear.METHODS:
        matrix = bilinear.update_matrix(method, 0.3)
        points = bilinear.path(method, (0.4, -0.2), 0.3, 5)
        assert points.shape == (6, 2)
        for before, after in itertools.pairwise(points):
            np.testing.assert_allclose(after, matrix @ before, atol=1e-15)


def test_the_bilinear_study(tmp_path, quick_commands, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["games_bilinear", "--folder", str(tmp_path), "--jobs", "1"])
    assert run_script(games_bilinear.command, "games_bilinear") == 0
    surface = read_surface(tmp_path / "value.h5")
    x, y = (surface.grid.axes[axis].coordinates for axis in "xy")
    np.testing.assert_allclose(surface.values["game", "value"], np.outer(y, x), atol=1e-7)
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["numbers"]["off"] < 1e-12
    assert {claim["verdict"] for claim in found["claims"]} == {"agrees"}
    assert (tmp_path / "paths.png").stat().st_size < 200_000
    committed = ROOT / "docs" / "atlas" / "games_bilinear.json"
    if committed.exists():
        assert_same_keys(found, json.loads(committed.read_text()))


def assert_same_keys(found, committed):
    """Fail unless results have the settings, numbers, tables, claims and figures of others."""
    for part in ("settings", "numbers", "tables"):
        assert list(found[part]) == list(committed[part])
    assert found["figures"] == committed["figures"]
    claims = [
        [(claim["source"], claim["says"]) for claim in each["claims"]]
        for each in (found, committed)
    ]
    assert claims[0] == claims[1]


def samples_near(module, counts, far=0):
    """Return samples at the centres of modes, as many as counts says, and some in the middle."""
    centres = module.centres()
    near = [centres[place].expand(count, 2) for place, count in enumerate(counts)]
    return torch.cat([*near, torch.zeros(far, 2)])


def test_modes_that_are_covered_are_counted():
    modes = scores.modes
    assert modes(samples_near(data, [10] * 8)) == (8, 1.0)
    assert modes(samples_near(data, [100, 100, 0, 0, 0, 0, 0, 0], far=200)) == (2, 0.5)
    assert modes(samples_near(data, [99, 1, 0, 0, 0, 0, 0, 0])) == (2, 1.0)
    assert modes(samples_near(data, [199, 1, 0, 0, 0, 0, 0, 0])) == (1, 1.0)
    assert modes(torch.zeros(10, 2)) == (0, 0.0)
    off = data.centres() + torch.tensor([0.0, scores.NEAR + 1e-3])
    assert modes(off)[0] == 0


def test_the_ring_has_all_its_modes():
    covered, near = scores.modes(data.ring(4000, torch.Generator().manual_seed(0)))
    assert covered == 8
    assert near == pytest.approx(1 - math.exp(-4.5), abs=0.01)  # three deviations in the plane


def test_the_frechet_distance_of_gaussians_along_the_axes():
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(5000, 3, generator=generator)
    one = (one - one.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(one.T))).T
    scale, shift = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([3.0, 0.0, 0.0])
    exact = 9 + float(((scale - 1) ** 2).sum())
    assert scores.frechet(one, one * scale + shift) == pytest.approx(exact, rel=1e-4)
    assert scores.frechet(one, one) == pytest.approx(0, abs=1e-6)


def test_a_classifier_sees_one_class_in_copies_of_one_digit():
    net, (x, labels) = setting.classifier(), data.images("train")
    assert x.shape == (1437, 64)
    assert (x.min(), x.max()) == (-1, 1)
    assert scores.accuracy(net, "test") > 0.96
    one = scores.seen(net, x[labels == 3][:50])
    assert one["classes"] == pytest.approx(1)
    every = scores.seen(net, x)
    assert every["classes"] == pytest.approx(10, abs=0.05)
    assert every["distance"] == pytest.approx(0, abs=1e-3)
    assert one["distance"] > 20


def game_of(logit):
    """Return a game whose discriminator gives this logit to every sample."""
    game = networks.Game(3, 2, 8)
    with torch.no_grad():
        last = game.discriminator[-1]
        last.weight.zero_()
        last.bias.fill_(logit)
    return game


def test_the_value_where_the_discriminator_knows_nothing_is_minus_log_four():
    batch = torch.randn(7, 2), torch.randn(7, 3)
    value = networks.values(game_of(0.0), batch)["value"]
    torch.testing.assert_close(value, torch.full((7,), -2 * math.log(2)))
    torch.testing.assert_close(
        networks.values(game_of(1.5), batch)["value"],
        torch.full(
            (7,), math.log(torch.sigmoid(torch.tensor(1.5)) * torch.sigmoid(torch.tensor(-1.5)))
        ),
    )


def test_no_other_discriminator_has_a_higher_value_where_both_distributions_are_the_same():
    x = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))
    for seed in range(5):
        torch.manual_seed(seed)
        logits = networks.Game(3, 2, 8).discriminator(x).squeeze(1)
        value = torch.nn.functional.logsigmoid(logits) + torch.nn.functional.logsigmoid(-logits)
        assert value.mean() < -2 * math.log(2)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_games_are_trained_side_by_side_as_alone(optimizer):
    games = [_game(seed) for seed in range(3)]
    predicts, rates = torch.tensor([False, True, True]), torch.tensor([0.1, 0.02, 0.05])
    together = training.Training(games, predicts, optimizer, rates)
    alone = [
        training.Training([game], predicts[i : i + 1], optimizer, rates[i : i + 1])
        for i, game in enumerate(games)
    ]
    for _ in range(3):
        real, noise = torch.randn(3, 5, 2), torch.randn(3, 5, 4)
        together.step(real, noise)
        for i, each in enumerate(alone):
            each.step(real[i : i + 1], noise[i : i + 1])
    for i, each in enumerate(alone):
        state = together.state(i)
        assert list(state) == list(games[i].state_dict())
        for name, tensor in each.state(0).items():
            torch.testing.assert_close(state[name], tensor, rtol=1e-4, atol=1e-6)


def _game(seed):
    torch.manual_seed(seed)
    return networks.Game(4, 2, 6)


@pytest.mark.parametrize("predicts", [False, True])
def test_a_step_of_both_players_written_out(predicts):
    game, rate = _game(0), 0.1
    real, noise = torch.randn(5, 2), torch.randn(5, 4)
    both = training.Training([game], torch.tensor([predicts]), "sgd", torch.tensor([rate]))
    both.step(real[None], noise[None])
    networks.values(game, (real, noise))["value"].mean().backward()
    before = [weight.detach().clone() for weight in game.generator.parameters()]
    after = [w.detach() - rate * w.grad for w in game.generator.parameters()]
    answered = [2 * a - b if predicts else a for a, b in zip(after, before, strict=True)]
    with torch.no_grad():
        for weight, new in zip(game.generator.parameters(), answered, strict=True):
            weight.copy_(new)
    game.zero_grad()
    networks.values(game, (real, noise))["value"].mean().backward()
    found = both.state(0)
    for (name, _), new in zip(game.generator.named_parameters(), after, strict=True):
        torch.testing.assert_close(found[f"generator.{name}"], new)
    for name, weight in game.discriminator.named_parameters():
        new = weight.detach() + rate * weight.grad
        torch.testing.assert_close(found[f"discriminator.{name}"], new)


def test_adam_is_that_of_torch():
    module = torch.nn.Linear(3, 2)
    player = training.Player([module], "adam", torch.tensor([0.01]))
    optimizer = torch.optim.Adam(module.parameters(), 0.01, betas=training.BETAS)
    for _ in range(4):
        x = torch.randn(1, 5, 3)
        player.descend(player.outputs(player.weights, x).square().mean(dim=(1, 2)))
        optimizer.zero_grad()
        module(x[0]).square().mean().backward()
        optimizer.step()
    for name, tensor in module.named_parameters():
        torch.testing.assert_close(player.weights[name][0].detach(), tensor.detach())


class Pair(torch.nn.Module):
    """A vector u or v."""

    def __init__(self, size):
        super().__init__()
        self.w = torch.nn.Parameter(torch.randn(size, dtype=torch.float64))


def test_the_rotating_share_of_quadratic_games():
    torch.manual_seed(0)
    one, two = Pair(3), Pair(3)
    u, v = one.w, two.w
    assert rotation.rotating_share(u @ v, one, two) == pytest.approx(1)
    assert rotation.rotating_share(u @ u - v @ v, one, two) == 0
    # Blocks: 2 I and -2 I on the diagonal, 1 I beside it: squared norms of 24 and 6.
    both = rotation.rotating_share(u @ u - v @ v + u @ v, one, two)
    assert both == pytest.approx(6 / 30)


def test_the_rotating_share_of_any_quadratic_game():
    generator = torch.Generator().manual_seed(0)
    a, b, c = (torch.randn(4, 4, dtype=torch.float64, generator=generator) for _ in range(3))
    one, two = Pair(4), Pair(4)
    value = one.w @ a @ one.w / 2 + two.w @ c @ two.w / 2 + one.w @ b @ two.w
    own = (((a + a.T) / 2).square().sum() + ((c + c.T) / 2).square().sum()).item()
    other = 2 * b.square().sum().item()
    found = rotation.rotating_share(value, one, two, draws=400)
    assert found == pytest.approx(other / (own + other), rel=0.1)


def test_a_player_who_does_not_play_has_no_parameters():
    whole = problem.build("ring", samples=10)
    half = problem.build("ring", samples=10, player="generator")
    assert list(half.model.state_dict()) == list(whole.model.state_dict())
    names = [name for name, _ in half.model.named_parameters()]
    assert names == [n for n, _ in whole.model.named_parameters() if n.startswith("generator")]
    half.model.load_state_dict(whole.model.state_dict())
    batch = whole.splits["train"].tensors
    values = [one.objective(one.model, batch)["value"] for one in (whole, half)]
    torch.testing.assert_close(*values)


def test_lines_through_a_saddle():
    places = np.linspace(-1, 1, 9)
    saddle = planes.Lines(places, places**2, -2 * places**2, -1.4)
    assert saddle.is_saddle
    assert saddle.generator == pytest.approx(planes.RADIUS**2)
    assert saddle.discriminator == pytest.approx(-2 * planes.RADIUS**2)
    off = planes.Lines(places, (places - 0.25) ** 2 - 0.0625, -(places**2), -1.4)
    assert not off.is_saddle
    assert off.gains == (pytest.approx(0.0625), 0.0)


@pytest.fixture
def quick_games(monkeypatch):
    """Make the study of GANs small."""
    rates = {("ring", "adam"): (0.001, 0.01), ("digits", "adam"): (0.001,), ("ring", "sgd"): (0.1,)}
    for module in (runs, judging):
        monkeypatch.setattr(module, "SEEDS", 2)
        monkeypatch.setattr(module, "RATES", rates)
    monkeypatch.setattr(games, "CURVED", 1)


@pytest.mark.slow
def test_the_study_of_networks(tmp_path, quick_games, quick_commands, monkeypatch, capfd):
    grid = [word for axis in "xy" for word in ("--set", f"grid.{axis}=[-0.5,0.5,5]")]
    words = ["games", "--steps", "10", "--folder", str(tmp_path), "--jobs", "1", *grid]
    monkeypatch.setattr(sys, "argv", words)
    assert run_script(games.command, "games") == 0
    found = json.loads((tmp_path / "results.json").read_text())
    for figure in found["figures"]:
        assert (tmp_path / f"{figure}.png").exists()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.pt")}
    assert len(before) == 4 * 4
    assert run_script(games.command, "games") == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.pt")} == before
    assert set(found["cost"]["core_seconds"]) == {"training", "surfaces", "curvature"}
    committed = ROOT / "docs" / "atlas" / "games.json"
    if committed.exists():
        known = json.loads(committed.read_text())
        for part in ("settings", "numbers", "tables"):
            assert list(found[part]) == list(known[part])
        assert found["figures"] == known["figures"]
        assert len(found["claims"]) == len(known["claims"])
