"""Comparison of configurations."""

from landscape_cli.config.comparison import differences
from landscape_cli.config.loading import parse_config

TEXT = """
problem: my_problem:build
grid: {x: [-1, 1, 51], y: [-1, 1, 51]}
splits: [train, test]
output: a.h5
"""


def test_differences_are_listed_by_key():
    stored = parse_config(TEXT, "test").model_dump()
    changes = {"directions.x.seed": 9, "grid.y": [0, 1, 3], "output": "b.h5", "splits": None}
    lines = differences(stored, parse_config(TEXT, "test", changes))
    assert [line.split(":")[0] for line in lines] == ["directions.x.seed", "grid.y"]
    assert lines[0] == "directions.x.seed: 1 in the file, 9 now"


def test_a_configuration_does_not_differ_from_its_yaml():
    config = parse_config(TEXT, "test", {"problem_args.rate": 0.1, "repeats": 3})
    assert differences(config.model_dump(), parse_config(config.as_yaml(), "test")) == []


def test_keys_missing_from_older_files_have_the_values_of_that_time():
    config = parse_config(TEXT, "test")
    older = {k: v for k, v in config.model_dump().items() if k not in ("precision", "repeats")}
    assert differences(older, config) == []
    changed = parse_config(TEXT, "test", {"precision": "bf16"})
    assert differences(older, changed, ("there", "here")) == [
        "precision: 'fp32' there, 'bf16' here"
    ]
