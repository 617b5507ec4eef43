"""Output files are written whole or not at all, and only where allowed."""

import pytest

from landscape_cli.errors import UsageError
from landscape_cli.util.output_files import check_output, replacing


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with replacing(path, ".csv") as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
        assert partial.suffix == ".csv"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("error", "shown"),
    [(OSError(28, "No space left on device"), UsageError), (ValueError("x"), ValueError)],
)
def test_a_failure_leaves_the_old_file(tmp_path, error, shown):
    path = tmp_path / "a.csv"
    path.write_text("old")

    def write():
        with replacing(path) as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(shown):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_was_never_written_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="can't be written"), replacing(tmp_path / "a.csv"):
        pass


def test_unwritable_paths_are_refused(tmp_path):
    (tmp_path / "in.h5").touch()
    check_output(tmp_path / "a.PNG", formats=("png", "pdf"))
    check_output(tmp_path / "a.anything")
    refused = [
        (tmp_path / "a.txt", {"formats": ("png", "pdf")}, r"must end in one of \.png, \.pdf"),
        (tmp_path, {}, "is a folder"),
        (tmp_path / "none" / "a.png", {}, "does not exist; create it"),
        (tmp_path / "in.h5", {"inputs": [str(tmp_path / "." / "in.h5")]}, "would replace the sur"),
    ]
    for path, options, message in refused:
        with pytest.raises(UsageError, match=message):
            check_output(path, **options)
