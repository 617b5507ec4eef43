import numpy as np
import pytest

from landscape_cli.errors import PublishError, StoreError
from landscape_cli.records.tiles import Status
from landscape_cli.run.curvature.recording import CurvatureRecorder, empty_record
from landscape_cli.run.curvature.request import Request
from landscape_cli.store import read_curvature


@pytest.fixture
def recorder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = []
    request = Request(top=2, bottom=1, trace=4)
    record = empty_record(request, 10, [], ("net",), 0.01)
    found = CurvatureRecorder(tmp_path / "folder" / "net.h5", record, warn=said.append)
    found.said = said
    return found


def test_a_file_that_cannot_be_begun_is_refused(recorder, tmp_path):
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(StoreError, match="can't write"):
        recorder.begin()


def test_a_file_that_cannot_be_written_for_a_while_stops_nothing(recorder, tmp_path):
    recorder.begin()
    (tmp_path / "folder").rename(tmp_path / "gone")
    (tmp_path / "folder").write_text("in the way")
    recorder.advance("trace", 0, 4)
    recorder.publish()
    assert "computing continues" in recorder.said[0]
    with pytest.raises(PublishError, match="everything computed is in") as caught:
        recorder.end()
    assert caught.value.exit_code == 1
    (rescued,) = tmp_path.glob("net.rescued-*.h5")
    assert read_curvature(rescued).progress["trace"].tolist() == [4]
    (tmp_path / "folder").unlink()
    recorder.end()
    assert read_curvature(recorder.path).progress["trace"].tolist() == [4]


def test_a_checkpoint_that_is_not_finite_has_no_eigenvalues(recorder):
    recorder.record.eigenvalues[0] = 3, 2, 1
    recorder.finish(0, Status.NOT_FINITE)
    recorder.begin()
    found = read_curvature(recorder.path)
    assert found.status.tolist() == [Status.NOT_FINITE]
    assert np.isnan(found.eigenvalues).all()
