import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from landscape_cli.errors import UsageError
from landscape_cli.plotting.animation import check_frames, check_movie, frames, write_movie
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.style import colormap


def flat(shade, shape=(40, 60)):
    return np.full((*shape, 3), shade, np.uint8)


def test_a_gif_has_the_frames_and_durations(tmp_path):
    path = tmp_path / "a.gif"
    write_movie(path, [flat(10), flat(120), flat(250)], rate=5, hold=1.5)
    with Image.open(path) as found:
        assert found.n_frames == 3
        shades, durations = [], []
        for number in range(3):
            found.seek(number)
            shades.append(found.convert("RGB").getpixel((5, 5)))
            durations.append(found.info["duration"])
    assert shades == [(10,) * 3, (120,) * 3, (250,) * 3]
    assert durations == [200, 200, 1500]
    assert [p.name for p in tmp_path.iterdir()] == ["a.gif"]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg")
def test_an_mp4_has_the_frames(tmp_path):
    path = tmp_path / "a.mp4"
    write_movie(path, [flat(10), flat(120), flat(250)], rate=5, hold=1)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-i", path, *raw], capture_output=True, check=True
    )
    found = np.frombuffer(done.stdout, np.uint8).reshape(-1, 40, 60, 3)
    assert found.mean(axis=(1, 2, 3)) == pytest.approx([10, 120, *[250] * 5], abs=4)


@pytest.mark.skipif(shutil.which("ffmpeg") is not None, reason="there is ffmpeg")
def test_an_mp4_needs_ffmpeg(tmp_path):
    with pytest.raises(UsageError, match=r"MP4 needs ffmpeg.*use \.gif"):
        check_movie(tmp_path / "a.mp4")


def test_a_failing_frame_leaves_no_file(tmp_path):
    def images():
        yield flat(1)
        raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match="No space left"):
        write_movie(tmp_path / "a.gif", images(), 4, 0)
    assert list(tmp_path.iterdir()) == []


def picture_of(surfaces, **options):
    request = Request(**options)
    names = [f"{number}.h5" for number in range(len(surfaces))]
    return request.picture(request.panels(surfaces, names))


@pytest.mark.parametrize("kind", ["heatmap", "surface"])
def test_frames_share_a_scale_and_a_shape(make_surface, kind):
    heights = (0.0, 5.0, 10.0)
    surfaces = [make_surface(np.full((4, 5), height), y="-1:1:4") for height in heights]
    found = list(frames(picture_of(surfaces, kind=kind), Page(dpi=50)))
    assert len({frame.shape for frame in found}) == 1
    height, width, _ = found[0].shape
    assert (height % 2, width % 2) == (0, 0)
    for place, frame in zip((0.0, 0.5, 1.0), found, strict=True):
        color = np.round(255 * np.array(colormap()(place)[:3]))
        near = np.abs(frame.astype(int) - color).max(axis=-1) < 12
        assert near.mean() > 0.1


def test_frames_of_lines_share_a_shape(make_surface):
    good, bad = np.arange(5.0), np.array([0, np.nan, 1, 2, np.inf])
    surfaces = [make_surface(values, y=None) for values in (good, bad, good)]
    shapes = {frame.shape for frame in frames(picture_of(surfaces), Page(style="dark", dpi=50))}
    assert len(shapes) == 1


def test_frames_with_different_grids_are_refused(make_panel):
    panels = [make_panel(lambda x, y: x, x=f"-1:1:{n}", source=f"{n}.h5") for n in (5, 5, 6)]
    check_frames(panels[:2])
    with pytest.raises(UsageError, match=r"6\.h5 has a different grid than 5\.h5"):
        check_frames(panels)
    with pytest.raises(UsageError, match="give two or more files"):
        check_frames(panels[:1])
