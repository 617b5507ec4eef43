"""Where surfaces in three dimensions are seen from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DISTANCE = 7.0
"""From what is seen to the eye; what is seen is about 2 wide."""

MARGIN = 1.04
"""How much larger a frame is than what it holds."""


@dataclass(frozen=True)
class Camera:
    """Where a surface is seen from, in degrees.

    Args:
        azimuth: from the x axis towards the y axis.
        elevation: above the plane, from 0 to 90.
        zoom: how many times larger than in full view.
        turning: whether the frame is one that fits every azimuth.
    """

    azimuth: float = -58.0
    elevation: float = 32.0
    zoom: float = 1.0
    turning: bool = False


@dataclass(frozen=True)
class Eye:
    """A pinhole camera.

    Args:
        place: where it is, (3,).
        target: what it looks at, (3,).
        axes: the unit vectors to its right, up, and forward, in the rows of a (3, 3).
    """

    place: Floats
    target: Floats
    axes: Floats

    def project(self, points: Floats) -> Floats:
        """Where points (..., 3) are seen: tangents to the right and up, and depths, (..., 3)."""
        seen = (points - self.place) @ self.axes.T
        return np.concatenate([seen[..., :2] / seen[..., 2:], seen[..., 2:]], axis=-1)


def eye_of(camera: Camera, target: Floats) -> Eye:
    """The eye that looks at a point from the camera's direction."""
    azimuth, elevation = np.deg2rad([camera.azimuth, min(camera.elevation, 89.9)])
    back = direction(azimuth, elevation)
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    axes = np.stack([right, np.cross(back, right), -back])
    return Eye(target + DISTANCE * back, target, axes)


def direction(azimuth: float, elevation: float) -> Floats:
    """The unit vector in a direction, given in radians."""
    level = np.cos(elevation)
    return np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


@dataclass(frozen=True)
class Frame:
    """A picture's edges, as tangents to the right of and above the eye's axis."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def width(self) -> float:
        """From the left to the right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From the bottom to the top."""
        return self.top - self.bottom

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top."""
        return self.left, self.right, self.bottom, self.top


def frame_of(camera: Camera, corners: Floats) -> Frame:
    """The frame that holds points (n, 3) around the eye's target, from one or all azimuths.

    Args:
        camera: the camera.
        corners: the points, relative to the target.
    """
    azimuths = range(0, 360, 5) if camera.turning else (camera.azimuth,)
    views = [Camera(azimuth, camera.elevation) for azimuth in azimuths]
    seen = np.concatenate([eye_of(view, np.zeros(3)).project(corners) for view in views])
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    middle, half = (low + high) / 2, MARGIN / camera.zoom * (high - low) / 2
    (left, bottom), (right, top) = (middle - half).tolist(), (middle + half).tolist()
    return Frame(left, right, bottom, top)
