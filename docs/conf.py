"""Settings of Sphinx for the site that `make docs` builds from this folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_sphinx"))

import landscape_cli

project = "landscape"
author = "The landscape authors"
version = release = landscape_cli.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "site_pages",
    "api_names",
]
exclude_patterns = ["README.md", "_sphinx"]
smartquotes_action = "D"  # dashes alone

# GitHub's anchors of headings, so that links to them lead there in both places.
myst_heading_anchors = 4
# A link that leads nowhere, and a name that is documented nowhere, end `make docs`; other projects'
# names would need the network.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(torch|nn|np|numpy|matplotlib|xarray|os|pathlib|collections|typing)\..*"),
    ("py:.*", r"landscape_cli\.(config|records\.checkpoint_path)\..*"),
    ("py:.*", r"Range|Shape|Weights|Values|Objective|Split|Quantity|Floats"),
    ("py:.*", r"Tensor|Path|Figure|NDArray.*|float64|Any|Literal.*|Mapping|Sequence|Callable"),
]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_typehints_description_target = "documented"
napoleon_use_rtype = False

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"

html_theme = "furo"
html_title = "landscape"
html_static_path = ["_sphinx/static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#2a6f8f", "color-brand-content": "#22607c"},
    "dark_css_variables": {"color-brand-primary": "#6fc3d8", "color-brand-content": "#7fcbe0"},
}
