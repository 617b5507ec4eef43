"""Renders: positions and colours in images by VTK."""

import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from landscape_cli.errors import UsageError
from landscape_cli.plotting.animation import turning
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_files import save
from landscape_cli.plotting.figure_size import size_of
from landscape_cli.plotting.kinds.render import TARGET
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.request import Picture, Request
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d import scene as scenes
from landscape_cli.plotting.scene3d.camera import Camera, direction, eye_of, frame_of
from landscape_cli.plotting.scene3d.floor import floor_shadow
from landscape_cli.plotting.scene3d.height_axis import _corner
from landscape_cli.plotting.scene3d.lighting import GLOSS, SHARPNESS, SUN_ELEVATION, highlights
from landscape_cli.plotting.scene3d.scene import Ball, Scene, _cut_at_limits, _surface, render
from landscape_cli.plotting.scene3d.terrain import BOX_HEIGHT, FLOOR, SUN_LEFT, terrain_of
from landscape_cli.plotting.style import STYLES, colormap
from landscape_cli.plotting.value_range import fit
from landscape_cli.records.tiles import Status
from support.measuring import SIZES, assert_fits

RED, WHITE, BLUE = (1.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.0, 0.0, 1.0)
ABOVE = Camera(-90, 90)

pytestmark = pytest.mark.extras("pyvista")


@pytest.fixture(scope="module", autouse=True)
def can_render():
    pyvista = pytest.importorskip("pyvista")
    plotter = pyvista.Plotter(off_screen=True)
    try:
        scenes._check_opengl(plotter)
    except UsageError as error:
        pytest.skip(str(error))
    finally:
        plotter.close()


def bowl(x, y):
    return (x - 0.5) ** 2 + (y + 0.25) ** 2


def seen(panel, camera, scale=None, width=400, **more):
    """Return a panel's image, a function from points of its box to pixels, and its terrain."""
    scale = scale or fit([panel])
    terrain = terrain_of(panel, scale, camera)
    eye = eye_of(camera, TARGET)
    frame = frame_of(camera, terrain.corners - TARGET)
    lines = more.pop("lines", np.empty(0))
    image = render(Scene(terrain, lines, WHITE, BLUE, RED, **more), eye, frame, width)
    height = image.shape[0]

    def at(point):
        u, v, _ = eye.project(np.asarray(point, float))
        return (frame.top - v) / frame.height * height, (u - frame.left) / frame.width * width

    return image, at, terrain


def middle_of(mask):
    rows, columns = np.nonzero(mask)
    return rows.mean() + 0.5, columns.mean() + 0.5


def near(image, color, tolerance=30):
    return (np.abs(image.astype(int) - np.round(255 * np.array(color))) <= tolerance).all(axis=-1)


@pytest.mark.parametrize("camera", [Camera(), Camera(123, 10, 0.8), ABOVE, Camera(turning=True)])
def test_points_appear_where_the_eye_projects_them(make_panel, camera):
    panel = make_panel(bowl, x="-1:1:9", y="-1:1:9")
    for place in ([0.3, -0.4, 1.3], [-0.5, 0.2, 1.4]):
        balls = (Ball(np.array(place), 0.06, RED),)
        image, at, _ = seen(panel, camera, balls=balls)
        assert middle_of(near(image, RED)) == pytest.approx(at(place), abs=1.5)


def test_the_darkest_spot_is_at_the_minimum(make_panel):
    panel = make_panel(bowl, x="-1:1:41", y="-1:1:41")
    image, at, terrain = seen(panel, ABOVE)
    assert image.std() > 20
    darkest = near(image, colormap()(0.0)[:3], tolerance=6)
    x, y = terrain.place(0.5, -0.25)
    place = np.array(at([x, y, 0]))
    assert darkest[tuple(place.astype(int))]
    # Light moves the middle of the dark area a little, away from the sun.
    assert middle_of(darkest) == pytest.approx(place, abs=16)


def test_surfaces_are_cut_along_the_contours_at_the_limits(make_panel):
    import pyvista

    panel = make_panel(lambda x, y: x + 0 * y, x="0:1:6", y="0:1:6")
    terrain = terrain_of(panel, fit([panel], log=False, vmin=0.31, vmax=0.63), Camera())
    inside, bottom = _cut_at_limits(_surface(pyvista, terrain))
    low, high = 2 * 0.31 - 1, 2 * 0.63 - 1
    assert bottom.bounds == pytest.approx((-1, low, -1, 1, 0, 0))
    assert inside.bounds == pytest.approx((low, high, -1, 1, 0, BOX_HEIGHT), abs=1e-6)


def test_holes_show_the_floor(make_panel):
    values = np.ones((5, 5)) + np.arange(5)
    values[2, 2] = np.inf
    image, _, _ = seen(make_panel(values), ABOVE)
    hole = (image[..., :2] < 20).all(axis=-1) & (image[..., 2] > 180)  # partly in shadow
    assert hole[image.shape[0] // 2, image.shape[1] // 2]
    assert 0.1 < hole.mean() < 0.35


def test_missing_points_darken_the_floor(make_panel):
    status = np.full((5, 5), Status.OK)
    status[1:4, 1:4] = Status.TODO
    axes = draw([make_panel(bowl, status=status)], "render", dpi=60, camera=ABOVE).axes[0]
    image = axes.get_images()[0].get_array()
    middle = tuple(n // 2 for n in image.shape[:2])
    assert near(image, 3 * [0.75], 3)[middle]


def test_contours_lie_on_the_floor(make_panel):
    panel = make_panel(lambda x, y: x + 0 * y, x="-1:1:9", y="-1:1:9")
    low, _, _ = seen(panel, Camera(-90, 5), lines=np.array([0.0]))
    bare, _, _ = seen(panel, Camera(-90, 5))
    changed = np.abs(low.astype(int) - bare).max(axis=-1) > 40
    rows, columns = np.nonzero(changed)
    assert rows.min() > 0.6 * low.shape[0]
    assert columns.mean() == pytest.approx(low.shape[1] / 2, abs=3)


def test_the_figure_has_an_image_colour_bar_labelled_sides_and_legend(make_panel, legend):
    values = np.arange(25.0).reshape(5, 5)
    values[4, 4] = np.nan
    panel = make_panel(values)
    figure = draw([panel], "render", fit([panel], log=False, vmax=20), dpi=60)
    axes, bar = figure.axes
    (image,) = axes.get_images()
    assert np.asarray(image.get_array()).std() > 20
    sides = [text.get_text() for text in axes.texts if text.get_gid() == "side"]
    assert {"x", "y", "1", "\N{MINUS SIGN}1"} <= {*sides}
    assert legend(axes) == ["not finite (1 point)", "cut off above 20 (12.5 %)"]
    assert bar.get_ylabel() == "train loss"


def test_a_path_lies_on_the_surface(make_panel, legend):
    path = {
        "coordinates": [[-0.8, -0.6], [-0.2, -0.1], [0.0, 0.0]],
        "names": ["a", "b", "c"],
        "epochs": [0, 1, 2],
        "residuals": [0.0, 0.0, 0.0],
        "distances": [1.0, 0.5, 0.0],
        "explained": [0.9, 0.1],
        "learning_rates": None,
    }
    panels = [
        make_panel(bowl, x="-1:1:9", y="-1:1:9", provenance={"trajectory": found} if found else {})
        for found in (path, None)
    ]
    axes = [draw([p], "render", dpi=60).axes[0] for p in panels]
    images = [one.get_images()[0].get_array() for one in axes]
    changed = np.abs(images[0].astype(int) - images[1]).max(axis=-1) > 60
    assert 0.001 < changed.mean() < 0.05
    assert near(images[0], to_rgb("#d55e00"), 25).any()
    assert "3 checkpoints" in legend(axes[0])


@pytest.mark.parametrize("look", STYLES)
def test_pictures_are_not_blank_in_any_style(make_panel, look, tmp_path):
    path = tmp_path / f"{look}.png"
    save(draw([make_panel(bowl)], "render", look=look, dpi=60), path, 60)
    picture = imread(path)[..., :3]
    middle = picture[len(picture) // 4 : len(picture) // 2, : picture.shape[1] // 2]
    assert middle.reshape(-1, 3).std(axis=0).max() > 0.1


def test_the_centre_is_a_white_ball(make_panel):
    axes = [
        draw([make_panel(bowl, x=x)], "render", look="dark", dpi=60, camera=ABOVE).axes[0]
        for x in ("-1:1:5", "0.1:1:5")
    ]
    images = [one.get_images()[0].get_array() for one in axes]
    assert [bool(near(image, WHITE, 3).any()) for image in images] == [True, False]


def test_turntable_frames_differ_and_share_a_shape(make_surface):
    surfaces = [make_surface(bowl), make_surface(lambda x, y: x)]
    request = Request(kind="render")
    picture = request.picture(request.panels(surfaces, ["a.h5", "b.h5"]))
    found = list(turning(picture, Page(dpi=40, camera=Camera(elevation=20)), 2))
    assert len(found) == 2
    assert found[0].shape == found[1].shape
    assert np.abs(found[0].astype(int) - found[1]).mean() > 1


def test_a_turntable_of_a_flat_kind_is_refused(make_panel):
    panel = make_panel(bowl)
    with pytest.raises(UsageError, match="--turntable 3: --kind contour is flat; use --kind surf"):
        next(turning(Picture([panel], "contour", fit([panel])), Page(), 3))


def test_a_camera_for_a_flat_kind_is_refused(make_panel):
    with pytest.raises(UsageError, match="do not apply to --kind heatmap"):
        draw([make_panel(bowl)], "heatmap", camera=Camera(20))


def test_missing_pyvista_is_a_one_line_error(make_panel, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvista", None)
    with pytest.raises(UsageError, match=r"needs pyvista .*pip install 'landscape-cli\[render\]'$"):
        draw([make_panel(bowl)], "render")


def test_missing_opengl_is_a_one_line_error(workplace, make_surface):
    if scenes.find_library("OSMesa") is not None:
        pytest.skip("OSMesa is installed")
    import subprocess

    from landscape_cli.store import write_surface

    write_surface("bowl.h5", make_surface(bowl))
    done = subprocess.run(
        workplace.command("plot", "bowl.h5", "--kind", "render"),
        env=workplace.environment() | {"VTK_DEFAULT_OPENGL_WINDOW": "vtkOSOpenGLRenderWindow"},
        capture_output=True,
        text=True,
        cwd=workplace.folder,
    )
    assert done.returncode == 2
    assert "found neither a display nor a library" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not Path("bowl.png").exists()


def test_the_height_axis_has_ticks_at_their_heights_and_the_quantitys_name(make_panel):
    panel = make_panel(lambda x, y: 5 + 5 * x + 0 * y)
    axes = draw([panel], "render", dpi=60).axes[0]
    eye = eye_of(Camera(), TARGET)
    found = {text.get_text(): text.xy for text in axes.texts if text.get_gid() == "height-tick"}
    assert list(found) == ["0", "5", "10"]
    for text, place in found.items():
        _, y, _ = eye.project(np.array([1.0, 1.0, float(text) / 10 * BOX_HEIGHT]))
        assert place[1] == pytest.approx(y)
    assert [t.get_text() for t in axes.texts if t.get_gid() == "height-name"] == ["train loss"]


@pytest.mark.parametrize(("azimuth", "side"), [(-58, 1), (-2, 1), (2, -1), (92, -1)])
def test_the_height_axis_avoids_the_labels_of_a_side_seen_end_on(make_panel, azimuth, side):
    camera = Camera(azimuth)
    terrain = terrain_of(make_panel(bowl), fit([make_panel(bowl)]), camera)
    eye = eye_of(camera, TARGET)
    corner, found = _corner(terrain, eye, 0.05)
    assert found == side
    x = eye.project(np.array([[i, j, 0.0] for i in (-1, 1) for j in (-1, 1)]))[:, 0]
    place = eye.project(np.array([*corner, 0.0]))[0]
    assert place == pytest.approx(x.max() if side > 0 else x.min())


def test_from_above_there_is_no_height_axis(make_panel):
    axes = draw([make_panel(bowl)], "render", dpi=60, camera=ABOVE).axes[0]
    assert not [text for text in axes.texts if str(text.get_gid()).startswith("height")]


def test_a_surface_shades_the_floor_on_the_side_away_from_the_sun(make_panel):
    """The sun is to the left of the camera, so the shadow of a small dome falls to its right."""
    values = np.full((41, 41), np.nan)
    values[15:26, 5:16] = 1.0
    values[20, 10] = 1.1
    terrain = terrain_of(make_panel(values, x="-1:1:41", y="-1:1:41"), Scale(0.0, 1.1), Camera(-90))
    places, shade = floor_shadow(terrain, -90)
    assert 0.04 < shade.mean() < 0.1
    middle = (places * shade[..., None]).sum(axis=(0, 1)) / shade.sum()
    # The lit height is 1 / 1.1 of the box above the floor; the sun is at 52 degrees.
    away = (BOX_HEIGHT / 1.1 - FLOOR) / np.tan(SUN_ELEVATION)
    angle = np.deg2rad(-90 - SUN_LEFT)
    expected = [-0.5, 0] - away * np.array([np.cos(angle), np.sin(angle)])
    assert middle == pytest.approx(expected, abs=0.08)


def test_highlights_are_strongest_halfway_between_lamp_and_eye():
    lamp, eye = direction(0.0, 0.3), direction(1.0, 0.3)
    half = (lamp + eye) / np.linalg.norm(lamp + eye)
    up = np.array([0.0, 0.0, 1.0])
    found = highlights(np.stack([half, lamp, -half, up]), lamp, eye)
    assert found[0] == pytest.approx(GLOSS * (1 - half[2] ** SHARPNESS))
    assert found[0] > found[1] > 0
    assert found[2:].tolist() == [0, 0]


def test_a_hidden_centre_is_a_ring(make_panel):
    panel = make_panel(lambda x, y: x**2 + y**2, x="-1:1:9", y="-1:1:9")
    for elevation, rings in ((80, 0), (12, 1)):
        axes = draw([panel], "render", dpi=60, camera=Camera(elevation=elevation)).axes[0]
        assert len([line for line in axes.get_lines() if line.get_gid() == "hidden"]) == rings


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_texts_and_panels_fit(make_panel, size):
    shown = [make_panel(lambda x, y: 1 + x**2 + y**2)] * 2
    for panels in (shown[:1], shown):
        assert_fits(draw(panels, "render", size=size and size_of(size), dpi=50))
