"""`landscape slurm` as a black box; tests/slurm runs its scripts under Slurm."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from landscape_cli.config.durations import parse_duration
from landscape_cli.parallel.mpi_vendor import mpi_vendor


def sbatch_options(text):
    """Return the options in the #SBATCH lines."""
    lines = [line for line in text.splitlines() if line.startswith("#SBATCH ")]
    return [word for line in lines for word in shlex.split(line.removeprefix("#SBATCH "))]


def test_options_become_sbatch_options(landscape, workplace):
    config = workplace.config(output="runs/my surface.h5")
    code, out, err = landscape(
        *("slurm", config, "--nodes", 3, "--ntasks-per-node", 4, "--cpus-per-task", 2),
        *("--gpus-per-task", 1, "--time", "90m", "--partition", "long", "--account", "me"),
        *("--array", 5, "--mpi", "cray_shasta", "--sbatch", "--mem=8G", "--sbatch", "--exclusive"),
        *("--", "--x=-1:1:9", "--samples", 7),
    )
    assert (code, err) == (0, "")
    assert sbatch_options(out) == [
        *("--job-name=my surface", "--nodes=3", "--ntasks-per-node=4", "--cpus-per-task=2"),
        *("--gpus-per-task=1", "--time=1:30:00", "--array=1-5", "--signal=USR1@60"),
        *("--requeue", "--open-mode=append", "--output=my surface.%A_%a.log"),
        *("--partition=long", "--account=me", "--mem=8G", "--exclusive"),
    ]
    (line,) = [line for line in out.splitlines() if line.startswith("srun ")]
    start, _, rest = line.partition(" compute ")
    program = Path(shlex.split(start)[5])
    assert program.is_absolute()
    assert program.exists()
    assert "--mpi=cray_shasta" in start
    assert "--cpus-per-task=2" in start
    assert rest == 'run.yaml --x=-1:1:9 --samples 7 --shard "$SLURM_ARRAY_TASK_ID/5"'
    assert f"cd {shlex.quote(str(workplace.folder))} || exit\n" in out
    assert not list(workplace.folder.glob("*.h5"))
    assert subprocess.run(["bash", "-n"], input=out, text=True).returncode == 0


def test_measures_are_passed_on(landscape, workplace):
    code, out, err = landscape(
        "slurm", workplace.config(), "--time", "1h", "--", "--measure", "gradient"
    )
    assert (code, err) == (0, "")
    assert " compute run.yaml --measure gradient\n" in out


def test_the_time_limit_is_estimated_and_explained(landscape, workplace):
    config = workplace.config("example:slow", problem_args={"seconds": 0.2})
    grid = ("--", "--x", "-1:1:100", "--y", "-1:1:100")
    code, out, err = landscape("slurm", config, "--ntasks-per-node", 5, "--array", 2, *grid)
    assert (code, err) == (0, "")
    (time,) = [word.partition("=")[2] for word in sbatch_options(out) if word.startswith("--time=")]
    # Each rank of a shard computes 1000 points, at slightly more than 0.2 s.
    assert 600 <= parse_duration(time) <= 1200
    (note,) = [line for line in out.splitlines() if line.startswith("# The time limit: ")]
    assert note.startswith("# The time limit: 5000 points of each shard at 0.2")
    assert "on cpu with 1 thread, take 0:03:" in note
    assert "on 5 ranks" in note


def test_the_mpi_type_suits_the_installed_library(landscape, workplace):
    vendor = mpi_vendor()
    if vendor not in slurm_types():
        pytest.skip(f"MPI library here: {vendor}")
    _, out, _ = landscape("slurm", workplace.config(), "--nodes", 2, "--time", "1h")
    assert f"\nsrun --mpi={slurm_types()[vendor]} " in out


def slurm_types():
    return {"MPICH": "pmi2", "Open MPI": "pmix", "Intel MPI": "pmi2"}


def test_the_vendor_is_the_one_that_mpi_reports():
    pytest.importorskip("mpi4py")
    code = (
        "import mpi4py; mpi4py.rc.initialize = False; "
        "from mpi4py import MPI; print(MPI.get_vendor()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("mpi4py finds no MPI library")
    assert mpi_vendor() == done.stdout.strip()


def test_without_mpi_one_process_needs_none_and_more_are_refused(landscape, workplace, monkeypatch):
    monkeypatch.setattr("landscape_cli.parallel.mpi_vendor.mpi_vendor", lambda: None)
    config = workplace.config()
    assert "\nsrun --mpi=none " in landscape("slurm", config, "--time", "1h")[1]
    code, out, err = landscape("slurm", config, "--time", "1h", "--nodes", 2)
    assert (code, out) == (2, "")
    assert err.startswith("landscape: --mpi: no MPI library is here; choose a type")


def test_mpiexec_starts_the_number_of_ranks_that_slurm_sets(landscape, workplace):
    _, out, _ = landscape(
        "slurm", workplace.config(), "--nodes", 2, "--time", "1h", "--launcher", "mpiexec"
    )
    assert 'mpiexec -n "$SLURM_NTASKS" ' in out
    assert "--signal=B:USR1@60" in sbatch_options(out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--time", "soon"], "--time: got 'soon', expected a time"),
        (["--time", "1h", "--", "--colour", "3"], "No such option '--colour'"),
        (["--time", "1h", "--", "more.yaml"], "unexpected extra argument"),
        (["--time", "1h", "--", "--samples", "0"], "'--samples': 0 is not in the range"),
        (["--time", "1h", "--", "--set", "grid.x=3"], "run.yaml: grid.x: expected [MIN, MAX, N]"),
        (["--time", "1h", "--", "--overwrite"], "--overwrite: each time the job is requeued"),
        (["--time", "1h", "--", "--dry-run"], "--dry-run: "),
        (["--time", "1h", "--", "--shard", "1/2"], None),
        (["--time", "1h", "--array", "4", "--", "--shard=1/2"], "--shard: --array gives each"),
        (["--time", "1h", "--array", "21"], "shard: 1/21 of a grid of 20 points"),
        (["--time", "1h", "--array", "2", "--", "--adaptive", "0.1"], "adaptive needs; drop one"),
        (["--time", "1h", "--launcher", "mpiexec", "--mpi", "pmi2"], "--mpi pmi2: is an option of"),
        (["--nodes", "0"], "'--nodes': 0 is not in the range"),
    ],
)
def test_options_that_do_not_suit_a_job_are_refused_in_one_line(
    landscape, workplace, arguments, words
):
    code, out, err = landscape("slurm", workplace.config(), *arguments)
    assert (code, not out) == ((0, False) if words is None else (2, True))
    assert err.count("\n") == (words is not None)
    assert (words or "") in err


SHELL = "$(touch PWNED) `touch PWNED` ; touch PWNED # ' \" & | > PWNED"
UNSEEN = ["a\ntouch PWNED #", "a\r#SBATCH -N 9", "a\x1b]0;b\x07", "a\u202eb", "a\u2028b", "a\x85b"]


@pytest.mark.parametrize("text", UNSEEN, ids=ascii)
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--job-name"], "--job-name: "),
        (["--partition"], "--sbatch, --partition or --account: "),
        (["--account"], "--sbatch, --partition or --account: "),
        (["--sbatch"], "--sbatch, --partition or --account: "),
        (["--mpi"], "--mpi: "),
        (["--", "-o"], "COMPUTE OPTIONS: "),
        ([], "output: "),
    ],
)
def test_what_a_script_can_not_show_is_refused(landscape, workplace, text, arguments, named):
    config = workplace.config(output="s.h5" if arguments else f"{text}.h5")
    code, out, err = landscape(
        "slurm", config, "--time", "1h", *arguments, *[text][: len(arguments)]
    )
    assert (code, out) == (2, "")
    assert err.startswith(f"landscape: {named}")
    assert ascii(text)[1:-1] in err
    assert err.isascii()
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--job-name"], ["--partition"], ["--account"], ["--mpi"], ["--", "-o"], []]
)
def test_what_the_shell_would_run_is_quoted(landscape, workplace, tmp_path, arguments):
    config = workplace.config(output="s.h5" if arguments else f"{SHELL}/s.h5")
    words = [*arguments, SHELL] if arguments else []
    code, out, _ = landscape("slurm", config, "--time", "1h", "--array", 2, *words)
    assert code == 0
    (tmp_path / "srun").write_text("#!/bin/bash\n")
    (tmp_path / "srun").chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    variables = {"PATH": path, "SLURM_ARRAY_TASK_ID": "1"}
    done = subprocess.run(["bash"], input=out, env=variables, text=True, cwd=tmp_path)
    assert done.returncode == 0
    for line in [line[3:].strip() for line in out.splitlines() if line.startswith("#   cd")]:
        subprocess.run(
            ["bash", "-c", line.replace(" && ", " && echo ")], env=variables, cwd=tmp_path
        )
    assert not list(Path.cwd().rglob("PWNED")) + list(tmp_path.rglob("PWNED"))


@pytest.mark.parametrize("option", ["mem=4G", "rm -rf", "#SBATCH --wrap=ls", ""])
def test_another_option_for_sbatch_is_an_option(landscape, workplace, option):
    code, out, err = landscape("slurm", workplace.config(), "--time", "1h", "--sbatch", option)
    assert (code, out) == (2, "")
    assert err.startswith(f"landscape: --sbatch: got {option!r}, expected an option of sbatch")


def test_groups_of_ranks_must_fit_and_need_a_time_limit(landscape, workplace):
    config = workplace.config()
    code, out, err = landscape("slurm", config, "--ntasks-per-node", 3, "--", "--ranks-per-model=2")
    assert (code, out) == (2, "")
    assert "ranks_per_model: 2 does not divide the 3 ranks of this run" in err
    code, out, err = landscape("slurm", config, "--ntasks-per-node", 4, "--", "--ranks-per-model=2")
    assert (code, out) == (2, "")
    assert "can't be estimated on one; add --time" in err
    code, out, err = landscape(
        *("slurm", config, "--ntasks-per-node", 4, "--time", "1h", "--", "--ranks-per-model=2")
    )
    assert (code, err) == (0, "")
    assert "run.yaml --ranks-per-model=2" in out


def test_gpus_need_a_time_limit_if_none_is_here_to_estimate_it(landscape, workplace):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    code, out, err = landscape("slurm", workplace.config(), "--gpus-per-task", 2)
    assert (code, out) == (2, "")
    assert err == (
        "landscape: --gpus-per-task 2: there is no GPU here to estimate the time on; add --time\n"
    )
    assert landscape("slurm", workplace.config(), "--gpus-per-task", 2, "--time", "5m")[0] == 0
