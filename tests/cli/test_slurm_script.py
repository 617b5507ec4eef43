"""The text of a batch script, and its behaviour in a shell."""

import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.cli.slurm_script import RESTARTS, TASKS, Job, rounded_time, script, srun
from landscape_cli.config.durations import parse_duration
from landscape_cli.errors import UsageError

JOB = Job(
    program=("/env/bin/landscape",),
    config="run.yaml",
    options=("--x", "-1:1:5"),
    folder="/home/you/work",
    output="runs/surface.h5",
    time="1:00:00",
    note="as requested",
    nodes=2,
    tasks=8,
    cpus=4,
    gpus=None,
    array=None,
    launcher=("srun", "--mpi=pmi2"),
    settings=("--partition=long",),
    name="surface",
)

SCRIPT = f"""\
#!/bin/bash
#SBATCH --job-name=surface
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=8
#SBATCH --cpus-per-task=4
#SBATCH --time=1:00:00
#SBATCH --signal=USR1@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=surface.%j.log
#SBATCH --partition=long
# The time limit: as requested.

cd /home/you/work || exit
export OMP_NUM_THREADS=${{SLURM_CPUS_PER_TASK:-1}}

srun --mpi=pmi2 /env/bin/landscape compute run.yaml --x -1:1:5
code=$?

# 75: stopped early, to be continued. Requeueing the job ends this script.
if [ "$code" = 75 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {RESTARTS} ] &&
    scontrol requeue "$SLURM_JOB_ID"; then
    sleep 60
fi
exit "$code"
"""

ARRAY = replace(JOB, array=4, gpus=1)
MPIEXEC = replace(JOB, launcher=("/env/bin/mpiexec", "-n", TASKS))


def test_the_script_of_a_plain_job():
    assert script(JOB) == SCRIPT


def test_an_array_gives_each_task_its_shard_and_ends_with_the_merge_command():
    text = script(ARRAY)
    for line in (
        "#SBATCH --array=1-4",
        "#SBATCH --gpus-per-task=1",
        "#SBATCH --output=surface.%A_%a.log",
        "srun --mpi=pmi2 /env/bin/landscape compute run.yaml --x -1:1:5 "
        '--shard "$SLURM_ARRAY_TASK_ID/4"',
        '    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; then',
        "#   cd /home/you/work && /env/bin/landscape merge runs/surface.h5 "
        "runs/surface.shard-*-of-4.h5",
        "#   sbatch --dependency=afterok:ID --chdir=/home/you/work "
        "--wrap='/env/bin/landscape merge runs/surface.h5 runs/surface.shard-*-of-4.h5'",
    ):
        assert line in text.splitlines()


def test_the_srun_command():
    start = ["srun", "--mpi=pmix", "--kill-on-bad-exit=0", "--wait=10"]
    assert srun("pmix", None) == start
    assert srun("pmix", 3) == [*start, "--cpus-per-task=3"]


def run_script(text, folder, **variables):
    """Run a script like Slurm's shell, with stand-ins from a folder for some programs."""
    path = f"{folder}:/usr/bin:/bin"
    environment = {"PATH": path, "SLURM_JOB_ID": "12", "SLURM_NTASKS": "3", **variables}
    return subprocess.run(
        ["bash", "-c", text], env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def programs(tmp_path):
    """A folder of programs that print their arguments; srun and mpiexec exit with ``$CODE``."""
    for name, code in (("srun", "$CODE"), ("mpiexec", "$CODE"), ("scontrol", "$REFUSED")):
        lines = f'#!/bin/bash\nprintf "<%s>" "${{0##*/}}" "$@"\nexit {code}\n'
        (tmp_path / name).write_text(lines)
    (tmp_path / "sleep").write_text("#!/bin/bash\necho waiting\n")
    for path in tmp_path.iterdir():
        path.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("launcher", ["srun", "mpiexec"])
@pytest.mark.parametrize(
    ("code", "restarts", "refused", "requeued"),
    [
        ("0", "", "0", False),
        ("1", "", "0", False),
        ("75", "", "0", True),
        ("75", str(RESTARTS - 1), "0", True),
        ("75", str(RESTARTS), "0", False),
        ("75", "", "1", False),
        ("137", "", "0", False),
    ],
)
def test_only_a_job_that_stopped_early_is_requeued(
    programs, tmp_path, launcher, code, restarts, refused, requeued
):
    words = (launcher,) if launcher == "srun" else ("mpiexec", "-n", TASKS)
    job = replace(JOB, launcher=words, folder=str(tmp_path))
    variables = {"SLURM_RESTART_COUNT": restarts} if restarts else {}
    done = run_script(script(job), programs, CODE=code, REFUSED=refused, **variables)
    assert done.returncode == int(code)
    assert done.stderr == ""
    assert ("<requeue><12>" in done.stdout) == (requeued or refused == "1")
    assert ("waiting" in done.stdout) == requeued
    started = done.stdout.partition("<scontrol>")[0]
    ranks = "" if launcher == "srun" else "<-n><3>"
    assert started == f"<{launcher}>{ranks}</env/bin/landscape><compute><run.yaml><--x><-1:1:5>"


words = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=12)


@given(words, words, st.sampled_from([JOB, ARRAY, MPIEXEC]))
def test_names_are_quoted(tmp_path, config, option, job):
    text = script(replace(job, config=config, options=(option,), output=config, name="a b"))
    checked = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    (line,) = [line for line in text.split("\n") if line.startswith(job.launcher[0])]
    shown = f"set -f; {line.removesuffix(' &')}".replace(job.launcher[0], "printf '%s\\n'", 1)
    done = subprocess.run(
        ["bash", "-c", shown], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert f"/env/bin/landscape\ncompute\n{config}\n{option}\n" in done.stdout
    assert "#SBATCH '--job-name=a b'" in text


@pytest.mark.parametrize("field", ["config", "folder", "output", "name", "note", "time"])
@pytest.mark.parametrize("end", ["\n", "\r", "\0"])
def test_no_text_adds_a_line(field, end):
    with pytest.raises(UsageError, match=f"{field}: got .* has a line break"):
        script(replace(JOB, **{field: f"a{end}touch PWNED #"}))
    for words in ("program", "options", "launcher", "settings"):
        with pytest.raises(UsageError, match=f"{words}: got .* has a line break"):
            script(replace(JOB, **{words: ("srun", f"--a{end}#SBATCH --wrap=b")}))


def test_a_word_that_looks_like_the_number_of_ranks_is_quoted():
    text = script(replace(MPIEXEC, config=TASKS, options=(f"a'{TASKS}'b",)))
    (line,) = [line for line in text.splitlines() if line.startswith("/env/bin/mpiexec")]
    shown = line.replace("/env/bin/mpiexec", "printf '%s\\n'", 1).removesuffix(" &")
    done = subprocess.run(
        ["bash", "-c", shown], capture_output=True, text=True, env={"SLURM_NTASKS": "3"}
    )
    assert done.stdout.split("\n")[:6] == [
        *("-n", "3", "/env/bin/landscape", "compute", TASKS, f"a'{TASKS}'b")
    ]


def test_an_output_like_an_option_is_merged_as_a_file():
    text = script(replace(ARRAY, output="-rf.h5"))
    assert "merge ./-rf.h5 ./-rf.shard-*-of-4.h5" in text


@given(st.floats(0, 1e6))
def test_the_time_limit_leaves_a_margin_and_is_rounded(seconds):
    limit = parse_duration(rounded_time(seconds))
    assert limit % 300 == 0
    assert 1.5 * seconds + 300 <= limit < 1.5 * seconds + 600.001


@pytest.mark.parametrize(
    ("seconds", "time"), [(0, "0:05:00"), (1, "0:10:00"), (200, "0:10:00"), (86400, "1-12:05:00")]
)
def test_known_time_limits(seconds, time):
    assert rounded_time(seconds) == time
