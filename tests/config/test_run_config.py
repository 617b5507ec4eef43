import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.config.loading import load_config, parse_config
from landscape_cli.config.run_config import RunConfig
from landscape_cli.config.yaml_io import load_yaml
from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Axis

FULL = """
problem: my_problem:build
problem_args: {depth: 56}
checkpoint: runs/net.pt
directions:
  x: {kind: random, seed: 1, normalize: filter, ignore: biasbn}
  y: {kind: random, seed: 2}
orthogonal: false
grid: {x: [-1, 1, 51], y: [-1, 1, 51]}
splits: [train, test]
output: surface.h5
"""

words = st.text("abcdefgh_.:", min_size=1, max_size=8)
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
values = st.recursive(
    plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(words, v, max_size=3), max_leaves=8
)
axes = st.builds(
    lambda low, points: Axis(low, low + 1, points), st.floats(-9, 9), st.integers(2, 9)
)


@given(
    problem=words,
    problem_args=st.dictionaries(words, values, max_size=3),
    axes=st.lists(axes, min_size=1, max_size=3),
    orthogonal=st.booleans(),
    splits=st.none() | st.lists(words, min_size=1, max_size=3, unique=True),
)
def test_a_configuration_survives_its_yaml(problem, problem_args, axes, orthogonal, splits):
    config = RunConfig(
        problem=problem,
        problem_args=problem_args,
        grid=dict(zip("xyz", axes, strict=False)),
        orthogonal=orthogonal,
        splits=splits,
    )
    again = parse_config(config.as_yaml(), "test")
    assert again == config


@pytest.mark.parametrize(
    "text", ["0E0", "1e-3", "-2E+5", "1.e7", "yes", "1:30", "0x1f", "~", "1_0"]
)
def test_strings_that_look_like_other_types_stay_strings(text):
    config = RunConfig(problem="a:b", problem_args={text: text}, grid={"x": Axis(0, 1, 2)})
    assert parse_config(config.as_yaml(), "test").problem_args == {text: text}


def test_the_documented_configuration_is_read():
    config = parse_config(FULL, "test")
    assert config.grid == {"x": Axis(-1, 1, 51), "y": Axis(-1, 1, 51)}
    assert config.problem_args == {"depth": 56}
    assert config.splits == ["train", "test"]
    assert config.directions["y"] == {"kind": "random", "seed": 2}


def test_omitted_directions_are_random_with_their_own_seeds():
    config = parse_config("{problem: 'a:b', grid: {x: [0, 1, 2], y: '0:1:3'}}", "test")
    assert [config.directions[axis]["seed"] for axis in "xy"] == [1, 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": 3}, "unknown key 'colour'; the keys are problem, problem_args"),
        ({"problem": 3}, "problem: .*valid string, got 3"),
        ({"problem": None}, "problem: this key is required"),
        ({"grid": None}, "grid: this key is required"),
        ({"orthogonal": "perhaps"}, "orthogonal: .*got 'perhaps'"),
        ({"grid.x": [1, 0, 5]}, "grid.x: range 1:0:5|grid.x: range 1.0:0.0:5"),
        ({"grid.x": [0, 1]}, "grid.x: expected .MIN, MAX, N."),
        ({"grid.x": "a:b:c"}, "grid.x: range 'a:b:c'"),
        ({"grid.w": [0, 1, 2]}, "axes must be x, then y, then z"),
        ({"grid.x": None}, "axes must be x, then y, then z"),
        ({"directions.y": None}, "grid.y has no direction"),
        ({"grid.y": None}, "directions.y has no range"),
        ({"directions": 3}, "directions: .*got 3"),
        ({"splits": []}, "splits: expected distinct names"),
        ({"splits": ["a", "a"]}, "splits: expected distinct names"),
        ({"cache": "attic"}, "cache: .*got 'attic'"),
        ({"target_stderr": 0}, "target_stderr: .*got 0"),
        ({"target_stderr": 0.1, "samples": 9}, "target_stderr: 0.1 chooses .* drop one"),
        ({"batch_size": 0}, "batch_size: .*got 0"),
        ({"problem.more": 1}, "problem is 'my_problem:build', not a section"),
        ({"directions..x": 1}, "expected a dotted key"),
    ],
)
def test_errors_name_key_and_value(change, words):
    with pytest.raises(UsageError, match=words):
        parse_config(FULL, "test", change)


def test_ranges_of_the_command_line_override_the_file():
    config = parse_config(FULL, "test", ranges={"x": "-2:2:5", "y": None})
    assert config.grid == {"x": Axis(-2, 2, 5), "y": Axis(-1, 1, 51)}
    line = parse_config(FULL, "test", ranges={"x": None, "y": "none"})
    assert list(line.grid) == list(line.directions) == ["x"]
    text = "{problem: 'a:b', directions: {x: {seed: 7}}, grid: {x: [0, 1, 2]}}"
    plane = parse_config(text, "test", ranges={"y": "0:1:4"})
    assert plane.directions == {
        "x": {"kind": "random", "seed": 7},
        "y": {"kind": "random", "seed": 2},
    }


def test_a_star_stands_for_every_axis():
    text = "{problem: 'a:b', grid: {x: 0:1:2, y: 0:1:3}}"
    changed = parse_config(text, "test", {"directions.*.exclude": ["embeddings"]}, {"z": "0:1:2"})
    assert [(one["seed"], one["exclude"]) for one in changed.directions.values()] == [
        (seed, ["embeddings"]) for seed in (1, 2, 3)
    ]


def test_directions_are_put_in_the_order_of_the_axes():
    text = (
        "{problem: 'a:b', directions: {z: {}, y: {}, x: {}}, grid: {x: 0:1:2, y: 0:1:3, z: 0:1:2}}"
    )
    assert list(parse_config(text, "test").directions) == ["x", "y", "z"]
    text = "{problem: 'a:b', grid: {x: 0:1:2, y: 0:1:3}}"
    changed = parse_config(text, "test", {"directions.y.seed": 5})
    assert list(changed.directions) == ["x", "y"]


def test_a_seed_numbers_the_directions():
    config = parse_config(FULL, "test", seed=10)
    assert [config.directions[axis]["seed"] for axis in "xy"] == [10, 11]


def test_numbers_in_scientific_notation_are_numbers():
    assert load_yaml("[1e-3, -2E4, 1.5e+2]", "test") == [0.001, -20000.0, 150.0]
    assert load_yaml("[e3, 1e, 0x1e3]", "test")[:2] == ["e3", "1e"]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_configuration_or_refused(data):
    with pytest.raises(UsageError):
        parse_config(data, "test")


@given(st.dictionaries(st.sampled_from([*RunConfig.model_fields, "other"]), values, max_size=9))
def test_any_mapping_is_a_configuration_or_refused(mapping):
    try:
        config = parse_config(yaml.safe_dump(mapping), "test")
    except UsageError:
        return
    assert config.problem


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="can't read .*nowhere.yaml"):
        load_config(str(tmp_path / "nowhere.yaml"))
    with pytest.raises(UsageError, match="can't read"):
        load_config(str(tmp_path))


@pytest.mark.parametrize(
    ("quantize", "changes", "expected"),
    [
        ("8", {"quantize.bits": 3}, {"bits": 3, "per": "filter"}),
        ("8", {"quantize.per": "tensor"}, {"bits": 8, "per": "tensor"}),
        ("none", {"quantize.bits": 1}, {"bits": 1, "per": "filter"}),
        ("{bits: 8, exclude: fc.*}", {"quantize.bits": 2}, {"bits": 2, "exclude": ["fc.*"]}),
        ("{bits: 8, per: tensor}", {"quantize": "none"}, None),
        ("8", {"quantize": None}, None),
    ],
)
def test_the_bits_of_rounded_weights_have_a_short_form(quantize, changes, expected):
    text = f"problem: a:b\ngrid: {{x: [-1, 1, 3]}}\nquantize: {quantize}"
    found = parse_config(text, "test", changes).model_dump().get("quantize")
    assert found == (expected and {"per": "filter", **expected})


def test_kinds_of_curvature_are_changed_in_their_short_form():
    text = "problem: a:b\ngrid: {x: [-1, 1, 3]}\ncurvature: [extremes]"
    found = parse_config(text, "test", {"curvature.measures": "plane", "curvature.steps": 7})
    assert (found.curvature.measures, found.curvature.steps) == (["plane"], 7)
