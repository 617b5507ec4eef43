"""The pages load nothing whatever is clicked, and everybody can use them."""

from importlib.resources import files

import numpy as np
import pytest

from support.diffusion_maps import made_map

pytestmark = pytest.mark.browser

PHONE = {"size": (390, 844), "phone": True}

CLICK_ALL = """async () => {
  const settled = async () => {
    await new Promise((done) => setTimeout(done, 60));
    const busy = () => [draw, drawCursor, drawPath].some((one) => one.busy());
    while (typeof drawPath !== "undefined" && busy())
      await new Promise((done) => setTimeout(done, 30));
  };
  window.opened = [];
  window.open = (address) => (window.opened.push(address), null);
  for (const one of document.querySelectorAll("details")) one.open = true;
  const clicked = [];
  const named = (one) => one.id || one.dataset.title || one.ariaLabel || one.textContent;
  const buttons = "button, [class*=modebar-btn], input[type=checkbox], a";
  for (const one of document.querySelectorAll(buttons)) {
    clicked.push(named(one));
    one.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    await settled();
  }
  for (const one of document.querySelectorAll("select")) {
    for (const option of [...one.options]) {
      one.value = option.value;
      one.dispatchEvent(new Event("change", { bubbles: true }));
      clicked.push(`${one.id} ${option.value}`);
      await settled();
    }
  }
  for (const one of document.querySelectorAll("input[type=range], input[type=text]")) {
    one.value = one.max ? one.max / 2 : "2";
    for (const kind of ["input", "change"]) one.dispatchEvent(new Event(kind, { bubbles: true }));
    clicked.push(one.id);
    await settled();
  }
  return clicked;
}"""


def bowl(x, y):
    return 1 + 3 * x**2 + y**2


@pytest.fixture
def several(make_surface):
    path = {"coordinates": [[0.75, 0], [0.5, 0], [0, 0]], "epochs": [0, 1, 2]}
    return {
        "with a path": make_surface(bowl, provenance={"trajectory": path}),
        "plain": make_surface(bowl),
    }


def silent(opened, *expected):
    """Click everything and check that nothing is loaded, sent or opened."""
    clicked = opened.page.evaluate(CLICK_ALL)
    for name in expected:
        assert name in clicked
    assert not any(word in one.lower() for one in clicked for word in ("share", "cloud", "edit"))
    assert opened.page.locator("a[href]").count() == 0
    allowed = ("file", "data", "blob")
    assert {url.partition(":")[0] for url in opened.requests} <= set(allowed)
    assert sum(url.startswith("file") for url in opened.requests) == 1
    assert (opened.windows, opened.ask("window.opened"), opened.errors) == ([], [], [])


def test_nothing_on_the_page_sends_anything(open_page, several):
    silent(
        open_page(several), "copy", "save", "play", "theme dark", "Zoom", "Pan", "minima", "limit"
    )


def test_nothing_on_the_map_s_page_sends_anything(open_map):
    opened = open_map(made_map(12, 3, onto=4))
    silent(opened, "theme dark", "Zoom")
    assert violations(opened) == []


def violations(opened):
    """Return the rules that axe-core finds broken, everything unfolded, and the elements."""
    code = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    opened.page.evaluate(code)
    opened.page.evaluate(
        "document.querySelectorAll('details').forEach(one => one.open = true);"
        "document.body.classList.add('unfolded')"
    )
    return opened.page.evaluate(
        "axe.run(document).then(({violations}) => violations.map(one => "
        "[one.id, ...one.nodes.map(node => node.html.slice(0, 120))]))"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_without_violations(open_page, several, picture, scheme):
    pytest.importorskip("axe_playwright_python")
    opened = open_page(several, scheme=scheme)
    assert violations(opened) == []
    opened.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = false)")
    assert (picture(opened, ".panel")[8, 8].mean() > 0.5) == (scheme == "light")
    other = "dark" if scheme == "light" else "light"
    opened.page.evaluate(f"chooseTheme('{other}', draw)")
    opened.settle()
    assert (picture(opened, ".panel")[8, 8].mean() > 0.5) == (other == "light")
    assert (picture(opened, "header")[2, 2].mean() > 0.5) == (other == "light")


def test_every_control_can_be_reached_by_tab(open_page, several):
    opened = open_page(several)
    opened.ask(
        "document.querySelectorAll('.solid, .flat').forEach((one, k) => one.id = `view${k}`)"
    )
    reached = []
    for _ in range(60):
        opened.page.keyboard.press("Tab")
        reached.append(
            opened.ask(
                "document.activeElement.id || document.activeElement.dataset.camera ||"
                "document.activeElement.textContent"
            )
        )
    wanted = ["copy", "save", "quantity", "split", "scale", "clip", "limit", "front", "side", "top"]
    wanted += ["isometric", "reset", "play", "step", "Colours and views"]
    assert reached[: len(wanted)] == wanted
    assert {*(f"view{number}" for number in range(4)), "Data and provenance"} <= set(reached)
    opened.page.focus("#more summary")
    opened.page.keyboard.press("Enter")
    opened.page.keyboard.press("Tab")
    assert opened.ask("document.activeElement.id") == "map"


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_surfaces_fit_a_laptop_s_screen(open_page, make_surface, count):
    surfaces = {f"number {number}": make_surface(bowl) for number in range(count)}
    opened = open_page(surfaces, size=(1280, 800))
    assert opened.ask("[document.documentElement.scrollWidth, scrollY]") == [1280, 0]
    assert opened.ask("document.documentElement.scrollHeight") <= 800
    for view in ("solid", "flat", "cuts"):
        for box in (one.bounding_box() for one in opened.page.locator(f".{view}").all()):
            if box is None:
                assert count > 2
                continue
            assert box["y"] + box["height"] <= 800
            assert min(box["width"], box["height"]) > 100


def test_a_phone_is_used_with_one_thumb(open_page, several):
    opened = open_page(several, **PHONE)
    assert opened.ask("document.documentElement.scrollWidth") <= 390
    assert opened.page.locator("#controls").is_hidden()
    before, height = opened.eye(), opened.ask("scrollY")
    box = opened.page.locator(".solid").first.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    swipe(opened, middle, (0, -120))
    opened.wait(f"scrollY > {height} + 50")
    np.testing.assert_allclose(opened.eye(), before)
    opened.ask("scrollTo(0, 0)")
    swipe(opened, middle, (90, 0))
    opened.wait(f"Math.abs(panels[0].camera.eye.x - {before[0]}) > 0.1")
    opened.page.locator(".flat").first.scroll_into_view_if_needed()
    box = opened.page.locator(".flat .nsewdrag").first.bounding_box()
    opened.page.touchscreen.tap(box["x"] + 0.76 * box["width"], box["y"] + 0.26 * box["height"])
    opened.wait("panels[0].cursor.x === 0.5 && panels[1].cursor.y === 0.5")
    opened.page.tap("#fold")
    assert opened.page.locator("#quantity").is_visible()
    assert violations(opened) == []
    small = opened.ask(
        "[...document.querySelectorAll('button, select, summary, #limit, #clip, #step, .tick')]"
        ".filter(one => one.offsetParent && one.getBoundingClientRect().height < 43.9)"
        ".map(one => one.id || one.textContent)"
    )
    assert small == []
    assert opened.ask("document.documentElement.scrollWidth") <= 390
    assert opened.errors == []


def test_a_map_on_a_phone_does_not_hold_the_page(open_map):
    opened = open_map(made_map(12, 3, onto=4), **PHONE)
    for dimensions in ("2", "3"):
        opened.ask(f"control('dimensions').value = '{dimensions}'; draw()")
        opened.wait(f"plot.data[0].type === 'scatter{'3d' if dimensions == '3' else ''}'")
        opened.ask("scrollTo(0, 0)")
        box = opened.page.locator(".solid").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        swipe(opened, middle, (0, -120))
        opened.wait("scrollY > 50")
    opened.ask("scrollTo(0, 0)")
    swipe(opened, middle, (90, 0))
    opened.wait("Math.abs(state.camera.eye.x - 1.45) > 0.1")


def swipe(opened, start, by):
    """Move a finger over the page."""
    session = opened.page.context.new_cdp_session(opened.page)

    def send(kind, *points):
        touches = [{"x": round(x), "y": round(y)} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    send("touchStart", start)
    for part in np.linspace(0, 1, 9)[1:]:
        send("touchMove", (start[0] + part * by[0], start[1] + part * by[1]))
        opened.page.wait_for_timeout(30)
    send("touchEnd")
