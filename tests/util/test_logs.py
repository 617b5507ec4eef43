"""Messages, warnings and logs: their destinations, each message once."""

import re
import warnings

import pytest

from landscape_cli.cli import cli
from landscape_cli.cli.error_report import run as run_command
from landscape_cli.util import logs

WARNING = """
import warnings

from example import regression


def build(broken=False):
    for _ in range(3):
        warnings.warn("an old\\nfunction")
    return {}["nothing"] if broken else regression()
"""


@pytest.fixture(autouse=True)
def quiet_end():
    yield
    logs.end()


def warn(text):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(text, stacklevel=1)


def test_a_warning_is_one_line_once_and_on_rank_0(capsys):
    logs.begin(0, False)
    warn("two\nlines with 100 %s")
    warn("two\nlines with 100 %s")
    warn("another")
    one, two = capsys.readouterr().err.splitlines()
    said = r"warning: two lines with 100 %s \(UserWarning at .*test_logs\.py:\d+\)"
    assert re.fullmatch(said, one)
    assert two.startswith("warning: another (")
    logs.begin(1, False)
    warn("unheard")
    assert capsys.readouterr().err == ""


def test_a_log_takes_messages_and_warnings_until_it_is_closed(tmp_path, capsys):
    logs.begin(3, False)
    logs.keep(str(tmp_path / "logs"), 3)
    logs.tell("a line")
    warn("unheard")
    logs.OURS.debug("a detail")
    logs.end()
    logs.tell("later")
    assert capsys.readouterr().err == "a line\nlater\n"
    text = (tmp_path / "logs" / "rank-0003.log").read_text()
    assert re.search(r"^\d{4}-\d\d-\d\d \S+ INFO a line$", text, re.MULTILINE)
    assert re.search(r"WARNING .*UserWarning: unheard$", text, re.MULTILINE)
    assert "detail" not in text
    assert "later" not in text


def test_a_verbose_run_shows_details_once(capsys):
    logs.begin(0, True)
    logs.OURS.debug("a detail")
    logs.tell("a line")
    assert capsys.readouterr().err == "a detail\na line\n"


def test_a_log_that_can_t_be_written_is_refused(workplace, capsys):
    code = run_command(cli, ["compute", workplace.config(), "--log-dir", "example.py/logs"])
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"landscape: --log-dir: can't write '{workplace.folder}/example.py/logs")


def test_a_run_s_log_has_tiles_and_files_if_verbose(workplace, capsys):
    arguments = ["compute", workplace.config(), "-v", "--log-dir", "logs"]
    assert run_command(cli, arguments) == 0
    text = (workplace.folder / "logs" / "rank-0000.log").read_text()
    assert "INFO Linear: 4 parameters; samples: 50 train, 50 test" in text
    assert re.search(r"DEBUG published surface.h5 with 20 points in \d", text)
    points = [int(n) for n in re.findall(r"DEBUG tile of (\d+) points by rank 0 in ", text)]
    assert sum(points) == 20
    shown = capsys.readouterr().err
    assert len(re.findall(r"^tile of \d+ points by rank 0 in ", shown, re.MULTILINE)) == len(points)


@pytest.mark.mpi
def test_ranks_warn_once_and_each_keeps_a_log(workplace):
    workplace.write("warning.py", WARNING)
    config = workplace.config("warning:build", grid={"x": [-1, 1, 40], "y": [-1, 1, 40]})
    done = workplace.run("compute", config, "--log-dir", "logs", "-v", ranks=2)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("warning: an old function (UserWarning at ") == 1
    logged = [(workplace.folder / "logs" / f"rank-000{n}.log").read_text() for n in (0, 1)]
    assert all("UserWarning: an old" in text for text in logged)
    assert "1600/1600 points" in logged[0]
    tiles = re.findall(r"DEBUG tile of (\d+) points by rank (\d) in", logged[0])
    assert sum(int(points) for points, _ in tiles) == 1600
    assert {rank for _, rank in tiles} == {"0", "1"}
    assert logged[1].count("DEBUG tile of ") == len([rank for _, rank in tiles if rank == "1"])


def test_an_error_is_logged_with_its_traceback(workplace, capsys):
    workplace.write("warning.py", WARNING)
    config = workplace.config("warning:build", problem_args={"broken": True})
    assert run_command(cli, ["compute", config, "--log-dir", "logs"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    text = (workplace.folder / "logs" / "rank-0000.log").read_text()
    assert "ERROR landscape: problem: warning:build(broken=True) failed: KeyError" in text
    assert "Traceback (most recent call last):" in text
