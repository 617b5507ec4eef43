"""``python -m landscape_cli``, the same as ``landscape``."""

from landscape_cli.cli import main

if __name__ == "__main__":
    main()
