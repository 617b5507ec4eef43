"""The public functions of the package, which ``import landscape_cli`` offers lazily."""
