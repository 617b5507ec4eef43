"""Animated files have the frames, the durations and the colours that were asked for."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from landscape_cli.errors import UsageError
from landscape_cli.plotting.movies.files import check_movie, write_movie
from landscape_cli.plotting.movies.palette import with_palette
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
    with pytest.raises(UsageError, match=r"MP4 needs ffmpeg.*use \.webp"):
        check_movie(tmp_path / "a.mp4")


def test_a_failing_frame_leaves_no_file(tmp_path):
    def images():
        yield flat(1)
        raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match="No space left"):
        write_movie(tmp_path / "a.gif", images(), 4, 0)
    assert list(tmp_path.iterdir()) == []


def shaded(shift):
    """Return a frame with a smooth gradient of many colours."""
    x, y = np.meshgrid(np.linspace(0, 1, 90), np.linspace(0.5, 1, 60))
    colors = np.asarray(colormap()((x + shift) % 1))[..., :3] * y[..., None]
    return np.uint8(255 * colors)


@pytest.mark.parametrize("ending", ["apng", "webp"])
def test_formats_of_24_bits_keep_every_pixel(tmp_path, ending):
    path, sent = tmp_path / f"a.{ending}", [shaded(0), shaded(0.1), shaded(0.2)]
    check_movie(path)
    write_movie(path, sent, rate=5, hold=1.5)
    durations = []
    with Image.open(path) as found:
        assert found.n_frames == 3
        for number, frame in enumerate(sent):
            found.seek(number)
            np.testing.assert_array_equal(np.asarray(found.convert("RGB")), frame)
            durations.append(found.info["duration"])
    assert durations == [200, 200, 1500]
    check_movie(path)  # a file of the same kind may be replaced


def test_frames_of_a_gif_share_a_palette_near_their_colours():
    sent = [shaded(shift) for shift in (0, 0.05, 0.1)]
    made = with_palette(sent)
    assert len({tuple(image.getpalette()) for image in made}) == 1
    shown = [np.asarray(image.convert("RGB")).astype(int) for image in made]
    errors = np.abs(np.stack(shown) - np.stack(sent))
    assert errors.mean() < 4
    assert errors.max() < 40
    same = (sent[0] == sent[1]).all(axis=2)
    np.testing.assert_array_equal(shown[0][same], shown[1][same])


def test_few_colours_are_kept_as_they_are():
    sent = [np.random.default_rng(k).integers(0, 5, (9, 9, 3)).astype(np.uint8) for k in range(2)]
    for image, frame in zip(with_palette(sent), sent, strict=True):
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), frame)
