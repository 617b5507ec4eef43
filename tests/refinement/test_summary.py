from landscape_cli.refinement.summary import bound, describe, error_of

FACTS = {
    "tolerance": 0.01,
    "computed": 133,
    "held_out": 52,
    "beyond": 0.0684,
    "quantities": [
        {
            "split": "test",
            "quantity": "accuracy",
            "watched": False,
            "scale": "linear",
            "error": 0.1,
        },
        {"split": "train", "quantity": "loss", "watched": True, "scale": "log", "error": 0.00312},
    ],
}


def test_describe():
    assert describe(FACTS, 2601) == [
        "133 of 2601 points computed (5.1 %), the rest interpolated; "
        "52 held-out points err by at most",
        "  test accuracy: 10 % of the range, not watched",
        "  train loss: 0.4 % of the log range",
        "  with 95 % confidence 93 % of interpolated points err by less than 1 %, where watched",
    ]


def test_everything_computed():
    (line,) = describe({**FACTS, "computed": 2601, "held_out": 0}, 2601)
    assert line.startswith("2601 of 2601 points computed (100.0 %): interpolation would err")
    assert error_of({**FACTS, "held_out": 0}, "train", "loss") is None


def test_bounds_are_rounded_up():
    assert bound({"scale": "linear", "error": 0.00001}) == "0.1 % of the range"
    assert bound({"scale": "linear", "error": float("inf")}) == "an infinite amount"


def test_error_of():
    assert error_of(FACTS, "train", "loss") == "0.4 % of the log range"
    assert error_of(FACTS, "train", "accuracy") is None
    assert error_of({}, "train", "loss") is None
