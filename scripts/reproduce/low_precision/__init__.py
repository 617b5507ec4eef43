"""Training with weights on a coarse grid: rounding rules, exact chains, networks, figures."""
