"""Tests of the lock: of two runs with one output, the first keeps it unless it is dead."""

import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from landscape_cli.errors import LostLockError, StoreError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.store import Lock, Recorder, empty_surface, read_surface
from landscape_cli.store.locks import lock, lock_file

GRID = Grid({"x": Axis(0, 1, 4)})


@pytest.fixture
def output(tmp_path, monkeypatch):
    """Return an output path, with fast heartbeats and little patience."""
    monkeypatch.setattr(lock, "BEAT", 0.05)
    monkeypatch.setattr(lock, "PATIENCE", 1.0)
    monkeypatch.setattr(lock, "LOOKING", 0.01)
    return tmp_path / "s.h5"


def about(output):
    return json.loads(output.with_name("s.h5.lock").read_text())


def foreign(output, **changes):
    """Write a lock from another host, without heartbeats."""
    of = {"host": "elsewhere", "pid": 1, "place": "elsewhere 1", "token": "0", "beat": "0"}
    output.with_name("s.h5.lock").write_text(json.dumps(of | changes))


def test_a_lock_names_its_owner_and_is_removed_at_the_end(output):
    with Lock(output) as one:
        one.take()
        assert about(output)["pid"] == os.getpid()
        one.check()
        assert [path.name for path in output.parent.iterdir()] == ["s.h5.lock"]
    assert not list(output.parent.iterdir())


def test_a_lock_never_taken_removes_nothing(output):
    with Lock(output) as one, Lock(output) as other:
        one.take()
        other.check()
        other.release()
        one.check()


def test_a_second_live_run_is_refused(output):
    with Lock(output) as one, Lock(output) as other:
        one.take()
        first = about(output)["beat"]
        with pytest.raises(StoreError, match=rf"written by the run with pid {os.getpid()} on "):
            other.take()
        assert about(output)["beat"] > first
        other.release()
        one.check()


def test_a_silent_run_on_another_host_counts_as_dead_after_a_wait(output):
    foreign(output)
    said: list[str] = []
    with Lock(output, said.append) as one:
        begin = time.monotonic()
        one.take()
        assert time.monotonic() - begin >= 1.0
        one.check()
    assert said[-1] == (
        f"took over {output}.lock from the run with pid 1 on elsewhere, which is dead"
    )
    assert not list(output.parent.iterdir())


def test_a_dead_process_on_this_host_is_not_waited_for(output, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE", 1000.0)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    foreign(output, place=lock_file.this_place(), pid=process.pid)
    with Lock(output) as one:
        one.take()
        one.check()


def test_a_reused_pid_is_waited_for(output):
    foreign(output, place=lock_file.this_place(), pid=os.getpid())
    with Lock(output) as one:
        begin = time.monotonic()
        one.take()
        assert time.monotonic() - begin >= 1.0


def test_a_run_that_lost_its_lock_writes_nothing_more(output):
    old = Lock(output)
    old.take()
    recorder = Recorder(output, empty_surface(GRID, {"by": "old"}, {}), check=old.check)
    recorder.publish()
    old._ended.set()  # as if suspended
    with Lock(output) as new:
        new.take()
        Recorder(output, empty_surface(GRID, {"by": "new"}, {}), check=new.check).publish()
        for write in (recorder.publish, recorder.finish):
            words = r"no longer belongs to this run: .* pid \d+ on "
            with pytest.raises(LostLockError, match=words) as lost:
                write()
        assert lost.value.exit_code == 1
        old.release()
        new.check()
    assert read_surface(output).config == {"by": "new"}
    assert [path.name for path in output.parent.iterdir()] == ["s.h5"]


def test_a_lock_missing_beside_a_file_is_lost(output):
    with Lock(output) as one:
        one.take()
        output.write_text("what another run has completed")
        output.with_name("s.h5.lock").unlink()
        with pytest.raises(LostLockError, match="another run took over"):
            one.check()


def test_a_deleted_folder_is_recreated_with_its_lock(output):
    path = output.parent / "deep" / "s.h5"
    with Lock(path) as one:
        one.take()
        shutil.rmtree(path.parent)
        Recorder(path, empty_surface(GRID, {}, {}), check=one.check).publish()
        assert sorted(path.name for path in path.parent.iterdir()) == ["s.h5", "s.h5.lock"]
    assert [path.name for path in path.parent.iterdir()] == ["s.h5"]


def test_an_unwritable_lock_is_only_a_warning(tmp_path):
    (tmp_path / "file").write_text("")
    said: list[str] = []
    with Lock(tmp_path / "file" / "s.h5", said.append) as one:
        one.take()
        one.check()
    (text,) = said
    assert text.startswith(f"can't write {tmp_path}/file/s.h5.lock (")


def test_a_full_disk_is_only_a_warning(output):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    said: list[str] = []
    with Lock(output, said.append) as one:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            one.take()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        one.check()
    assert said == [
        f"can't write {output}.lock (File too large), so nothing keeps another run from writing "
        "s.h5 at the same time"
    ]
    assert not list(output.parent.iterdir())


garbage = st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {
            key: st.none() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
            for key in ("pid", "host", "token", "place")
        }
    ).map(lambda value: json.dumps(value | {"place": lock_file.this_place()}).encode()),
)


@settings(max_examples=100)
@given(content=garbage)
@example(content=b"")
@example(content=b"[" * 100_000)
@example(content=json.dumps({"place": lock_file.this_place(), "pid": 10**30}).encode())
def test_a_lock_of_garbage_counts_as_a_dead_run(output, monkeypatch, content):
    monkeypatch.setattr(lock, "PATIENCE", 0.02)
    output.with_name("s.h5.lock").write_bytes(content)
    said: list[str] = []
    with Lock(output, said.append) as one:
        one.take()
        one.check()
    assert "\n" not in said[-1]
    assert said[-1].startswith("took over ")
    assert not list(output.parent.iterdir())


def contend(path, start, results):
    lock.PATIENCE, lock.LOOKING, lock.BEAT = 2.0, 0.001, 0.02
    one = Lock(Path(path))
    start.wait()
    try:
        one.take()
    except StoreError:
        results.put("refused")
        return
    results.put("took")
    time.sleep(1.0)
    one.check()
    one.release()
    results.put("kept")


@pytest.mark.slow
def test_only_one_of_many_runs_takes_over_a_dead_one(output):
    context = multiprocessing.get_context("fork")
    for _ in range(2):
        foreign(output)
        start, results = context.Barrier(6), context.Queue()
        processes = [
            context.Process(target=contend, args=(output, start, results)) for _ in range(6)
        ]
        for process in processes:
            process.start()
        found = sorted(results.get(timeout=30) for _ in range(7))
        for process in processes:
            process.join()
        assert found == ["kept", *["refused"] * 5, "took"]
        assert not list(output.parent.iterdir())


OPERATIONS = ("open", "pwrite", "fsync", "replace", "unlink")
"""Functions of ``os`` with which a lock is taken, and between which its run may be killed."""


def killed_while_taking(output, survived):
    """Take a lock in a process that dies before the operation of this number; return if it did."""
    if (child := os.fork()) == 0:
        left = [survived]

        def dying(operation):
            def call(*arguments, **keys):
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
                return operation(*arguments, **keys)

            return call

        for name in OPERATIONS:
            setattr(lock_file.os, name, dying(getattr(os, name)))
        try:
            Lock(output).take()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def take_and_release(output):
    begin = time.monotonic()
    with Lock(output) as one:
        one.take()
        one.check()
        assert about(output)["pid"] == os.getpid()
    assert time.monotonic() - begin < 30
    assert not list(output.parent.iterdir())


@pytest.fixture
def patient(output, monkeypatch):
    """A path whose locks are only waited for if their process lives."""
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    return output


def test_a_kill_at_any_moment_of_a_take_over_leaves_an_output_that_can_be_taken(patient):
    kills = 0
    while True:
        foreign(patient, place=lock_file.this_place(), pid=2**22 + 1)
        if not killed_while_taking(patient, kills):
            break
        take_and_release(patient)
        kills += 1
    assert kills >= 5


@pytest.mark.slow
@settings(max_examples=15)
@given(moments=st.lists(st.integers(0, 12), min_size=1, max_size=6), empty=st.booleans())
def test_kills_during_the_take_over_of_take_overs(patient, moments, empty):
    foreign(patient, place=lock_file.this_place(), pid=2**22 + 1)
    if empty:
        patient.with_name("s.h5.lock").write_bytes(b"")
    for survived in moments:
        killed_while_taking(patient, survived)
    take_and_release(patient)


def test_a_claim_of_an_earlier_version_does_not_block(patient):
    foreign(patient, place=lock_file.this_place(), pid=2**22 + 1)
    content = patient.with_name("s.h5.lock").read_bytes()
    claim = patient.with_name(f"s.h5.lock.{hashlib.sha256(content).hexdigest()[:16]}")
    claim.write_text(json.dumps({"host": "vm", "pid": 4782, "place": "vm another boot"}))
    take_and_release(patient)


def test_a_live_claim_is_respected(output):
    foreign(output, place=lock_file.this_place(), pid=2**22 + 1)
    content = output.with_name("s.h5.lock").read_bytes()
    claim = output.with_name(f"s.h5.lock.{hashlib.sha256(content).hexdigest()[:16]}")
    with Lock(output) as one, Lock(output) as other:
        assert one._create(claim)  # as if about to replace the lock, on a slow disk
        threading.Thread(target=one._keep_beating, daemon=True).start()
        with pytest.raises(StoreError, match=rf"written by the run with pid {os.getpid()} on "):
            other.take()
        assert one._is_ours(claim.read_bytes())


def test_a_run_that_lost_its_claim_gives_way(output, monkeypatch):
    foreign(output, place=lock_file.this_place(), pid=2**22 + 1)
    slow, quick = Lock(output), Lock(output)
    replace = os.replace

    def much_later(old, new):
        monkeypatch.setattr(os, "replace", replace)
        slow._ended.set()  # it stands still and gives no sign of life
        quick.take()
        slow._ended.clear()
        replace(old, new)

    monkeypatch.setattr(os, "replace", much_later)
    with slow, quick:
        with pytest.raises(StoreError, match="is being written by"):
            slow.take()
        quick.check()
    assert not list(output.parent.iterdir())


def test_a_forked_child_does_not_release_the_lock(output):
    with Lock(output) as one:
        one.take()
        if (child := os.fork()) == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        one.check()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_zombie_is_dead():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert lock_file.alive(process.pid)
        process.stdin.close()
        deadline = time.monotonic() + 30
        while lock_file.alive(process.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(process.pid, 0)  # it still exists, as a zombie
