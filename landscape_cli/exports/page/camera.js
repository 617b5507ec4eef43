"use strict";
// Cameras of the 3-D views: presets, turning by keys, and the link between surfaces.

const DISTANCE = 2, NARROW = Math.tan(Math.PI / 8); // half of plotly's vertical field of view is 22.5 degrees
const EDGE = [42, 16]; // pixels that labels need to the left and right of the box, and above and below it

/** Angles of the presets in degrees: around the vertical axis, and upwards. */
const PRESETS = { home: [-52, 30], front: [-90, 8], side: [0, 8], top: [-90, 89.9], isometric: [-45, 35.264] };

/** The distance from which the whole box is seen at angles in degrees, in a view of a size. */
function distanceOf(ratio, width, height, around, up) {
  const broad = (NARROW * Math.max(width - 2 * EDGE[0], 50)) / height, high = (NARROW * Math.max(height - 2 * EDGE[1], 50)) / height;
  const { eye } = cameraAt(around, up, 1), flat = Math.hypot(eye.x, eye.y);
  const across = [-eye.y / flat, eye.x / flat, 0], upwards = [(-eye.x * eye.z) / flat, (-eye.y * eye.z) / flat, flat];
  const dot = (one, other) => one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
  let distance = 0;
  for (const x of [-1, 1]) for (const y of [-1, 1]) for (const z of [-1, 1]) {
    const corner = [(x * ratio.x) / 2, (y * ratio.y) / 2, (z * ratio.z) / 2 - CENTER.z];
    const wide = Math.abs(dot(corner, across)) / broad, tall = Math.abs(dot(corner, upwards)) / high;
    distance = Math.max(distance, Math.max(wide, tall) + dot(corner, [eye.x, eye.y, eye.z]));
  }
  return distance;
}

/** A preset's camera, which sees the whole box. */
function presetOf(panel, name) {
  const { width, height } = panel.solid.getBoundingClientRect();
  const distance = width && height ? distanceOf(ratioOf(panel.surface), width, height, ...PRESETS[name]) : DISTANCE;
  return cameraAt(...PRESETS[name], distance);
}

/** Show all surfaces from a preset. */
function choosePreset(name) {
  for (const panel of panels) {
    panel.preset = name;
    panel.setCamera(presetOf(panel, name));
  }
  remember();
}

/** Record that a panel's camera has moved, and move the linked ones. */
function turn(panel, camera) {
  panel.camera = camera;
  panel.preset = null;
  remember();
  if (!state.linked) return;
  for (const other of panels) if (other !== panel) Object.assign(other, { camera, preset: null });
  turnOthers.leader = panel;
  turnOthers();
}

const turnOthers = oneByOne(async () => {
  const { leader } = turnOthers;
  for (const panel of panels) {
    if (panel === leader) continue;
    panel.following = true;
    await panel.setCamera(panel.camera);
    panel.following = false;
  }
}, true);

/** Rotate a panel by angles in degrees around the vertical axis and upwards, and scale the distance. */
function rotate(panel, around, up, factor) {
  const camera = turned(panel.camera, around, up, factor);
  panel.setCamera(camera);
  turn(panel, camera);
}

const TURNS = {
  ArrowLeft: [-8, 0, 1], ArrowRight: [8, 0, 1], ArrowUp: [0, 6, 1], ArrowDown: [0, -6, 1],
  "+": [0, 0, 0.9], "=": [0, 0, 0.9], "-": [0, 0, 1 / 0.9],
};

function watchSolid(panel) {
  const follow = (event) => {
    const camera = event["scene.camera"];
    if (!camera || panel.following) return;
    panel.solid.layout.scene.camera = camera; // plotly omits this after a view has been redrawn
    turn(panel, camera);
  };
  panel.solid.on("plotly_relayouting", follow);
  panel.solid.on("plotly_relayout", follow);
  panel.solid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== panel.solid) return;
    if (event.key === "0") {
      panel.setCamera(presetOf(panel, "home"));
      turn(panel, panel.camera);
    } else if (TURNS[event.key]) rotate(panel, ...TURNS[event.key]);
    else return;
    event.preventDefault();
  });
  // The wheel zooms where the page has nothing to scroll, and else together with Ctrl, as pinching does.
  panel.solid.addEventListener("wheel", (event) => {
    const scrolls = document.documentElement.scrollHeight > innerHeight + 2;
    if (scrolls && !event.ctrlKey) return;
    event.preventDefault();
    rotate(panel, 0, 0, Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.003));
  }, { passive: false, capture: true });
}
