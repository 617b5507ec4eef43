"""Tests of the study of rounded weights: exact chains, rules by hand, and a short run."""

import sys

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from landscape_cli.cli.error_report import run_script
from landscape_cli.problems.zoo import build
from support.scripts import check_like_published, load

rounding, perceptrons = load("rounding"), load("perceptrons")
chains, clouds, rules, spread, training = (
    load(f"low_precision.{name}") for name in ("chains", "clouds", "rules", "spread", "training")
)
rendering = load("rendering")

POINTS = chains.grid(0.5)
SLOPES = chains.slope(POINTS)


@pytest.mark.parametrize(("bits", "value", "around"), [(1, 0.1, (-0.5, 0.5)), (3, 0.6, (0.5, 1.0))])
def test_stochastic_rounding_keeps_the_mean(bits, value, around):
    generator = torch.Generator().manual_seed(0)
    weights = torch.full((200_000,), value, dtype=torch.float64)
    rules.stochastic(weights, torch.tensor(0.5), bits, generator)
    assert sorted(set(weights.tolist())) == list(around)
    error = weights.std() / len(weights) ** 0.5
    assert abs(weights.mean() - value) < 4 * error


def test_stochastic_rounding_leaves_the_grid_alone_and_ends_at_its_ends():
    generator = torch.Generator().manual_seed(0)
    grid = 0.5 * torch.arange(-3.0, 4.0)
    for _ in range(100):
        assert torch.equal(rules.stochastic(grid.clone(), torch.tensor(0.5), 3, generator), grid)
        beyond = rules.stochastic(torch.tensor([-9.0, 9.0]), torch.tensor(0.5), 3, generator)
        assert beyond.tolist() == [-1.5, 1.5]


def test_the_rules_by_hand():
    """With steps of 1/2, a gradient of 1 and a rate of 0.1 from a weight of 1/2."""
    gradient, scale = torch.ones(1, 4, 1), torch.tensor(0.5)
    after = {}
    for name in rules.RULES:
        weight = torch.full((1, 4, 1), 0.5)
        rule = rules.Rule(name, 3, [scale], torch.Generator().manual_seed(0))
        rule.begin([weight])
        for _ in range(3):
            rule.step([weight], [gradient], 0.1)
        after[name] = weight.flatten().tolist()
        if name == "bc":
            assert torch.allclose(rule.real[0], torch.tensor(0.2))
    assert after["float"] == pytest.approx([0.2] * 4)
    assert after["bc"] == [0.0] * 4
    assert after["r"] == [0.5] * 4  # it stalls
    assert set(after["sr"]) <= {-0.5, 0.0, 0.5}


def test_the_example_is_that_of_the_paper():
    w = np.array([-1.0, 0.0, 0.5, 2.5, 3.0, 4.75, 5.75])
    np.testing.assert_allclose(chains.objective(w), [3, 2, 2.25, 0.75, 1, 0.19, 1.19])
    step = 1e-6
    numerical = (chains.objective(w + step) - chains.objective(w - step)) / (2 * step)
    np.testing.assert_allclose(chains.slope(w), numerical, atol=1e-6)


@pytest.mark.parametrize("rate", [0.3, 0.01])
def test_the_chain_of_stochastic_rounding_keeps_the_mean_of_a_step(rate):
    chain = chains.rounding_chain(POINTS, SLOPES, rate, 0.5)
    np.testing.assert_allclose(chain.sum(1), 1, atol=1e-14)
    inner = slice(5, -5)
    np.testing.assert_allclose(
        (chain @ POINTS)[inner], (POINTS - rate * SLOPES)[inner], rtol=0, atol=1e-9
    )


def simulate(rule, rate, noise, steps, walkers=4000):
    """Run independent chains without any of the formulas; return each point's frequency."""
    random = np.random.default_rng(0)
    step, most = POINTS[1] - POINTS[0], (POINTS[0], POINTS[-1])
    real = np.full(walkers, POINTS[len(POINTS) // 2])
    for _ in range(steps):
        rounded = np.clip(np.round((real - most[0]) / step) * step + most[0], *most)
        gradient = chains.slope(rounded) + noise * random.standard_normal(walkers)
        if rule == "bc":
            real = np.clip(real - rate * gradient, *most)
        else:
            places = (rounded - rate * gradient - most[0]) / step
            real = np.clip(np.floor(places + random.random(walkers)) * step + most[0], *most)
    places = np.rint((np.clip(real, *most) - most[0]) / step).astype(int)
    return np.bincount(places, minlength=len(POINTS)) / walkers


@pytest.mark.parametrize("rule", ["sr", "bc"])
@pytest.mark.parametrize("rate", [0.3, 0.1])
def test_stationary_distributions_are_those_of_a_simulation(rule, rate):
    solve = {"sr": chains.rounding_distribution, "bc": chains.connect_distribution}[rule]
    exact = solve(POINTS, SLOPES, rate, 2.0)
    seen = simulate(rule, rate, 2.0, steps=1200)  # 20 relaxation times of the slowest
    error = np.sqrt(exact * (1 - exact) / 4000)
    assert (np.abs(seen - exact) <= 4 * error + 2e-3).all()


def test_elimination_solves_chains_known_in_closed_form():
    # Birth and death: flows between neighbours are equal, over many orders of magnitude.
    up, down = np.array([1e-9, 0.5, 1e-3]), np.array([0.2, 1e-7, 0.4])
    chain = np.diag(up, 1) + np.diag(down, -1)
    chain += np.diag(1 - chain.sum(1))
    expected = np.cumprod([1.0, *(up / down)])
    np.testing.assert_allclose(chains.stationary(chain), expected / expected.sum(), rtol=1e-13)
    random = np.random.default_rng(0).random((20, 20))
    random /= random.sum(1, keepdims=True)
    found = chains.stationary(random)
    np.testing.assert_allclose(found @ random, found, rtol=1e-12)


def test_stochastic_rounding_tends_to_its_limit():
    limit = chains.rounding_limit(SLOPES, 2.0)
    distance = [
        np.abs(chains.rounding_distribution(POINTS, SLOPES, rate, 2.0) - limit).sum() / 2
        for rate in (0.3, 0.1, 0.03, 0.01)
    ]
    assert distance[0] > 0.1
    assert distance[0] > distance[1] > distance[2]
    assert distance[-1] < 1e-10


def test_binary_connect_tends_to_a_gibbs_distribution():
    """At small rates its density is exp(-2 V / (rate noise^2)), V' being the rounded slope."""
    rate, noise = 0.02, 2.0
    edges = np.clip(np.append(POINTS - 0.25, POINTS[-1] + 0.25), POINTS[0], POINTS[-1])
    potential = np.concatenate([[0], np.cumsum(SLOPES * np.diff(edges))])
    inverse = 2 / (rate * noise**2)
    exponent = -inverse * (potential - potential.min())
    with np.errstate(divide="ignore", invalid="ignore"):
        rises = inverse * SLOPES
        integrals = np.where(
            SLOPES == 0,
            np.exp(exponent[:-1]) * np.diff(edges),
            (np.exp(exponent[:-1]) - np.exp(exponent[1:])) / rises,
        )
    found = chains.connect_distribution(POINTS, SLOPES, rate, noise)
    np.testing.assert_allclose(found, integrals / integrals.sum(), atol=0.01)


def test_the_floor_of_a_parabola():
    """Second moments balance: E w^2 = step E |g| / 2, as the rounding's variance is step |g|."""
    for step in (1.0, 0.25):
        floor, connect = chains.parabola_floors(step, 1.0)
        points = np.arange(-10, 10 + step / 2, step) - step / 2
        weights = chains.rounding_limit(points, 1.0)
        sizes = chains._mean_below(np.zeros_like(points), points, 1.0)
        sizes = sizes + chains._mean_below(np.zeros_like(points), -points, 1.0)
        assert floor == pytest.approx(step * float(weights @ sizes) / 4, rel=1e-9)
        assert connect == step**2 / 8
    points = np.arange(-4, 6) - 0.5
    near = chains.connect_distribution(points, points, 0.03, 1.0) @ points**2 / 2
    assert near == pytest.approx(chains.parabola_floors(1.0, 1.0)[1], abs=0.01)


def test_the_relaxation_time_of_two_states():
    chain = np.array([[0.9, 0.1], [0.3, 0.7]])
    assert chains.relaxation(chain) == pytest.approx(-1 / np.log(0.6))


def test_a_drift_is_no_spread_and_noise_is():
    time = torch.linspace(0, 1, 40)[None, :, None]
    slopes = torch.arange(1.0, 4.0)
    drift = 5 + slopes * time + slopes**2 * time**2
    assert spread.spread(drift) == pytest.approx(torch.zeros(1), abs=1e-6)
    assert spread.spread(drift, 1) > 1e-3
    noise = torch.randn(2, 40, 5000, generator=torch.Generator().manual_seed(0))
    assert spread.spread(noise).tolist() == pytest.approx([1, 1], rel=0.01)
    assert spread.spread(100 + noise).tolist() == pytest.approx([0.01, 0.01], rel=0.01)


def test_powers_and_moved_weights():
    rates = [0.1, 0.05, 0.0125]
    values = torch.tensor([[rate**0.5, 3 * rate**2] for rate in rates], dtype=torch.float64)
    assert spread.power(rates, values).tolist() == pytest.approx([0.5, 2])
    iterates = torch.zeros(1, 3, 4)
    iterates[0, 1, 2] = 1
    assert spread.moved(iterates).tolist() == [0.25]


def test_networks_side_by_side_are_those_of_the_zoo():
    nets = perceptrons.initial([3], (0, 7))
    torch.manual_seed(7)
    model = build("mlp", model_args={"hidden": [3]}).model
    inputs, labels = torch.randn(6, 64), torch.arange(6)
    nets.step_gradients(inputs.expand(2, 6, 64), labels.expand(2, 6))
    cross_entropy(model(inputs), labels).backward()
    for tensor, parameter in zip(nets.tensors, model.parameters(), strict=True):
        torch.testing.assert_close(tensor[1], parameter)
        torch.testing.assert_close(tensor.grad[1], parameter.grad)
    loss, accuracy = nets.scores(inputs, labels)
    assert loss[1].item() == pytest.approx(cross_entropy(model(inputs), labels).item())
    assert accuracy[1] == (model(inputs).argmax(1) == labels).double().mean()
    state = perceptrons.state(nets.flat()[1], nets.shapes())
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    weights = torch.cat([w[1].detach().flatten() for w in nets.weights])
    assert torch.equal(nets.flat()[1][clouds.is_weight(nets)], weights)


def test_rates_fall_and_runs_follow_those_they_need():
    rates = [training.annealed_rate(done) for done in (0, 0.49, 0.5, 0.75)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.001])
    names = [run.name for run in training.RUNS]
    assert len(set(names)) == len(names)
    for place, run in enumerate(training.RUNS):
        if run.phase == "long":
            assert f"{run.name.rpartition('_')[0]}_begun" in names[:place]


def test_errors_are_one_line(tmp_path, monkeypatch, capsys):
    folder = ["--folder", str(tmp_path)]
    (tmp_path / "networks.yaml").write_text("of another run")
    for arguments, message in (
        (["--jobs", "0"], "--jobs"),
        (["--set", "nonsense"], "--set nonsense: expected KEY=VALUE"),
        (folder, "trained with different settings"),
    ):
        monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
        assert run_script(rounding.command, "rounding") != 0
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


@pytest.mark.slow
def test_a_short_run_has_the_results_of_the_page(quick_commands, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(training, "SEEDS", 2)
    monkeypatch.setattr(clouds, "POINTS", 5)
    data = ["--set", "problem_args.samples={train: 128, test: 40}"]
    options = ["--jobs", "1", "--folder", str(tmp_path), "--epochs", "12", *data]

    def call():
        monkeypatch.setattr(sys, "argv", ["script.py", *options])
        code = run_script(rounding.command, "rounding")
        output = capfd.readouterr()
        assert code == 0, output
        return output.out

    call()
    check_like_published("rounding", tmp_path)
    again = call()
    assert "have all networks" in again
    assert again.count("nothing to do") == len(clouds.CLOUDS)
    state = training.load(tmp_path, training.Run("sr", 3, "long", 16))
    step = training.load(tmp_path, training.ANNEALED[0])["tensors"][0].abs().amax((1, 2)) / 3
    places = state["tensors"][0] / step[:, None, None]
    torch.testing.assert_close(places, places.round(), rtol=0, atol=1e-4)
