import contextlib
import os
import re
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from builders import surface
from landscape_cli.cli.watch import follow
from landscape_cli.records.tiles import Status
from landscape_cli.store import read_surface, write_surface
from support.processes import wait_until

GRID = {"x": [-1, 1, 9], "y": [-1, 1, 9]}


@pytest.fixture
def half(workplace):
    """An incomplete file that no run continues; the complete one is surface.h5."""
    whole = surface(lambda x, y: 1 + x**2 + y**2, "-1:1:9", "-1:1:9", stderr=0, seconds=1)
    status = whole.status.copy()
    status[5:] = Status.TODO
    status[::2, ::2] = Status.OK
    write_surface("surface.h5", whole)
    write_surface("half.h5", replace(whole, status=status))
    return "half.h5"


def interrupted(workplace, *arguments, until):
    """Interrupt a command in a terminal once it shows a text; return its exit code and output."""
    sent = []

    def seen(process, text):
        if until in text and not sent:
            sent.append(process.send_signal(signal.SIGINT))

    return workplace.in_terminal(*arguments, seen=seen)


def test_idle_time_counts_from_the_last_write(half):
    hour = time.time() - 3600
    os.utime(half, (hour, hour))
    assert next(follow([half], 1)).idle == pytest.approx(3600, abs=60)


@pytest.mark.mpi
@pytest.mark.slow
def test_a_run_is_followed_to_its_end(workplace):
    config = workplace.config("example:slow", grid=GRID, problem_args={"seconds": 0.1})
    run = workplace.start("compute", config, ranks=2)
    wait_until(run, lambda: list(workplace.folder.glob("surface.h5*")))
    told = workplace.start("info", "surface.h5", "--watch", "0.1")
    drawn = workplace.run("plot", "surface.h5", "--watch", "0.2", "--dpi", "40")
    out, err = told.communicate(timeout=60)
    assert (told.returncode, drawn.returncode, run.wait(60)) == (0, 0, 0), err + drawn.stderr
    counts = [int(count) for count in re.findall(r"surface.h5: (\d+) of 81 points", out)]
    assert counts == sorted(counts)
    assert len(set(counts)) > 2
    assert out.endswith("surface.h5: 81 of 81 points (100 %), complete\n")
    assert re.search(r"%\), [0-9.]+ point/s, 0:00:\d\d left\n", out)
    pictures = re.findall(r"wrote \S+surface.png, (\d+) % computed", drawn.stdout)
    assert pictures[-1] == "100"
    assert len(pictures) > 1
    assert imread(workplace.folder / "surface.png")[..., :3].std() > 0.05


@pytest.mark.parametrize("watch", [["--watch", "half.h5"], ["half.h5", "--watch", "0.1"]])
def test_ctrl_c_ends_quietly_and_leaves_the_terminal_as_it_was(workplace, half, watch):
    code, text = interrupted(workplace, "info", *watch, until="no run writes it now")
    assert code == 130
    assert "55 of 81 points (67 %)" in text
    assert "complete down to 5 x 5 points" in text
    assert text.startswith("\x1b[?25l\x1b[?7l")
    assert text.endswith("\x1b[?7h\x1b[?25h")
    assert "Traceback" not in text
    assert "landscape: " not in text


def test_a_picture_in_the_terminal_is_redrawn_in_place(workplace, half):
    code, text = interrupted(
        workplace, "plot", half, "--terminal", "--watch", "0.1", until="67 % computed"
    )
    assert code == 130
    assert "▀" in text
    assert not list(workplace.folder.glob("half.png"))


def test_frames_replace_each_other(workplace, half):
    whole = read_surface("surface.h5")

    def seen(process, text):
        if "55 of 81" in text:
            write_surface(half, whole)

    code, text = workplace.in_terminal("info", half, "--watch", "0.1", seen=seen)
    assert code == 0
    frames = text.split("\x1b[J")
    height = frames[0].count("\n")
    assert frames[1].startswith(f"\r\x1b[{height}A")
    assert "81 of 81 points (100 %), complete" in frames[-2]


def test_nothing_is_drawn_before_a_value_is_known(workplace, half):
    found = read_surface("surface.h5")
    todo = np.zeros_like(found.status)
    write_surface("half.h5", replace(found, status=todo))
    process = workplace.start("plot", half, "--watch", "0.1")
    assert process.stdout.readline() == "nothing to draw yet\n"
    write_surface("half.h5", found)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out == f"wrote {workplace.folder / 'half.png'}, 100 % computed\n"


def test_a_complete_file_is_shown_once(workplace, half, landscape):
    assert landscape("info", "surface.h5", "--watch") == (
        0,
        "surface.h5: 81 of 81 points (100 %), complete\n",
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["info", "no/gone.h5", "--watch"], "no/gone.h5: no such file"),
        (["plot", "no/gone.h5", "--watch"], "no/gone.h5: no such file"),
        (["info", "surface.h5", "--watch", "0"], "0.0 is not in the range 0.1<=x<=86400"),
        (["info", "surface.h5", "--watch", "--json"], "--watch: --json prints once"),
        (["plot", "surface.h5", "--watch", "--split", "val"], "--split 'val'"),
    ],
)
def test_mistakes_are_one_line(workplace, half, landscape, arguments, words):
    code, out, err = landscape(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_a_file_that_is_still_to_come_is_waited_for(workplace, half):
    def seen(process, text):
        if "waiting for later.h5, which no run writes yet" in text:
            with contextlib.suppress(FileNotFoundError):
                os.replace("surface.h5", "later.h5")

    code, text = workplace.in_terminal("info", "later.h5", "--watch", "0.1", seen=seen)
    assert code == 0
    assert text.count("waiting for") == 1
    assert "81 of 81 points (100 %)" in text


def test_ctrl_c_ends_waiting_quietly(workplace):
    code, text = interrupted(workplace, "plot", "later.h5", "--watch", until="waiting for")
    assert code == 130
    assert text.strip() == "waiting for later.h5, which no run writes yet"
