import numpy as np
import pytest
from PIL import Image

from builders import surface
from landscape_cli.store import write_surface


@pytest.fixture
def epochs(workplace):
    """Files of three planes, bowls of decreasing depth."""
    names = []
    for number in (1, 2, 3):
        names.append(f"epoch_{number}.h5")
        write_surface(names[-1], surface(lambda x, y, n=number: (x**2 + y**2) / n))
    write_surface("other.h5", surface(lambda x, y: x**2 + y**2, "-1:1:5", "-1:1:4"))
    return names


def test_a_turntable_rotates_around_surfaces_side_by_side(epochs, landscape, workplace):
    options = ["--turntable", 3, "--dpi", 40, "--elevation", 20, "-o", "a.gif"]
    code, out, err = landscape("animate", *epochs[:2], *options)
    assert (code, out) == (0, f"wrote {workplace.folder / 'a.gif'}\n")
    assert "a.gif: 3/3 frames" in err
    with Image.open("a.gif") as movie:
        assert movie.n_frames == 3
        assert movie.info["duration"] == 250
        assert movie.width > 1.3 * movie.height


def test_flat_kinds_do_not_rotate(epochs, landscape):
    options = ["--kind", "contour", "--turntable", 3, "-o", "a.gif"]
    code, _, err = landscape("animate", epochs[0], *options)
    assert code == 2
    assert "--kind contour is flat; use --kind surface or relief or render" in err


def test_an_animation_of_successive_surfaces(epochs, landscape, workplace):
    code, out, err = landscape("animate", *epochs, "-o", "a.gif", "--dpi", 50, "--fps", 10)
    assert code == 0
    assert out == f"wrote {workplace.folder / 'a.gif'}\n"
    assert "a.gif: 3/3 frames" in err
    with Image.open("a.gif") as movie:
        assert movie.n_frames == 3
        movie.seek(2)
        assert movie.info["duration"] == 2000
        assert np.asarray(movie.convert("RGB")).std() > 20


def test_an_animation_of_fields(epochs, landscape):
    options = ["--kind", "field", "--ascend", "y", "--around", "0", "--dpi", 50, "-o", "a.gif"]
    assert landscape("animate", *epochs[:2], *options)[0] == 0
    with Image.open("a.gif") as movie:
        assert movie.n_frames == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["epoch_1.h5", "-o", "a.gif"], "epoch_1.h5 alone is one frame"),
        (
            ["epoch_1.h5", "other.h5", "-o", "a.gif"],
            "other.h5 has a different grid than epoch_1.h5",
        ),
        (
            ["epoch_1.h5", "epoch_2.h5", "-o", "a.avi"],
            "one of .gif, .apng, .webp, .mp4",
        ),
        (["epoch_1.h5", "epoch_2.h5", "-o", "no/a.gif"], "the folder no does not exist"),
        (["epoch_1.h5", "gone.h5", "-o", "a.gif"], "gone.h5: no such file"),
        (["epoch_1.h5", "epoch_2.h5"], "Missing option '--output'"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(epochs, landscape, workplace, arguments, words):
    before = sorted(workplace.folder.iterdir())
    code, out, err = landscape("animate", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert sorted(workplace.folder.iterdir()) == before
