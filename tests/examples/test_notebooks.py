"""The notebooks in examples/ run from top to bottom, and show what they claim."""

import ast
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="make extras")
nbclient = pytest.importorskip("nbclient", reason="make extras")
pytestmark = pytest.mark.extras("ipykernel")

EXAMPLES = Path(__file__).parents[2] / "examples"


def texts(notebook):
    """Return the text of each result, in order."""
    return [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "execute_result"
    ]


def pictures(notebook):
    """Return the number of pictures."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def stored_and_executed(name, folder):
    """Return an example's notebook as it is stored, and executed anew in a folder."""
    stored, notebook = (nbformat.read(EXAMPLES / f"{name}.ipynb", 4) for _ in range(2))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=180, resources=resources).execute()
    return stored, notebook


def test_the_digits_notebook_runs_and_shows_a_trained_network(tmp_path):
    stored, notebook = stored_and_executed("digits", tmp_path)

    found, shown = texts(notebook), texts(stored)
    assert len(found) == len(shown) == 8
    for one in (found, shown):
        assert ast.literal_eval(one[1])["train"] >= 0.99
        assert one[2] == "<Surface of 21 x 21 points (x, y), complete: train accuracy, loss>"
    assert pictures(notebook) == pictures(stored) == 3
    progress = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert "ResNet-8, width 0.5: 19,810 parameters" in progress
    assert "441/441" in progress


def test_the_notebook_of_an_own_network_runs_and_checks_its_centre(tmp_path):
    stored, notebook = stored_and_executed("own_network", tmp_path)

    for one in (notebook, stored):
        centre = next(text for text in texts(one) if text.startswith("{"))
        values = ast.literal_eval(centre)
        assert values["train accuracy"] >= 0.995
        assert values["train loss"] < 0.05
    assert pictures(notebook) == pictures(stored) == 4
    assert (tmp_path / "own_network.h5").exists()
