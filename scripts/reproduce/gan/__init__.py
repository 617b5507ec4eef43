"""Generative adversarial networks: their game, its data, training, scores and pictures."""

METHODS = ("alternating", "prediction")
"""Ways in which the steps of the two players follow each other."""


def name_of(data: str, optimizer: str, method: str, lr: float, seed: int) -> str:
    """Return the stem of a training run's files."""
    return f"{data}_{optimizer}_{method}_{lr:g}_{seed}"
