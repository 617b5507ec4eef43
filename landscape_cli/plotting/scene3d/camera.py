"""Cameras for surfaces in three dimensions, and their projection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DISTANCE = 7.0
"""Distance from the eye to its target, in units in which the scene is about 2 wide."""

MARGIN = 1.04
"""Ratio of a frame's size to its content's."""


@dataclass(frozen=True)
class Camera:
    """The viewpoint of a surface.

    Args:
        azimuth: degrees from the x axis towards the y axis.
        elevation: degrees above the plane, from 0 to 90.
        zoom: magnification relative to the full view.
        turning: whether the frame fits the surface at every azimuth.
    """

    azimuth: float = -58.0
    elevation: float = 32.0
    zoom: float = 1.0
    turning: bool = False


@dataclass(frozen=True)
class Eye:
    """A pinhole camera.

    Args:
        position: its position, of shape (3,).
        target: the point it looks at, of shape (3,).
        axes: unit vectors to its right, up and forward, the rows of a (3, 3) matrix.
    """

    position: Floats
    target: Floats
    axes: Floats

    def project(self, points: Floats) -> Floats:
        """Project points (..., 3) to tangents to the right and up, and depths, (..., 3)."""
        relative = (points - self.position) @ self.axes.T
        return np.concatenate([relative[..., :2] / relative[..., 2:], relative[..., 2:]], axis=-1)


def eye_of(camera: Camera, target: Floats) -> Eye:
    """Return the eye that looks at a point from the camera's direction."""
    azimuth, elevation = np.deg2rad([camera.azimuth, min(camera.elevation, 89.9)])
    back = direction(azimuth, elevation)
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    axes = np.stack([right, np.cross(back, right), -back])
    return Eye(target + DISTANCE * back, target, axes)


def direction(azimuth: float, elevation: float) -> Floats:
    """Return the unit vector in a direction given in radians."""
    level = np.cos(elevation)
    return np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


@dataclass(frozen=True)
class Frame:
    """The edges of a picture, as tangents to the right of and above the eye's axis."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def width(self) -> float:
        """Distance from the left to the right edge."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Distance from the bottom to the top edge."""
        return self.top - self.bottom

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top."""
        return self.left, self.right, self.bottom, self.top


def frame_of(camera: Camera, corners: Floats) -> Frame:
    """Return the frame that holds points around the eye's target.

    Args:
        camera: the camera; the frame fits every azimuth if it is turning.
        corners: the points relative to the target, of shape (n, 3).
    """
    azimuths = range(0, 360, 5) if camera.turning else (camera.azimuth,)
    views = [Camera(azimuth, camera.elevation) for azimuth in azimuths]
    seen = np.concatenate([eye_of(view, np.zeros(3)).project(corners) for view in views])
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    middle, half = (low + high) / 2, MARGIN / camera.zoom * (high - low) / 2
    (left, bottom), (right, top) = (middle - half).tolist(), (middle + half).tolist()
    return Frame(left, right, bottom, top)
