import math

import numpy as np
import pytest

from landscape_cli.errors import UsageError
from landscape_cli.tracing.checkpoint_names import epochs
from landscape_cli.tracing.learning_rates import rates_of, read_rates
from landscape_cli.tracing.trace import grid_range


@pytest.fixture
def log(tmp_path):
    def write(text):
        path = tmp_path / "log"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize(
    "text",
    [
        "epoch,lr,train_loss\n1,0.1,2\n2,1e-2,1\n",
        "\ufeffloss, learning_rate, epoch\r\n2,0.1,1.0\r\n1,0.01,2.0\r\n",
        '{"epoch": 1, "lr": 0.1}\n\n{"note": "saved"}\n{"learning_rate": 0.01, "epoch": 2}\n',
    ],
)
def test_tables_and_json_lines(log, text):
    assert read_rates(log(text)) == {1: 0.1, 2: 0.01}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "got none"),
        ("step,lr\n1,2\n", "expected the columns epoch and lr or learning_rate, got step, lr"),
        ("epoch,lr\n", "no line has an epoch"),
        ("epoch,lr\n1,fast\n", "lr is 'fast' in a line, expected a number"),
        ("epoch,lr\n1\n", "lr is None in a line"),
        ("epoch,lr\ninf,1\n", "epoch is 'inf'"),
        ('{"epoch": 1}\n', "no line has an epoch and lr"),
        ('{"epoch": 1, "lr": 2}\n{"epo', "line 2 is not JSON"),
        ('{"epoch": [1], "lr": 2}\n', "epoch is [1]"),
    ],
)
def test_logs_without_rates_are_refused(log, text, words):
    with pytest.raises(UsageError) as error:
        read_rates(log(text))
    assert words in str(error.value)


def test_a_binary_log_is_refused(tmp_path):
    (tmp_path / "log").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(UsageError, match="it is not text"):
        read_rates(str(tmp_path / "log"))


def test_rates_by_epoch():
    found = rates_of((0, 1, 5), {1: 0.1, 2: 0.1, 5: 0.01})
    assert math.isnan(found[0])
    assert found[1:] == (0.1, 0.01)
    with pytest.raises(UsageError, match="epochs are not known"):
        rates_of(None, {1: 0.1})
    with pytest.raises(UsageError, match="has epochs 1 to 2, the checkpoints 7 to 8"):
        rates_of((7, 8), {1: 0.1, 2: 0.1})


@pytest.mark.parametrize(
    ("names", "stored", "expected"),
    [
        (["a", "b"], [3, 7], (3, 7)),
        (["epoch_5.pt", "epoch_10.pt"], [None, None], (5, 10)),
        (["epoch_5.pt", "epoch_10.pt"], [1, None], (5, 10)),
        (["run2/e1.pt", "run2/last.pt"], [None, None], None),
        (["e9.pt", "resnet3.pt"], [None, None], None),
        (["e1.pt", "e2.pt"], ["one", True], (1, 2)),
    ],
)
def test_epochs_are_stored_or_come_from_the_names(names, stored, expected):
    assert epochs(names, stored) == expected


@pytest.mark.parametrize(
    ("coordinates", "margin", "least", "expected"),
    [
        ([0, 10], 0.2, 1, (-2, 12)),
        ([12.57, 3], 0.2, 1, (-3, 16)),
        ([-0.031, 0.02], 0.0, 1, (-0.031, 0.02)),
        ([5, 10], 0.0, 1, (0, 10)),
        ([0, 0], 0.5, 3, (-1.5, 1.5)),
        ([0, 123456], 0.1, 1, (-20000, 140000)),
    ],
)
def test_ranges_contain_origin_and_path_and_are_round(coordinates, margin, least, expected):
    assert grid_range(np.array(coordinates, dtype=float), margin, least) == pytest.approx(expected)
