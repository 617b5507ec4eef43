"use strict";
// Cameras of 3-D views by angles around the vertical axis and upwards, in degrees.

const CENTER = { x: 0, y: 0, z: -0.1 }, UP = { x: 0, y: 0, z: 1 };

/** The camera at angles in degrees and a distance. */
function cameraAt(around, up, distance, center = CENTER) {
  const [turned, raised] = [around, up].map((angle) => (angle * Math.PI) / 180), flat = distance * Math.cos(raised);
  const eye = { x: flat * Math.cos(turned), y: flat * Math.sin(turned), z: distance * Math.sin(raised) };
  return { eye, center, up: UP };
}

/** A camera turned by angles, at a multiple of its distance. */
function turned(camera, around, up, factor) {
  const { x, y, z } = camera.eye, distance = Math.hypot(x, y, z);
  const angle = (Math.atan2(y, x) * 180) / Math.PI + around;
  const raised = Math.min(89, Math.max(-89, (Math.asin(z / distance) * 180) / Math.PI + up));
  return { ...camera, eye: cameraAt(angle, raised, Math.min(Math.max(distance * factor, 0.5), 8)).eye };
}
