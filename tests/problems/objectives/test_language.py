"""Objectives of language models against losses worked out token by token."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

from landscape_cli.errors import ProblemError
from landscape_cli.problems.objectives import OBJECTIVES, causal_lm, masked_lm, seq2seq
from landscape_cli.problems.predictions import predictions_of

V, T = 7, 5
LENGTHS = (5, 3, 1)


class Tokens(nn.Module):
    """Logits that depend on the token and its position, in one of the forms that models return."""

    def __init__(self, form="tensor"):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        table = torch.randn(T, V, V, dtype=torch.float64, generator=generator)
        self.table = nn.Parameter(table)
        self.form = form
        self.got = []

    def forward(self, input_ids, attention_mask=None, decoder_input_ids=None):
        self.got.append((input_ids, attention_mask))
        ids = input_ids if decoder_input_ids is None else decoder_input_ids
        logits = self.table[torch.arange(ids.shape[1]), ids]
        return {
            "tensor": logits,
            "tuple": (logits, None),
            "dict": {"loss": None, "logits": logits},
            "object": SimpleNamespace(logits=logits),
        }[self.form]


def tokens(seed=1, n=3):
    return torch.randint(V, (n, T), generator=torch.Generator().manual_seed(seed))


def mask():
    return (torch.arange(T) < torch.tensor(LENGTHS)[:, None]).long()


def by_hand(model, ids, pairs):
    """Return sums of losses, of hits and counts, from (sequence, output, label)s one by one."""
    sums = torch.zeros(3, len(ids), dtype=torch.float64)
    for row, t, label in pairs:
        scores = model.table[t, ids[row, t]].tolist()
        loss = math.log(math.fsum(math.exp(x) for x in scores)) - scores[label]
        sums[:, row] += torch.tensor([loss, scores[label] == max(scores), 1], dtype=torch.float64)
    return sums


def check(values, sums):
    losses, hits, counts = sums
    assert list(values) == ["loss", "accuracy", "sequence_loss"]
    for name, total in (("loss", losses), ("accuracy", hits)):
        torch.testing.assert_close(values[name][0], total, rtol=1e-12, atol=1e-12)
        assert torch.equal(values[name][1], counts)
    means, weights = values["sequence_loss"]
    assert torch.equal(weights, (counts > 0).double())
    expected = torch.where(counts > 0, losses / counts, 0)
    torch.testing.assert_close(means, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", ["tensor", "tuple", "dict", "object"])
def test_next_tokens_without_padding(form):
    ids, model = tokens(), Tokens(form)
    expected = by_hand(
        model, ids, [(i, t, int(ids[i, t + 1])) for i in range(3) for t in range(T - 1)]
    )
    for batch in (ids, [ids], {"input_ids": ids}, {"input_ids": ids.int(), "labels": None}):
        check(causal_lm(model, batch), expected)


def test_padding_and_labels_that_do_not_count():
    ids, labels, model = tokens(), tokens(2), Tokens()
    labels[0, 2] = -100
    counted = [
        (i, t, int(labels[i, t + 1]))
        for i, length in enumerate(LENGTHS)
        for t in range(length - 1)
        if (i, t + 1) != (0, 2)
    ]
    batch = {"input_ids": ids, "attention_mask": mask(), "labels": labels}
    check(causal_lm(model, batch), by_hand(model, ids, counted))
    assert model.got[-1][1] is batch["attention_mask"]
    # The last sequence has a single token, which nothing predicts.
    assert causal_lm(model, batch)["loss"][1].tolist() == [3, 2, 0]


def test_a_token_behind_padding_has_nothing_to_be_predicted_from():
    ids = tokens()
    padded = {"input_ids": ids, "attention_mask": mask().flip(1)}
    counted = [
        (i, t, int(ids[i, t + 1]))
        for i, length in enumerate(LENGTHS)
        for t in range(T - length, T - 1)
    ]
    model = Tokens()
    check(causal_lm(model, padded), by_hand(model, ids, counted))


def test_a_pair_is_shifted_already():
    text, model = torch.cat([tokens(), tokens(3)], 1)[:, : T + 1], Tokens()
    ids, targets = text[:, :-1], text[:, 1:].clone()
    targets[1, 2:] = -100
    pairs = [(i, t, int(targets[i, t])) for i in range(3) for t in range(T) if targets[i, t] >= 0]
    check(causal_lm(model, (ids, targets)), by_hand(model, ids, pairs))


def test_targets_that_are_the_inputs_are_refused():
    ids = tokens()
    with pytest.raises(ProblemError, match=r"targets are the inputs themselves; shift"):
        causal_lm(Tokens(), (ids, ids.clone()))
    one = torch.full((1, T), 3)
    assert causal_lm(Tokens(), (one, one))["loss"][1].item() == T


def test_masked_tokens():
    ids, labels, model = tokens(), tokens(2), Tokens()
    labels[:, ::2] = -100
    batch = {"input_ids": ids, "attention_mask": mask(), "labels": labels}
    counted = [
        (i, t, int(labels[i, t])) for i, length in enumerate(LENGTHS) for t in range(1, length, 2)
    ]
    expected = by_hand(model, ids, counted)
    check(masked_lm(model, batch), expected)
    alone = labels.masked_fill(mask() == 0, -100)
    check(masked_lm(model, (ids, alone)), expected)


def test_a_decoder_predicts_labels_where_they_stand():
    source, inputs, labels, model = tokens(4), tokens(), tokens(2), Tokens()
    labels[1, 3:] = -100
    counted = [(i, t, int(labels[i, t])) for i in range(3) for t in range(T) if labels[i, t] >= 0]
    named = {"input_ids": source, "decoder_input_ids": inputs, "labels": labels}
    check(seq2seq(model, named), by_hand(model, inputs, counted))
    check(
        seq2seq(lambda s, d: model(s, None, d), (source, inputs, labels)),
        by_hand(model, inputs, counted),
    )
    # The source's mask says nothing about the labels.
    check(seq2seq(model, {**named, "attention_mask": mask()}), by_hand(model, inputs, counted))


def test_inputs_of_a_decoder_are_made_by_the_model():
    class Prepared(Tokens):
        def prepare_decoder_input_ids_from_labels(self, labels):
            return labels.clamp(min=0).roll(1, dims=1)

    source, labels, model = tokens(4), tokens(2), Prepared()
    counted = [(i, t, int(labels[i, t])) for i in range(3) for t in range(T)]
    batch = {"input_ids": source, "labels": labels}
    check(seq2seq(model, batch), by_hand(model, labels.roll(1, dims=1), counted))
    with pytest.raises(ProblemError, match=r"no decoder_input_ids"):
        seq2seq(Tokens(), batch)


@pytest.mark.parametrize("lengths", [(5, 3, 1), (2, 5, 4)])
def test_packed_sequences_keep_the_order_of_their_batch(lengths):
    text, model = tokens(n=3), Tokens()
    labels = tokens(2)

    def packed_model(inputs):
        steps = torch.cat([torch.full((int(n),), t) for t, n in enumerate(inputs.batch_sizes)])
        return inputs._replace(data=model.table[steps, inputs.data])

    ids, targets = (
        pack_padded_sequence(one, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
        for one in (text, labels)
    )
    pairs = [(i, t, int(labels[i, t])) for i, length in enumerate(lengths) for t in range(length)]
    check(causal_lm(packed_model, (ids, targets)), by_hand(model, text, pairs))
    sequence = causal_lm(packed_model, (ids, targets))["sequence_loss"]
    for row, length in enumerate(lengths):
        one = [(text[row, :length], labels[row, :length])]
        alone = causal_lm(
            packed_model, tuple(pack_sequence(list(x)) for x in zip(*one, strict=True))
        )
        torch.testing.assert_close(alone["sequence_loss"][0][0], sequence[0][row])
    with pytest.raises(ProblemError, match=r"no predictions that can be averaged"):
        predictions_of(causal_lm)(packed_model, (ids, targets))
    with pytest.raises(ProblemError, match=r"must return its logits as one of the same lengths"):
        causal_lm(lambda inputs: inputs.data, (ids, targets))
    with pytest.raises(ProblemError, match=r"pack both with the same lengths"):
        causal_lm(packed_model, (text, targets))


def test_predictions_are_those_of_the_loss():
    ids, model = tokens(), Tokens()
    batch = {"input_ids": ids, "attention_mask": mask()}
    found, (loss, counts) = predictions_of(causal_lm)(model, batch), causal_lm(model, batch)["loss"]
    kept = found.targets != found.ignore_index
    assert torch.equal(kept.sum(1).double(), counts)
    chosen = found.log_probabilities.gather(1, found.targets.clamp(min=0)[:, None])[:, 0]
    torch.testing.assert_close(-torch.where(kept, chosen, 0).sum(1), loss)


@pytest.mark.parametrize(
    ("name", "batch", "expected"),
    [
        ("causal_lm", {"text": "a"}, "the batch has no 'input_ids', but text"),
        ("causal_lm", 3, "a batch that is a int, expected a mapping"),
        ("causal_lm", torch.zeros(3), r"got \(3,\), expected a tensor of token ids of shape"),
        ("causal_lm", torch.zeros(3, 2), "are torch.float32, expected token ids of an integer"),
        ("causal_lm", {"input_ids": tokens(), "labels": tokens()[:, 1:]}, "the same shape"),
        ("causal_lm", {"input_ids": tokens(), "attention_mask": mask()[:, 1:]}, "does not fit"),
        ("causal_lm", {"input_ids": tokens(), "attention_mask": mask()[:, None]}, "does not fit"),
        ("causal_lm", (tokens(), tokens(2) + V), f"a label is .*, expected 0 to {V - 1}, or -100"),
        ("masked_lm", {"input_ids": tokens()}, "the batch has no 'labels'"),
        ("masked_lm", [tokens()], "list of 1"),
        ("seq2seq", (tokens(), tokens()), "tuple of 2, expected a mapping, or"),
    ],
)
def test_other_batches_are_refused(name, batch, expected):
    with pytest.raises(ProblemError, match=expected) as refused:
        OBJECTIVES[name](Tokens(), batch)
    assert str(refused.value).startswith(name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("outputs", [torch.zeros(3, V), torch.zeros(3, T + 1, V), "text", {}, ()])
def test_other_outputs_are_refused(outputs):
    with pytest.raises(ProblemError, match=r"^causal_lm: .*model"):
        causal_lm(lambda ids: outputs, tokens())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_losses_are_at_least_float32(dtype):
    ids, model = tokens(), Tokens()
    model.table.data = model.table.data.to(dtype)
    exact = Tokens()
    exact.table.data = model.table.data.double()
    found, expected = causal_lm(model, ids)["loss"][0], causal_lm(exact, ids)["loss"][0]
    torch.testing.assert_close(found, expected, rtol=3e-6, atol=0)
