import pytest

from landscape_cli.errors import UsageError
from landscape_cli.exports import FORMATS, Options, Source
from landscape_cli.exports.arrays import array_names, shown
from landscape_cli.exports.export_files import check_options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "valid"}, "--split 'valid': run.h5 has test, train; choose one of these"),
        (
            {"split": "test", "quantity": "loss"},
            "--quantity 'loss': run.h5 has accuracy; choose one of these",
        ),
        ({"repeat": 2}, "--repeat 2: run.h5 has 2 repeats; choose one from 0 to 1"),
        ({"repeat": -1}, "--repeat -1: run.h5 has 2 repeats; choose one from 0 to 1"),
    ],
)
@pytest.mark.parametrize("name", ["vtp", "vts", "stl", "csv", "npz"])
def test_a_missing_choice_is_refused_with_the_available_ones(
    write, make_surface, name, options, message
):
    keys = [("test", "accuracy"), ("train", "loss")]
    values = dict.fromkeys(keys, lambda x, y: [x + y, x - y])
    with pytest.raises(UsageError) as caught:
        write(make_surface(values, "0:1:3", "0:1:3", repeats=2), name, **options)
    assert str(caught.value) == message


def test_a_surface_without_repeats_has_none_to_choose(write, make_surface):
    with pytest.raises(UsageError, match="--repeat 0: run.h5 has no repeats; leave --repeat out"):
        write(make_surface([1, 2], "0:1:2"), "csv", repeat=0)


def test_a_surface_without_values_says_so(write, make_surface):
    surface = make_surface({}, "0:1:2", status=[0, 0])
    with pytest.raises(UsageError, match=r"run\.h5: holds no values; compute it first"):
        write(surface, "csv")


def test_heights_show_the_train_loss_if_there_is_one(make_surface):
    keys = [("a", "accuracy"), ("a", "loss"), ("train", "accuracy"), ("train", "loss")]
    source = Source(make_surface(dict.fromkeys(keys, (1, 2)), "0:1:2"), "run.h5", "run")
    assert shown(source, Options()) == ("train", "loss")
    assert shown(source, Options(split="a")) == ("a", "loss")
    assert shown(source, Options(quantity="accuracy")) == ("train", "accuracy")


def test_names_of_arrays_are_plain_and_distinct(make_surface):
    keys = [("a", "b_c"), ("a_b", "c"), ("a", "loss"), ("a", "loss_stderr"), ("a b", "ä/1")]
    names = array_names(make_surface(dict.fromkeys(keys, (1, 2)), "0:1:2"))
    assert list(names.values()) == ["a_b_c", "a_b_c_2", "a_loss", "a_loss_stderr_2", "a_b___1"]


@pytest.mark.parametrize("name", FORMATS)
def test_options_that_do_not_apply_to_a_format_are_refused(name):
    given = {"split": "a", "quantity": "b", "log": True, "repeat": 0, "vmin": 1.0, "size": 9.0}
    for option, value in given.items():
        if option in FORMATS[name].takes:
            check_options(name, Options(**{option: value}))
            continue
        with pytest.raises(UsageError, match=f"^--{option}.* applies only to .*, not to {name};"):
            check_options(name, Options(**{option: value}))
