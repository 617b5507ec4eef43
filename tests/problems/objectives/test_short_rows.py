"""Cross entropies of few classes: the bits of PyTorch's own, and its errors."""

import pytest
import torch
from torch.nn import functional

from landscape_cli.problems.objectives.short_rows import SAMPLES, sample_losses


def drawn(samples, classes, dtype=torch.float32):
    generator = torch.Generator().manual_seed(samples * 100 + classes)
    scores = torch.randn(samples, classes, generator=generator, dtype=dtype)
    targets = torch.randint(classes, (samples,), generator=generator)
    scale = torch.logspace(-6, 6, samples)[:, None]  # from all but equal to far apart
    return (scores * scale).to(dtype), targets


@pytest.mark.parametrize("classes", [1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 100])
@pytest.mark.parametrize("samples", [1, SAMPLES - 1, SAMPLES, SAMPLES + 1, 5 * SAMPLES + 7, 40003])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bits_are_those_of_pytorch(samples, classes, dtype):
    scores, targets = drawn(samples, classes, dtype)
    exact = functional.cross_entropy(scores, targets, reduction="none")
    assert torch.equal(sample_losses(scores, targets), exact)


def test_scores_that_are_not_finite():
    scores, targets = drawn(300, 10)
    scores[5, 2], scores[6, 3], scores[7] = torch.inf, torch.nan, -torch.inf
    scores[8, 1] = -torch.inf
    targets[8] = 1
    exact = functional.cross_entropy(scores, targets, reduction="none")
    assert torch.equal(sample_losses(scores, targets).nan_to_num(7.0), exact.nan_to_num(7.0))
    assert exact.isnan().sum() >= 3


def test_pixels_and_columns_of_other_tensors():
    torch.manual_seed(0)
    scores, targets = torch.randn(200, 5, 3), torch.randint(5, (200, 3))
    exact = functional.cross_entropy(scores, targets, reduction="none")
    assert torch.equal(sample_losses(scores, targets), exact)
    wide, targets = torch.randn(300, 24), torch.randint(5, (300,))
    exact = functional.cross_entropy(wide[:, 3:8], targets, reduction="none")
    assert torch.equal(sample_losses(wide[:, 3:8], targets), exact)


def test_ignored_and_unknown_classes():
    scores, targets = drawn(300, 10)
    targets[3] = -100
    assert sample_losses(scores, targets)[3] == 0
    targets[4] = 10
    with pytest.raises(IndexError, match="out of bounds"):
        sample_losses(scores, targets)


def test_gradients_are_those_of_pytorch():
    scores, targets = drawn(300, 10)
    scores.requires_grad_()
    (mine,) = torch.autograd.grad(sample_losses(scores, targets).sum(), scores)
    exact = functional.cross_entropy(scores, targets, reduction="none")
    assert torch.equal(mine, torch.autograd.grad(exact.sum(), scores)[0])
