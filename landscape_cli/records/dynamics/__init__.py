"""How trainings move through parameter space, as far as it is stored."""
