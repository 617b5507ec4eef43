import pytest

from landscape_cli.config.auto_range import POINTS
from landscape_cli.config.loading import parse_config
from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.checkpoint import CheckpointDirection
from landscape_cli.records.grid import Axis
from landscape_cli.run.resume import resolve

BASE = "problem: example:regression\n"


def test_an_auto_range_has_a_placeholder():
    config = parse_config(BASE + "grid: {x: auto, y: [-1, 1, 5]}", "run.yaml")
    assert config.auto == ["x"]
    assert config.grid == {"x": Axis(-1, 1, POINTS), "y": Axis(-1, 1, 5)}
    assert config.directions["x"] == {"kind": "random", "seed": 1}
    found = config.with_ranges({"x": (-2.0, 2.0)})
    assert (found.auto, found.grid["x"]) == ([], Axis(-2, 2, POINTS))
    assert parse_config(config.as_yaml(), "copy").auto == ["x"]


@pytest.mark.parametrize(("text", "points"), [("auto:31", 31), ("AUTO: 7", 7), (" auto ", POINTS)])
def test_number_of_points(text, points):
    config = parse_config(BASE + "grid: {x: [0, 1, 3]}", "run.yaml", ranges={"x": text})
    assert (config.grid["x"].points, config.auto) == (points, ["x"])


def test_checkpoints_are_grid_points():
    text = BASE + "grid: {x: auto}\ndirections: {x: {kind: checkpoint, path: b.pt}}"
    config = parse_config(text, "run.yaml")
    points = resolve(config).grid["x"].points
    assert points == CheckpointDirection.auto_points == 53
    coordinates = Axis(-0.5, 1.5, points).coordinates.tolist()
    assert {0.0, 1.0} <= set(coordinates)


def test_a_range_of_the_command_line_replaces_auto():
    config = parse_config(BASE + "grid: {x: auto}", "run.yaml", ranges={"x": "-1:1:3"})
    assert (config.grid["x"], config.auto) == (Axis(-1, 1, 3), [])


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("grid: {x: 'auto:'}", "grid.x: expected auto or auto:N with N >= 2, got 'auto:'"),
        ("grid: {x: 'auto:1'}", "grid.x: expected auto or auto:N with N >= 2, got 'auto:1'"),
        ("grid: {x: 'auto:-3'}", "grid.x: expected auto or auto:N"),
        ("grid: {x: 'auto:3:4'}", "grid.x: expected auto or auto:N"),
        ("grid: {x: automatic}", "grid.x: range 'automatic'"),
        ("grid: {x: [0, 1, 2]}\nauto: [q]", "auto: there is no axis 'q'"),
        ("grid: {x: [0, 1, 2]}\nauto: [[]]", "auto: there is no axis []"),
    ],
)
def test_malformed_ranges_are_refused(keys, words):
    with pytest.raises(UsageError, match="run.yaml: ") as caught:
        parse_config(BASE + keys, "run.yaml")
    assert words in str(caught.value)
