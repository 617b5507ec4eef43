"""The blocks of README and of every page of docs, run in order; they must print what is shown."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from landscape_cli.config.loading import validate_config
from support.pages.blocks import ROOT, read_sessions, sessions
from support.pages.clone import Clone
from support.pages.outputs import compare
from support.pages.parsing import parse
from support.pages.preparations import COMMANDS, QUICK, names
from support.workplace import modules_forgotten

PAGES = [
    "README.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]
SESSIONS = {page: read_sessions(page) for page in PAGES}
BLOCKS = [block for page in PAGES for session in SESSIONS[page] for block in session.blocks]
IN_MAKE_TEST = ("README.md",)
STOPPED = 75
"""Exit code of a run that its time limit stopped."""


def marked():
    """Yield each session that is run, those with ranks and long ones marked so."""
    for page, found in SESSIONS.items():
        for session in found:
            if any(block.kind != "yaml" for block in session.blocks if runs(block)):
                ranks = "demo" in session.needs or "\n$ mpi" in f"\n{session.text}"
                marks = [pytest.mark.docs] * (page not in IN_MAKE_TEST)
                marks += [pytest.mark.mpi] * ranks
                yield pytest.param(session, marks=marks, id=str(session))


def runs(block):
    return "not run" not in block.marks


@pytest.mark.parametrize("session", list(marked()))
def test_the_blocks_do_what_is_shown(session, preparations, programs, tmp_path, monkeypatch):
    if "mpi" in session.text and not Path(sys.executable).with_name("mpiexec").exists():
        pytest.skip("no mpiexec beside this Python: pip install 'landscape-cli[mpich]'")
    # What `make test` runs, runs as it does for users.
    clone = Clone(tmp_path / "landscape", None if session.page in IN_MAKE_TEST else programs())
    preparations.prepare(clone, session.needs)
    known = names(session.needs)
    with modules_forgotten(clone.folder):
        for block in filter(runs, session.blocks):
            if "file" in block.marks:
                path = clone.here / block.marks["file"]
                path.parent.mkdir(exist_ok=True)
                path.write_text(block.text)
            elif "prepared" in block.marks:
                follow(clone, block, session.needs)
            elif block.kind == "console":
                run_console(clone, block)
            elif block.kind == "python":
                with monkeypatch.context() as patch:
                    patch.chdir(clone.here)
                    patch.syspath_prepend(clone.here)
                    exec(compile(block.text, str(block), "exec"), known)


def follow(clone, block, needs):
    """Go where a block goes whose commands have made what is prepared."""
    made = [command for name in needs for command in COMMANDS.get(name, ())]
    for command, _ in block.entries:
        if command.startswith("cd "):
            clone.enter(command.removeprefix("cd "))
        else:
            assert any(one.endswith(f"&& {command}") for one in made), f"{block}: {command}"


def run_console(clone, block):
    shown_any = any(output for _, output in block.entries)
    for command, shown in block.entries:
        if command.startswith("make "):
            continue
        if command.startswith("cd "):
            clone.enter(command.removeprefix("cd "))
            continue
        done = clone.run(command)
        refused = any(line.startswith("landscape: ") for line in shown.splitlines())
        allowed = {2} if refused else {0, STOPPED} if "--time-limit" in command else {0}
        assert done.returncode in allowed, f"{block}: {command}\n{done.stdout}"
        if shown_any and "output varies" not in block.marks:
            numbers = "numbers vary" not in block.marks
            compare(done.stdout, shown, str(clone.folder), numbers)


# What is not run, and what the marks must be


@pytest.mark.docs
@pytest.mark.parametrize("block", [one for one in BLOCKS if not runs(one)], ids=str)
def test_what_is_not_run_at_least_parses(block):
    if block.kind == "python":
        compile(block.text, str(block), "exec")
    elif block.kind == "console":
        for command, _ in block.entries:
            parse(command)


@pytest.mark.parametrize(
    "block", [one for one in BLOCKS if one.kind == "yaml" and runs(one)], ids=str
)
def test_configurations_are_valid(block):
    values = yaml.safe_load(block.text)
    if "file" in block.marks and "problem" not in values:
        pytest.skip("a file of another kind")
    axes = values.get("directions", "xy")
    missing = {"problem": "module:build", "grid": {axis: [-1, 1, 5] for axis in axes}}
    validate_config({**missing, **values}, str(block))


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_found(page):
    text = (ROOT / page).read_text()
    blocks = [block for session in SESSIONS[page] for block in session.blocks]
    assert len(blocks) == len(re.findall(r"^```(?:console|python|yaml)$", text, re.M))
    found = sum(len(block.entries) for block in blocks if block.kind == "console")
    assert found == text.count("\n$ ")


@pytest.mark.parametrize("page", PAGES)
def test_what_pages_need_can_be_prepared(page):
    for session in SESSIONS[page]:
        assert set(session.needs) <= {*COMMANDS, *QUICK, "demo"}


PAGE = """# Title

```console
$ first \\
    --a
out
$ for i in 1 2; do
>   two $i
> done
$ python -c "
print(1)"
1
```

<!-- not run: a
 reason -->

```python
x = 1
```

<!-- needs: demo, own problem -->
<!-- numbers vary -->
```console
$ last
```
"""


def test_a_page_is_divided_into_sessions_and_commands():
    first, second = sessions(PAGE)
    console, python = first.blocks
    assert console.entries == [
        ("first \\\n    --a", "out\n"),
        ("for i in 1 2; do\n  two $i\ndone", ""),
        ('python -c "\nprint(1)"', "1\n"),
    ]
    assert python.marks == {"not run": "a reason"}
    assert (second.needs, second.blocks[0].marks) == (("demo", "own problem"), {"numbers vary": ""})
    assert (console.line, second.blocks[0].line) == (4, 25)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- not run -->\n```yaml\na: 1\n```\n", "expected a reason"),
        ("<!-- not run: why -->\nText.\n\n```yaml\na: 1\n```\n", "no block follows"),
        ("<!-- numbers vary -->\n", "no block follows"),
        ("<!-- page numbers vary -->\n```yaml\na: 1\n```\n", "expected a reason"),
    ],
)
def test_marks_without_reason_or_block_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        sessions(text)


def test_output_is_compared_but_for_what_varies():
    compare("b 1.01\na\n", "a\nb 1.0\n", "/tmp/x")
    compare("wrote /tmp/x/runs/a.h5\n", "wrote /home/you/landscape/runs/a.h5\n", "/tmp/x")
    compare("one\ntwo 2.5\nthree\n", "...\ntwo 2.5\n", "/tmp/x")
    compare("8 of 9\n", "7 of 9\n", "/tmp/x", numbers=False)
    compare("to 1, of 10\nto 1\n", "to 0.5\nto 0.5, of 9\n", "/tmp/x", numbers=False)
    compare("1     2.3627 ±\n", "1    2.36267 ±\n", "/tmp/x", numbers=False)
    rate = "a.h5: {}/9 points, {} point/s, elapsed 00:{}, ETA {}\n"
    long = rate.format(5, 1.5, 30, "00:24") + rate.format(9, 1.6, 54, "00:00")
    compare(long, rate.format(9, 40, "01", "00:00"), "/tmp/x")


@pytest.mark.parametrize(
    ("got", "shown", "numbers"),
    [
        ("b 2.0\n", "b 1.0\n", True),
        ("a\nb\n", "a\n", True),
        ("a\n", "a\nb\n", True),
        ("one\n", "...\ntwo\n", True),
        ("8 of 9\n", "7 of 9\n", True),
        ("8 are\n", "7 is\n", False),
    ],
)
def test_output_that_differs_is_refused(got, shown, numbers):
    with pytest.raises(AssertionError):
        compare(got, shown, "/tmp/x", numbers)


@pytest.mark.parametrize(
    "command",
    [
        "landscape plot a.h5 --no-such-option",
        "mpiexec -n 2 landscape compute",
        "landscape slurm run.yaml -- --no-such-option | sbatch",
        "for i in 1; do\n  landscape info $i --nothing\ndone",
        "python scripts/train.py configs/own_problem.yaml --nothing",
    ],
)
def test_commands_with_unknown_options_are_refused(command):
    with pytest.raises(Exception, match="[Nn]o such option|Missing parameter"):
        parse(command)


def test_commands_with_known_options_parse():
    assert parse("mpiexec -n 2 landscape compute a.yaml --x -1:1:5 | tee log") == 1
    assert parse("landscape slurm run.yaml --array 4 -- --samples 9 | sbatch") == 1
    assert parse("scancel --signal=USR1 JOBID  # landscape is asked to stop") == 0
