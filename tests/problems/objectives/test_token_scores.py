"""Heads that are applied chunk by chunk: same values, and no logits for all tokens at once."""

from itertools import accumulate

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from landscape_cli.problems.objectives import causal_lm, token_scores
from landscape_cli.problems.objectives.token_scores import WHOLE

N, T, WIDTH, V = 3, 8, 6, 50


class Headed(nn.Module):
    """A language model that names its head, as those of transformers do."""

    def __init__(self, after=lambda logits: logits, calls=1, vocabulary=V):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(vocabulary, WIDTH)
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, vocabulary)
        self.after, self.calls, self.passes = after, calls, 0

    def get_output_embeddings(self):
        return self.head

    def forward(self, ids):
        self.passes += 1
        hidden = self.mix(self.embed(ids)).cumsum(1).tanh()
        logits = self.head(hidden)
        for _ in range(self.calls - 1):
            logits = logits + self.head(hidden)
        return self.after(logits)


class Largest(TorchDispatchMode):
    """Notes the most entries that a tensor has which any operation makes."""

    entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for one in made if isinstance(made, (tuple, list)) else [made]:
            if isinstance(one, torch.Tensor):
                self.entries = max(self.entries, one.numel())
        return made


@pytest.fixture
def ids():
    return torch.randint(V, (N, T), generator=torch.Generator().manual_seed(1))


def plain(model, ids):
    logits = model(ids)[:, :-1].double()
    return functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none").sum(1)


@pytest.mark.parametrize("tokens", [1, 5, N * T - 1])
def test_the_logits_of_all_tokens_never_exist(monkeypatch, ids, tokens):
    monkeypatch.setattr(token_scores, "CHUNK", tokens * V)
    model = Headed().eval()
    with torch.no_grad(), Largest() as largest:
        found = causal_lm(model, ids)["loss"][0]
    assert model.passes == 1
    assert largest.entries <= max(tokens, N, WIDTH) * V < N * T * V
    torch.testing.assert_close(found, plain(model, ids).detach(), rtol=1e-6, atol=0)


def test_where_they_are_few_the_model_is_called_as_it_is(ids):
    with torch.no_grad(), Largest() as largest:
        causal_lm(Headed().eval(), ids)
    assert largest.entries == N * T * V


@pytest.mark.parametrize(
    ("after", "calls"),
    [
        (lambda logits: 30 * torch.tanh(logits / 30), 1),  # as in Gemma 2
        (lambda logits: logits / 16, 1),  # as in Granite
        (lambda logits: logits + torch.arange(V), 1),
        (lambda logits: logits.view(N, T, V), 1),  # fails for fewer positions
        (lambda logits: logits, 2),
    ],
)
def test_a_model_that_does_more_than_its_head_is_called_as_a_whole(monkeypatch, ids, after, calls):
    monkeypatch.setattr(token_scores, "CHUNK", 4 * V)
    model = Headed(after, calls).eval()
    for number in (1, 2):
        with torch.no_grad():
            found = causal_lm(model, ids)["loss"][0]
        torch.testing.assert_close(found, plain(model, ids).detach(), rtol=1e-6, atol=0)
        assert model.passes == 2 * number + 1  # twice the first time; and once by the test
    assert model in WHOLE


def test_a_scale_that_is_one_only_at_first_is_noticed(monkeypatch, ids):
    monkeypatch.setattr(token_scores, "CHUNK", 4 * V)
    model = Headed().eval()
    model.scale = nn.Parameter(torch.ones(()))
    model.after = lambda logits: logits * model.scale
    for scale in (1.0, 1.5):
        model.scale.data.fill_(scale)
        with torch.no_grad():
            found = causal_lm(model, ids)["loss"][0]
        torch.testing.assert_close(found, plain(model, ids).detach(), rtol=1e-6, atol=0)


def test_no_hook_is_left_behind(monkeypatch, ids):
    monkeypatch.setattr(token_scores, "CHUNK", 1)

    def fail(logits):
        raise KeyError("broken")

    for model in (Headed(), Headed(fail)):
        with torch.no_grad():
            if model.after is fail:
                with pytest.raises(KeyError):
                    causal_lm(model, ids)
            else:
                causal_lm(model, ids)
        assert not model.head._forward_hooks
        assert not model.head._forward_pre_hooks
        assert model not in WHOLE


def test_second_derivatives_go_through_the_chunks(monkeypatch, ids):
    monkeypatch.setattr(token_scores, "CHUNK", 5 * V)
    model = Headed().eval().double()
    parameters = list(model.parameters())

    def product(loss):
        slopes = torch.autograd.grad(loss, parameters, create_graph=True)
        along = sum((slope * slope.detach()).sum() for slope in slopes)
        return torch.autograd.grad(along, parameters)

    found = product(causal_lm(model, ids)["loss"][0].sum())
    expected = product(plain(model, ids).sum())
    assert model.passes == 2
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


class Nameless(Headed):
    """The same model, which does not name its head."""

    get_output_embeddings = None


def peak(function):
    """Return by how many bytes PyTorch's memory rises at most, as it counts itself."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        function()
    events = record.profiler.kineto_results.events()
    changes = [(one.start_ns(), one.nbytes()) for one in events if one.name() == "[memory]"]
    return max(accumulate(size for _, size in sorted(changes)))


def test_peak_memory_is_that_of_chunks_and_not_of_all_logits(monkeypatch):
    monkeypatch.setattr(token_scores, "CHUNK", 1 << 22)
    vocabulary, ids = 20_000, torch.zeros(4, 512, dtype=torch.int64)
    everything, chunk = 4 * ids.numel() * vocabulary, 4 << 22
    measured = {}
    for kind in (Headed, Nameless):
        model = kind(vocabulary=vocabulary).eval()
        with torch.no_grad():
            measured[kind] = peak(lambda model=model: causal_lm(model, ids))
    assert chunk < measured[Headed] < 2.1 * chunk < everything / 4
    assert everything < measured[Nameless] < everything + 1.1 * chunk
