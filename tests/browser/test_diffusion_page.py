"""The page of a diffusion map in a real browser: it loads nothing, and its controls work."""

from dataclasses import replace

import numpy as np
import pytest

from support.diffusion_maps import made_map

pytestmark = pytest.mark.browser

ONE, THREE = made_map(30), made_map(12, 3, onto=4)


def choose(opened, control, label):
    """Choose an entry of a control, and wait until it is drawn."""
    before = opened.ask("document.body.dataset.drawn")
    opened.page.select_option(f"#{control}", label=label)
    opened.wait(f"document.body.dataset.drawn !== '{before}'")


def places(opened):
    """Return the coordinates of the points that a colour is shown for, of shape (n, d)."""
    traces = opened.ask(
        "plot.data.filter(one => one.mode === 'markers' && one.marker.coloraxis)"
        ".map(one => [one.x, one.y, one.z].filter(Boolean).map(each => Array.from(each)))"
    )
    return np.concatenate([np.transpose(one) for one in traces])


def colours(opened):
    return np.concatenate(
        opened.ask(
            "plot.data.filter(one => one.marker && one.marker.coloraxis)"
            ".map(one => one.marker.color)"
        )
    )


def test_it_loads_without_an_error_or_a_request(open_map):
    opened = open_map(THREE)
    assert opened.errors == []
    assert [url.partition(":")[0] for url in opened.requests if url[:5] != "data:"] == ["file"]
    assert opened.page.locator("h1").inner_text() == "MLP"
    assert "36 checkpoints, 40 parameters" in opened.page.locator("#subtitle").inner_text()
    assert not opened.page.locator("a[data-title*='Chart Studio']").count()


def test_the_map_in_two_and_three_dimensions(open_map):
    opened = open_map(ONE)
    np.testing.assert_allclose(places(opened), ONE.coordinates[:, :2], rtol=1e-6)
    choose(opened, "dimensions", "3")
    np.testing.assert_allclose(places(opened), ONE.coordinates[:, :3], rtol=1e-6)
    assert opened.ask("plot.data.every(one => one.type === 'scatter3d')")
    assert opened.errors == []


def test_colours_show_the_chosen_quantity(open_map):
    opened = open_map(ONE)
    np.testing.assert_allclose(colours(opened), np.linspace(0, 1, 30), atol=1e-6)
    choose(opened, "colour", "loss")
    logs = np.log10(ONE.losses)
    np.testing.assert_allclose(colours(opened), (logs - logs.min()) / np.ptp(logs), atol=1e-6)
    assert opened.ask("plot.layout.coloraxis.colorbar.title.text") == "loss"


def test_trainings_have_colours_of_their_own(open_map):
    opened = open_map(THREE)
    choose(opened, "colour", "training")
    found = opened.ask(
        "plot.data.filter(one => one.mode === 'markers' && one.customdata)"
        ".map(one => one.marker.color)"
    )
    assert len(set(found)) == 4
    assert not opened.ask("plot.layout.coloraxis.showscale")
    legend = opened.page.locator(".solid .legendtext").all_text_contents()
    assert legend == ["seed 0", "seed 1", "seed 2", "large batch (placed)"]


def test_the_walk_s_map_has_progress_but_no_losses(open_map):
    opened = open_map(ONE)
    choose(opened, "view", "random walk's map")
    walk = next(null for null in ONE.nulls if null.kind == "walk")
    np.testing.assert_allclose(places(opened), walk.coordinates[:, :2], rtol=1e-6)
    choose(opened, "colour", "loss")
    assert opened.ask("plot.data.every(one => !one.marker || !one.marker.coloraxis)")
    choose(opened, "view", "principal components")
    np.testing.assert_allclose(places(opened), ONE.pca, rtol=1e-5, atol=1e-6)
    assert opened.page.locator("#dimensions [value='3']").is_disabled()
    assert opened.errors == []


def test_keys_read_one_checkpoint_after_the_other(open_map):
    opened = open_map(ONE)
    opened.page.locator(".solid").focus()
    for _ in range(3):
        opened.page.keyboard.press("ArrowRight")
    opened.wait("readout.textContent.startsWith('epoch-002.pt')")
    assert opened.readout() == (
        f"epoch-002.pt, epoch 2, step 20, loss {ONE.losses[2]:.5g}, learning rate 0.1"
    )


def test_hovering_reads_a_checkpoint(open_map):
    opened = open_map(ONE)
    place = opened.ask(
        "(() => { const {xaxis: x, yaxis: y} = plot._fullLayout;"
        "const box = plot.getBoundingClientRect();"
        f"return [box.x + x._offset + x.d2p({ONE.coordinates[5, 0]}),"
        f" box.y + y._offset + y.d2p({ONE.coordinates[5, 1]})] }})()"
    )
    opened.page.mouse.move(place[0] - 30, place[1] - 30)
    opened.page.mouse.move(*place, steps=4)
    opened.wait("readout.textContent.startsWith('epoch-00')")


def test_eigenvalues_have_the_walks_ranges(open_map):
    opened = open_map(ONE)
    bars = opened.ask(
        "bars.data.filter(one => one.type === 'bar').map(one => [one.base, one.y].map(e => [...e]))"
    )
    walk = next(null for null in ONE.nulls if null.kind == "walk")
    base, height = map(np.array, bars[0])
    np.testing.assert_allclose(base, walk.eigenvalues[:, 1:].min(axis=0))
    np.testing.assert_allclose(base + height, walk.eigenvalues[:, 1:].max(axis=0))
    said = opened.page.locator("#said").inner_text()
    assert "8 random walks with the same step lengths" in said
    assert opened.page.locator("#said p").first.is_visible()


def test_names_are_shown_as_they_are(open_map):
    evil = "<img src=x onerror=alert(1)>"
    facts = {"network": {"name": evil}}
    record = replace(THREE, names=(evil, "b", "c"), labels=(evil,) * 36, provenance=facts)
    opened = open_map(record, scheme="dark", size=(420, 800))
    assert opened.page.locator("h1").inner_text() == evil
    assert opened.page.locator("img").count() == 0
    opened.page.locator(".solid").focus()
    opened.page.keyboard.press("ArrowRight")
    opened.wait("readout.textContent.startsWith('<img')")
    assert opened.errors == []
