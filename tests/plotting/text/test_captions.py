"""Tests of the texts that several panels have together."""

import numpy as np
import pytest

from landscape_cli.plotting.text.captions import combined, headings_of


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["random (seed 1)", "random (seed 1)"], "random (seed 1)"),
        (["random (seed 1)", "random (seed 2)"], "random (seed (a) 1; (b) 2)"),
        (
            ["PCA 1: 77 % of variance; PCA 2: 11 %", "PCA 1: 87 % of variance; PCA 2: 10 %"],
            "PCA 1: (a) 77; (b) 87 % of variance; PCA 2: (a) 11; (b) 10 %",
        ),
        (["x: to A; y: random", "x: to B; y: random"], "x: to (a) A; (b) B; y: random"),
    ],
)
def test_facts_are_combined_one_by_one(texts, expected):
    assert combined(texts, ["a", "b"]) == expected


def test_panels_say_what_is_rounded_where_it_differs(make_panel):
    def headings(*bits):
        facts = [{"bits": b, "per": "filter"} if b else None for b in bits]
        panels = [make_panel(np.ones((5, 5)), provenance={"quantize": each}) for each in facts]
        return headings_of([[panel] for panel in panels], True, False, False), panels

    same, _ = headings(3, 3)
    assert same.note.endswith("weights at 3 bits per filter")
    assert same.seconds == ["", ""]
    apart, panels = headings(None, 1)
    assert apart.seconds == ["", "weights at 1 bit per filter"]
    assert "bit" not in apart.note
    (both,) = headings_of([panels], True, False, False).seconds
    assert both == "full precision or weights at 1 bit per filter"
