import re
import sys

import numpy as np
import pytest

from landscape_cli.records.tiles import TileResult
from landscape_cli.run.rank_speed import Pace
from landscape_cli.util import progress
from landscape_cli.util.progress import Progress


def test_a_log_gets_plain_lines_with_an_estimate(capsys, monkeypatch):
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with Progress(10, "s.h5", done=2) as bar:  # 0 s
        bar.update(2)  # 20 s: too early for a line
        bar.update(2, "loss 0.5")  # 40 s: late enough, 60 s: the line
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("s.h5: 6/10 points, 0.0667 point/s, elapsed 01:00, ETA 01:00")
    assert lines[0].endswith("loss 0.5")
    assert len(lines) == 2


def test_a_log_names_the_slowest_rank(capsys, monkeypatch):
    clock = iter(range(0, 1000, 40))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    pace = Pace(3)
    with Progress(10, "s.h5", remark=pace.remark) as bar:
        for rank, seconds in ((0, 2.0), (1, 8.0), (2, 4.0)):
            each = np.full(4, seconds / 4, np.float32)
            pace.add(TileResult((0, 1, 2, 3), {}, {}, each, rank))
            bar.update(2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert "slowest" not in lines[0]  # only one rank so far
    assert lines[1].endswith(", slowest rank 1: 0.5 point/s")
    assert lines[2].endswith(", slowest rank 1: 0.5 point/s")
    assert "slowest" not in lines[3]  # the final line


def test_quiet_progress_prints_nothing(capsys):
    with Progress(3, "s.h5", quiet=True) as bar:
        bar.update(3)
    assert capsys.readouterr() == ("", "")


def test_a_failure_prints_no_final_line(capsys):
    with pytest.raises(ValueError, match="broken"), Progress(3, "s.h5"):
        raise ValueError("broken")
    assert capsys.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [None, pytest.param(2, marks=pytest.mark.mpi)])
def test_a_terminal_gets_a_bar_under_a_launcher_too(workplace, ranks):
    if ranks and not sys.platform.startswith("linux"):
        pytest.skip("the destination of a launcher's output is only known on Linux")
    code, seen = workplace.in_terminal("compute", workplace.config(), ranks=ranks)
    assert code == 0, seen
    assert re.search(r"surface.h5: 100%\|.*20/20", seen)
    assert "\r" in seen
