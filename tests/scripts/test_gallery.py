"""Tests of the gallery: its page's pictures and commands, and how it is made."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image, ImageDraw

import builders
from landscape_cli.cli import cli
from landscape_cli.config.loading import load_config
from landscape_cli.store import write_surface
from support.scripts import STUDIES, load

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts" / "gallery"
IMAGES = ROOT / "docs" / "images" / "gallery"

MOST_BYTES, MOST_BYTES_TOGETHER = 220_000, 2_500_000
FEWEST_COLORS = 8


gallery, page, images, terminal, chromium = map(
    partial(load, folder=SCRIPTS), ("gallery", "page", "images", "terminal", "chromium")
)
BLOCKS = page.read(gallery.PAGE)
NAMES = [name for block in BLOCKS for name in block.images]
COMMANDS = [command for block in BLOCKS for command in block.commands]


# The page as it is


@pytest.mark.parametrize("name", NAMES)
def test_the_pages_pictures_exist(name):
    path = IMAGES / name
    assert path.stat().st_size < MOST_BYTES
    with Image.open(path) as image:
        colors = image.convert("RGB").getcolors(2**24)
        assert len(colors) >= FEWEST_COLORS
        # It is not nearly blank.
        assert max(colors)[0] < 0.98 * image.width * image.height
        assert getattr(image, "n_frames", 1) > 5 or path.suffix == ".png"


def test_the_folder_holds_only_the_pages_pictures():
    assert sorted(path.name for path in IMAGES.iterdir()) == sorted(NAMES)
    assert sum(path.stat().st_size for path in IMAGES.iterdir()) < MOST_BYTES_TOGETHER


def simple(command):
    """Return the commands in a shell text, which may be a loop over commands."""
    lines = command.replace("\\\n", " ").split("\n")
    words = [shlex.split(line) for line in lines]
    return [line for line in words if line[0] not in ("for", "done")]


def parser(words):
    """Return the command on a line, without its launcher, and its arguments."""
    if words[:3] == ["mpiexec", "-n", "2"]:
        words = words[3:]
    if words[:2] == ["python", "scripts/train.py"]:
        return load("train", ROOT / "scripts").command, words[2:]
    if words[:2] == ["python", "scripts/reproduce/games_bilinear.py"]:
        return load("games_bilinear", STUDIES).command, words[2:]
    assert words[0] == "landscape"
    with click.Context(cli) as context:
        return cli.get_command(context, words[1]), words[2:]


@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_the_pages_commands_parse(command):
    for words in simple(command):
        understood, arguments = parser(words)
        understood.make_context("command", arguments)
        for path in re.findall(r"\S+\.yaml", command):
            load_config(str(ROOT / path))


def test_every_command_and_picture_of_the_page_is_found():
    text = gallery.PAGE.read_text()
    assert len(COMMANDS) == text.count("\n$ ") > 20
    assert len(NAMES) == text.count("](images/") == len(set(NAMES)) > 15
    shown = [output for block in BLOCKS for _, output in block.entries if output]
    assert len(shown) == 2
    assert all(len(output.splitlines()) > 10 for output in shown)
    for path in re.findall(r"\]\(([^)#]+)\)", text):
        assert (gallery.PAGE.parent / path).exists()


# How it is made

TEXT = """# Title

```console
$ one --a \\
    --b
$ for i in 1 2; do
>   two $i
> done
```

![First](images/gallery/a.png) ![Second](images/gallery/b.gif)

```yaml
$ no: command
```

```console
$ three
old
lines
$ four
```

![Third](images/gallery/c.png)
"""


def test_blocks_hold_commands_and_the_pictures_below_them():
    first, second = page.blocks(TEXT)
    assert first.commands == ["one --a \\\n    --b", "for i in 1 2; do\n  two $i\ndone"]
    assert first.images == ("a.png", "b.gif")
    assert second.entries == (("three", "old\nlines\n"), ("four", ""))
    assert second.images == ("c.png",)


def test_only_shown_outputs_are_updated():
    outputs = dict.fromkeys(["three", "four", *page.blocks(TEXT)[0].commands], "new \\1\n")
    assert page.renewed(TEXT, outputs.get) == TEXT.replace("old\nlines\n", "new \\1\n")
    assert page.renewed(TEXT, {}.get) == TEXT


def test_commands_that_cannot_resume_are_run_once(tmp_path):
    commands = {
        "python scripts/train.py a.yaml --set checkpoint=net.pt": True,
        "landscape trajectory a.yaml --checkpoints 'e/*.pt' -o path.h5": True,
        "landscape compute a.yaml --time-limit 5s -o part.h5": True,
        "landscape compute a.yaml -o whole.h5": False,
        "landscape plot whole.h5 -o picture.png": False,
    }
    assert not any(gallery.is_done(command, tmp_path) for command in commands)
    for name in ("net.pt", "path.h5", "part.h5", "whole.h5", "picture.png"):
        (tmp_path / name).touch()
    assert {command: gallery.is_done(command, tmp_path) for command in commands} == commands


@pytest.mark.parametrize(
    ("step", "width", "mode"), [(16, images.WIDTH, "P"), (1, images.NARROW, "RGB")]
)
def test_a_picture_is_kept_small_and_keeps_its_marks(tmp_path, step, width, mode):
    """A picture with few colours keeps about those; one with many keeps all, but is narrower."""
    ramp = np.linspace(0, 255, 2000).astype(np.uint8) // step * step
    pixels = np.stack([np.tile(ramp, (500, 1))] * 3, axis=-1)
    pixels[..., 1] = np.arange(500)[:, None] // 2 // step * step
    image = Image.fromarray(pixels)
    ImageDraw.Draw(image).rectangle((300, 300, 340, 340), fill=(230, 20, 70))
    image.save(tmp_path / "made.png")
    images.keep(tmp_path / "made.png", tmp_path / "new" / "kept.png")
    with Image.open(tmp_path / "new" / "kept.png") as kept:
        assert kept.size == (width, round(500 * width / 2000))
        assert kept.mode == mode
        place = tuple(round(320 * width / 2000) for _ in range(2))
        assert np.abs(np.subtract(kept.convert("RGB").getpixel(place), (230, 20, 70))).max() < 12


def test_an_animation_keeps_its_frames_and_times(tmp_path):
    frames = [Image.new("RGB", (60, 40), "white") for _ in range(3)]
    for frame, color in zip(frames, ("red", "lime", "blue"), strict=True):
        frame.paste(color, (10, 10, 20, 20))
    times = [100, 100, 700]
    frames[0].save(tmp_path / "made.gif", save_all=True, append_images=frames[1:], duration=times)
    images.keep(tmp_path / "made.gif", tmp_path / "kept.gif")
    with Image.open(tmp_path / "kept.gif") as kept:
        assert kept.info["loop"] == 0
        for k, frame in enumerate(frames):
            kept.seek(k)
            assert kept.info["duration"] == times[k]
            off = np.subtract(np.asarray(kept.convert("RGB"), int), np.asarray(frame, int))
            assert np.abs(off).max() < 12
        assert kept.n_frames == 3


def test_a_terminals_colours_become_cells():
    rows = terminal.cells("\x1b[?25l\x1b[0m\x1b[38;2;1;2;3ma\x1b[48;2;4;5;6mb\x1b[0mc\x1b[K\r\n\n")
    assert [[(one.character, one.front, one.back) for one in row] for row in rows] == [
        [
            ("a", (1, 2, 3), terminal.BACK),
            ("b", (1, 2, 3), (4, 5, 6)),
            ("c", terminal.FRONT, terminal.BACK),
        ]
    ]
    with pytest.raises(ValueError, match="'7'"):
        terminal.cells("\x1b[7mx")


def test_blocks_and_dots_are_drawn_in_place():
    red, blue = (255, 0, 0), (0, 0, 255)
    row = [terminal.Cell(one, red, blue) for one in "▀▄█⠁⢀ x"]
    pixels = np.asarray(terminal.draw([row])).astype(int)
    (width, height), margin = terminal.CELL, terminal.MARGIN
    assert pixels.shape == (height + 2 * margin, 7 * width + 2 * margin, 3)
    inner = pixels[margin:-margin, margin:-margin]
    cells = [(inner[:, width * k : width * (k + 1)] == red).all(axis=-1) for k in range(7)]
    half = height // 2
    assert cells[0][:half].all()
    assert not cells[0][half:].any()
    assert cells[1][half:].all()
    assert not cells[1][:half].any()
    assert cells[2].all()
    assert cells[3][: height // 4, : width // 2].any()
    assert not cells[3][height // 4 :].any()
    assert cells[4][-height // 4 :, width // 2 :].any()
    assert not cells[4][: -height // 4].any()
    assert not cells[5].any()
    # A letter has soft edges.
    assert (inner[:, 6 * width :, 0] > 128).any()


def test_watching_commands_are_ended_by_ctrl_c(tmp_path):
    program = "import time; print('\x1b[0mshown', flush=True); time.sleep(60)"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} --watch"
    text, code = terminal.printed(command, os.environ, tmp_path)
    assert text.startswith("\x1b[0mshown\r\n")
    assert "KeyboardInterrupt" in text
    assert code != 0
    size = "import os; print(*os.get_terminal_size(1))"
    text, code = terminal.printed(
        f"{shlex.quote(sys.executable)} -c {shlex.quote(size)}", os.environ, tmp_path
    )
    assert (text, code) == (f"{terminal.COLUMNS} {terminal.ROWS}\r\n", 0)


def test_without_a_browser_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(chromium.NoBrowserError, match="pip install|apt-get install"):
        chromium.screenshot(tmp_path / "page.html", tmp_path / "page.png")


SMALL = """
```console
$ landscape plot bowl.h5 --kind heatmap --size 3x3 --dpi 60 -o runs/gallery/bowl.png
```

![A bowl](images/gallery/bowl.png)

```console
$ landscape plot bowl.h5 --terminal
```

![A bowl in a terminal](images/gallery/blocks.png)

```console
$ landscape describe bowl.h5
```

```console
$ ls bowl.h5
old
```
"""


@pytest.mark.slow
def test_a_small_page_is_made(tmp_path):
    shutil.copytree(SCRIPTS, tmp_path / "scripts" / "gallery")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "gallery.md").write_text(SMALL)
    surface = builders.surface(lambda x, y: 1 + x**2 + 3 * y**2, "-1:1:9", "-1:1:9", stderr=0)
    write_surface(tmp_path / "bowl.h5", surface)

    def make(*arguments):
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, str(tmp_path / "scripts/gallery/gallery.py"), *arguments],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            timeout=120,
        )

    done = make()
    assert done.returncode == 0, done.stderr
    assert "train loss: centre 1" in done.stdout
    kept = tmp_path / "docs" / "images" / "gallery"
    for name in ("bowl.png", "blocks.png"):
        with Image.open(kept / name) as image:
            assert len(image.convert("RGB").getcolors(2**24)) >= FEWEST_COLORS
    assert (tmp_path / "docs" / "gallery.md").read_text() == SMALL.replace("old", "bowl.h5")

    done = make("other.png")
    assert done.returncode == 2
    assert done.stderr == "gallery: other.png: not among bowl.png, blocks.png\n"
    (tmp_path / "bowl.h5").unlink()
    done = make("bowl.png")
    assert done.returncode == 2
    assert "gallery: ended with 2: landscape plot bowl.h5" in done.stderr
