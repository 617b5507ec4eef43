"""Tests that killed, starved and stopped runs finally give the surfaces of undisturbed runs."""

import os
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

from landscape_cli.records.tiles import Status
from landscape_cli.store import read_surface
from support.surfaces import assert_same_bits

pytestmark = [pytest.mark.chaos, pytest.mark.mpi]

ROUNDS = int(os.environ.get("LANDSCAPE_CHAOS_ROUNDS", "24"))
SETTING_UP, COMPUTING = 5.0, 6.0
"""Upper bounds in seconds on when a run is hit, after its start or after it starts computing."""


@pytest.fixture(scope="module")
def undisturbed(new_workplace, network):
    return new_workplace("undisturbed").surface(network, ranks=2)


def test_killed_again_and_again(start, chaos, network, undisturbed, capsys):
    complete, lost, latest, number = 0, 0, 0.0, 0
    points = []
    while sum(chaos.kills.values()) < ROUNDS:
        ranks = chaos.random.choice([2, 3, 4])
        job = start(network, "-o", f"s{number}.h5", ranks=ranks, surface=f"s{number}.h5")
        early = chaos.random.random() < 0.25
        if not early:
            job.watch(60, fresh=True)
        if job.watch(chaos.random.uniform(0, SETTING_UP if early else COMPUTING)):
            hit_at = time.time()
            chaos.kill(job)
            if job.seen and not read_surface(job.surface).complete:
                written = job.surface.stat().st_mtime
                latest = max(latest, hit_at - written if written > job.began else 0.0)
        else:
            assert job.process.returncode == 0, job.ended()
        if not job.surface.exists():
            continue
        surface = read_surface(job.surface)
        lost += max(0, job.seen - surface.done)
        points.append(surface.done)
        if surface.complete:
            assert_same_bits(surface, undisturbed)
            complete, number = complete + 1, number + 1
    last = start(network, "-o", f"s{number}.h5", ranks=2, surface=f"s{number}.h5")
    _, errors = last.ended()
    assert last.process.returncode == 0, errors
    assert_same_bits(read_surface(last.surface), undisturbed)
    with capsys.disabled():
        print(
            f"\n{ROUNDS} rounds, kills: {chaos.kills}; {complete + 1} surfaces complete, the same "
            f"bits as undisturbed; points lost that a file had: {lost}; a file was at most "
            f"{latest:.1f} s old when its run was killed"
        )
    assert lost == 0
    assert len(set(points)) > ROUNDS // 10  # runs were hit at different moments


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_segfaults_ends_the_job(start, network, undisturbed, rank):
    job = start(network, ranks=2)
    assert job.watch(60, enough=50)
    job.ranks()[rank].send_signal(signal.SIGSEGV)
    job.ended(timeout=30)
    assert job.process.returncode != 0
    assert 50 <= read_surface(job.surface).done < undisturbed.total
    again = start(network, ranks=3)
    assert again.ended()
    assert again.process.returncode == 0
    assert_same_bits(read_surface(again.surface), undisturbed)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_is_stopped_for_a_while(start, network, undisturbed, rank):
    job = start(network, ranks=2)
    assert job.watch(60, enough=50)
    victim = job.ranks()[rank]
    victim.suspend()
    time.sleep(5)
    assert job.process.poll() is None
    victim.resume()
    _, errors = job.ended()
    assert job.process.returncode == 0, errors
    assert_same_bits(read_surface(job.surface), undisturbed)


@pytest.fixture
def disk(tmp_path):
    """Mount a small separate file system."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Fill a file system completely."""
    with open(folder / "rubbish", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def as_anybody():
    """Return the words before a command that make root subject to permissions."""
    if os.geteuid():
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv to change that")
    return ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")


def read_only(folder, on):
    folder.chmod(0o500 if on else 0o700)


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_disk_that_is_full_or_read_only_for_a_while(start, network, undisturbed, disk, trouble):
    output = disk / "s.h5"
    job = start(network, "-o", output, ranks=2, surface=str(output), through=as_anybody())
    assert job.watch(60, enough=50)
    fill(disk) if trouble == "full" else read_only(disk, True)
    before = job.seen
    assert job.watch(3)
    assert read_surface(job.surface).done >= before
    (disk / "rubbish").unlink() if trouble == "full" else read_only(disk, False)
    _, errors = job.ended()
    assert job.process.returncode == 0, errors
    assert "computing continues" in errors
    assert "can be written again" in errors
    assert_same_bits(read_surface(job.surface), undisturbed)


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_permanently_full_disk_does_not_lose_the_values(
    start, network, undisturbed, disk, trouble
):
    output = disk / "s.h5"
    job = start(network, "-o", output, ranks=2, surface=str(output), through=as_anybody())
    assert job.watch(60, enough=50)
    fill(disk) if trouble == "full" else read_only(disk, True)
    _, errors = job.ended()
    assert job.process.returncode == 1, errors
    (rescued,) = re.findall(r"everything computed is in (\S+\.h5):", errors)
    assert_same_bits(read_surface(rescued), undisturbed)
    part = read_surface(output)
    done = part.status == Status.OK
    for key, values in part.values.items():
        np.testing.assert_array_equal(values[done], undisturbed.values[key][done])


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("kibibytes", [4, 16, 60])
def test_a_disk_that_is_too_small_for_the_directions(start, network, disk, ranks, kibibytes):
    """HDF5 held what it could not write, and crashed at the end: SIGSEGV, SIGBUS."""
    fill(disk)
    with open(disk / "rubbish", "r+b") as file:
        file.truncate(2 * 1024 * 1024 - 1024 * kibibytes)
    before = sorted(disk.iterdir())
    output = disk / "s.h5"
    job = start(network, "-o", output, "-q", ranks=ranks, surface=str(output))
    _, errors = job.ended()
    assert job.process.returncode == 2, errors
    assert errors.count("\n") == 1
    assert "No space left on device" in errors
    assert sorted(disk.iterdir()) == before
