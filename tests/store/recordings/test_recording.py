"""Recordings that grow, are joined, cut and damaged."""

import json
import math
import zlib

import pytest

from landscape_cli.errors import StoreError, UsageError
from landscape_cli.store.recordings import Facts, Layout, Recording, Writer, writer
from landscape_cli.store.recordings.layout import Spec
from landscape_cli.store.recordings.writing import write_joined, write_single

LAYOUT = Layout([Spec("w", "F32", (2,)), Spec("n", "I64", ())])


@pytest.fixture(autouse=True)
def _few_files(monkeypatch):
    """Join as soon as there are four files."""
    monkeypatch.setattr(writer, "MOST_FILES", 4)


@pytest.fixture
def opened():
    """Open writers, and close them at the end."""
    writers = []

    def opened(folder, step=0, resume=False):
        while writers:
            writers.pop().close()
        writers.append(Writer(folder, step, resume))
        return writers[0]

    yield opened
    for one in writers:
        one.close()


def data_of(step):
    return bytes([step % 256]) * LAYOUT.bytes


def add(to, *steps):
    for step in steps:
        to.add(Facts(step, lr=step / 10, loss=math.nan), LAYOUT, memoryview(data_of(step)))


def check(folder, *steps):
    """Compare all that can be read with these steps."""
    recording = Recording(folder)
    assert list(recording.facts()) == list(steps)
    for step in steps:
        layout, data = recording.read(step)
        assert (layout, bytes(data)) == (LAYOUT, data_of(step))
        facts, _ = recording.find(step)
        assert facts.lr == step / 10
        assert math.isnan(facts.loss)
    for step in set(range(max(steps, default=0) + 2)) - set(steps):
        assert recording.find(step) is None


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".safetensors")


def test_steps_are_joined_as_they_become_many(tmp_path, opened):
    to = opened(tmp_path)
    for number, step in enumerate(range(0, 100, 10)):
        add(to, step)
        check(tmp_path, *range(0, step + 1, 10))
        assert len(names(tmp_path)) == (number + 1) // 4 + (number + 1) % 4
    assert names(tmp_path)[:2] == [
        "recorded-0000000000-0000000030.safetensors",
        "recorded-0000000040-0000000070.safetensors",
    ]


def test_large_steps_are_joined_earlier(tmp_path, opened, monkeypatch):
    monkeypatch.setattr(writer, "MOST_BYTES", 400)
    add(opened(tmp_path), 1, 2, 3)
    assert names(tmp_path)[0] == "recorded-0000000001-0000000002.safetensors"


def test_a_hash_is_that_of_the_step_s_own_file(tmp_path, opened):
    from hashlib import sha256

    to = opened(tmp_path)
    add(to, 1)
    first = sha256((tmp_path / names(tmp_path)[0]).read_bytes()).hexdigest()
    assert Recording(tmp_path).sha256(1) == first
    add(to, 2, 3, 4)
    assert len(names(tmp_path)) == 1
    assert Recording(tmp_path).sha256(1) == first
    assert Recording(tmp_path).sha256(2) != first


@pytest.mark.parametrize("last", [2, 3, 4, 9])
def test_another_process_continues(tmp_path, opened, last):
    add(opened(tmp_path), *range(last))
    add(opened(tmp_path, last), *range(last, last + 5))
    check(tmp_path, *range(last + 5))


def test_steps_that_are_there_are_not_mixed(tmp_path, opened):
    add(opened(tmp_path), *range(6))
    before = names(tmp_path)
    with pytest.raises(UsageError, match=r"holds steps up to 5 of an earlier.*resume=True"):
        opened(tmp_path, 5)
    assert names(tmp_path) == before
    check(tmp_path, *range(6))


@pytest.mark.parametrize("step", range(7))
def test_resuming_replaces_the_steps_from_one_on(tmp_path, opened, step):
    add(opened(tmp_path), *range(6))
    to = opened(tmp_path, step, resume=True)
    check(tmp_path, *range(step))
    add(to, *range(step, 9))
    check(tmp_path, *range(9))


def test_what_a_kill_leaves_while_files_are_joined_counts_once(tmp_path, opened):
    facts = [Facts(step, lr=step / 10, loss=math.nan) for step in range(4)]
    data = [memoryview(data_of(step)) for step in range(4)]
    sums = [Facts(one.step, lr=one.lr, loss=one.loss, data=zlib.crc32(d)) for one, d in
            zip(facts, data, strict=True)]  # fmt: skip
    write_joined(tmp_path, sums, LAYOUT, data)
    for one, piece in zip(sums[1:], data[1:], strict=True):
        write_single(tmp_path, one, LAYOUT, piece)
    (tmp_path / ".recorded-0000000004.safetensors.part").write_bytes(b"half")
    check(tmp_path, *range(4))
    add(opened(tmp_path, 4), 4)
    assert len(list(tmp_path.glob(".recorded*"))) == 0
    assert len(names(tmp_path)) == 2
    check(tmp_path, *range(5))


def test_files_of_two_training_runs_are_refused(tmp_path, opened):
    add(opened(tmp_path / "a"), 0, 1)
    opened(tmp_path / "b").add(Facts(1, lr=5), LAYOUT, memoryview(data_of(1)))
    (tmp_path / "b" / names(tmp_path / "b")[0]).rename(
        tmp_path / "a" / "recorded-0000000001-0000000001.safetensors"
    )
    with pytest.raises(StoreError, match="is damaged"):  # no joined file
        Recording(tmp_path / "a").facts()
    facts = Facts(1, lr=5, data=zlib.crc32(data_of(1)))
    write_joined(tmp_path / "a", [facts], LAYOUT, [memoryview(data_of(1))])
    with pytest.raises(StoreError, match=r"two different steps 1, .*of one training run"):
        Recording(tmp_path / "a").facts()


@pytest.mark.parametrize(("step", "word"), [(2, "2 comes after step 3"), (3, "3 comes after")])
def test_steps_ascend(tmp_path, opened, step, word):
    to = opened(tmp_path)
    add(to, 3)
    with pytest.raises(UsageError, match=word):
        add(to, step)
    check(tmp_path, 3)


def test_another_network_is_refused(tmp_path, opened):
    add(opened(tmp_path), 0)
    other = Layout([Spec("w", "F16", (2,)), Spec("n", "I64", ())])
    for to in (opened(tmp_path, 1), opened(tmp_path, 1)):
        with pytest.raises(UsageError, match=r"another network, or in another dtype \(see w"):
            to.add(Facts(1), other, memoryview(bytes(other.bytes)))
    check(tmp_path, 0)


def test_two_processes_do_not_record_at_once(tmp_path, opened, monkeypatch):
    from landscape_cli.store.locks import lock

    monkeypatch.setattr(lock, "BEAT", 0.05)
    opened(tmp_path)
    with pytest.raises(StoreError, match="another process adds steps to"):
        Writer(tmp_path, 0, False)


def test_what_can_t_be_written_leaves_nothing(tmp_path, opened, monkeypatch):
    import os

    to = opened(tmp_path)
    add(to, 0)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(StoreError, match="record: can't write .*No space left on device"):
            add(to, 1)
    assert list(tmp_path.glob(".recorded*")) == []
    check(tmp_path, 0)
    add(to, 1)
    check(tmp_path, 0, 1)


def test_one_step_is_read_without_the_rest_of_its_file(tmp_path, opened):
    """A flipped byte of another step goes unnoticed."""
    add(opened(tmp_path), 1, 2, 3, 4)
    path = tmp_path / names(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert bytes(Recording(tmp_path).read(1)[1]) == data_of(1)
    with pytest.raises(StoreError, match="is damaged .step 4 does not have its checksum"):
        Recording(tmp_path).read(4)


def _change(content, key, value):
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"][key] = value
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:4],
        lambda content: b"",
        lambda content: content[:20],
        lambda content: b"\xff" * 8 + content[8:],
        lambda content: content.replace(b'"F32"', b'"I32"'),
        lambda content: content.replace(b'"w"', b'"v"'),
        lambda content: content.replace(b"[2]", b"[1]"),
        lambda content: content.replace(b'[0,8]', b'[8,0]'),
        lambda content: content.replace(b'{"__meta', b'["__meta'),
        lambda content: _change(content, "lr", "0.7"),
        lambda content: _change(content, "step", "2"),
        lambda content: _change(content, "recording", "2"),
        lambda content: _change(content, "more", "0"),
        lambda content: _change(content, "loss", []),
    ],
)  # fmt: skip
def test_damaged_files_are_refused_by_name(tmp_path, opened, damage):
    add(opened(tmp_path), 1)
    path = tmp_path / names(tmp_path)[0]
    content = path.read_bytes()
    changed = damage(content)
    assert changed != content
    path.write_bytes(changed)
    for look in (Recording(tmp_path).facts, lambda: Recording(tmp_path).read(1)):
        with pytest.raises(StoreError, match=f"{path.name}.* is damaged") as caught:
            look()
        assert "\n" not in str(caught.value)


def test_other_files_in_the_folder_do_no_harm(tmp_path, opened):
    add(opened(tmp_path), 1)
    for name in ("notes.txt", "net.pt", "recorded-1.safetensors", "recorded-x.safetensors"):
        (tmp_path / name).write_text("hello")
    check(tmp_path, 1)
    add(opened(tmp_path, 2), 2)
    check(tmp_path, 1, 2)


def test_a_reader_follows_files_that_are_joined(tmp_path, opened, monkeypatch):
    """The file is found, and gone when it is opened."""
    from landscape_cli.store.recordings import recording

    to = opened(tmp_path)
    add(to, 1, 2, 3)
    genuine, looks = recording.contents, []

    def late(file):
        if not looks:
            looks.append(file)
            add(to, 4)
        return genuine(file)

    monkeypatch.setattr(recording, "contents", late)
    assert bytes(Recording(tmp_path).read(2)[1]) == data_of(2)
    assert len(names(tmp_path)) == 1
