"""README: its length, the configuration it shows, and the five lines that draw a surface.

Its commands and lines are run by tests/docs/test_commands.py.
"""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()


def test_the_readme_is_short():
    assert len(re.sub("<!--.*?-->", "", README, flags=re.S).split()) <= 660


def test_five_lines_of_python_draw_a_surface():
    (lines,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in lines.splitlines() if line.strip()]) == 5


@pytest.mark.parametrize("page", [README, TUTORIAL], ids=["README.md", "tutorial.md"])
def test_the_shown_configuration_is_the_file_s(page):
    shown = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]
    stored = (ROOT / "configs" / "own_problem.yaml").read_text()
    assert yaml.safe_load(shown) == yaml.safe_load(stored)
