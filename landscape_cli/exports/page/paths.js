"use strict";
// The paths of trainings and the curve between two networks, as lines over the surface and over the plane.

const PINK = "#ff2f92";
const COLORS = [PINK, "#ffb000", "#38c6ff", "#b6ff5c"]; // of the paths, in turn
const CURVE = "#ffffff"; // of a curve between two networks
const FINE = 8; // segments of a path between two checkpoints, so that it follows the surface
const LIFT = 0.018; // height of lines and marks above the surface
const PLAIN = { hoverinfo: "skip", showlegend: false, connectgaps: false };

/** All paths of a surface. */
function pathsOf(surface) {
  return [surface.path, ...(surface.others || [])].filter(Boolean);
}

function colorOf(place) {
  return COLORS[place % COLORS.length];
}

/** A height above the surface, but within the box, so that marks on a lid can be seen. */
function lifted(height, by = LIFT) {
  return height === null || Number.isNaN(height) ? null : Math.min(height, 1 - LIFT) + by;
}

/** Closely spaced points of a path above the surface, up to a checkpoint: {x, y, z}. */
function pathAbove(grid, step, { x, y }) {
  const found = { x: [], y: [], z: [] };
  const last = Math.min(step, x.length - 1);
  for (let k = 0; k <= last * FINE; k++) {
    const from = Math.floor(k / FINE), to = Math.min(from + 1, last), part = (k % FINE) / FINE;
    const place = [x[from] + part * (x[to] - x[from]), y[from] + part * (y[to] - y[from])];
    found.x.push(place[0]);
    found.y.push(place[1]);
    found.z.push(lifted(heightAt(grid, ...place)));
  }
  return found;
}

function lastOf(path) {
  return { x: path.x.slice(-1), y: path.y.slice(-1), z: path.z.slice(-1) };
}

/** Heights of a path's own values of the quantity that a panel shows; null if it has none. */
function ownHeights({ shown, scale }, path) {
  const own = (path.values || []).find((one) => one.split === shown.split && one.quantity === shown.quantity);
  if (!own) return null;
  return Array.from(own.values, (value) => {
    const height = Number.isFinite(value) ? scale.height(value) : NaN;
    return Number.isNaN(height) ? null : Math.min(Math.max(height, 0), 1);
  });
}

/** A path as a panel draws it up to a checkpoint: at its own values, or else on the surface. */
function lineOf(panel, path, step) {
  const own = ownHeights(panel, path);
  if (!own) return pathAbove(panel.grid, step, path);
  const end = Math.min(step, path.x.length - 1) + 1;
  return { x: path.x.slice(0, end), y: path.y.slice(0, end), z: own.slice(0, end) };
}

/** Lines from the surface to the own value of each checkpoint up to a step, with texts; perhaps empty. */
function stemOf(panel, path, step) {
  const found = { x: [], y: [], z: [], text: [] };
  const own = ownHeights(panel, path);
  for (let k = 0; own && k <= Math.min(step, path.x.length - 1); k++) {
    const foot = heightAt(panel.grid, path.x[k], path.y[k]);
    if (foot === null || own[k] === null) continue;
    found.x.push(path.x[k], path.x[k], null);
    found.y.push(path.y[k], path.y[k], null);
    found.z.push(Math.min(foot, 1), own[k], null);
    const text = panel.checkpointText(path, k);
    found.text.push(text, text, "");
  }
  return found;
}

/** Traces of the 3-D view that change with the step: each path's line, head and stems. */
function solidPaths(panel, step) {
  return pathsOf(panel.surface).flatMap((path, place) => {
    const line = lineOf(panel, path, step), color = colorOf(place), type = "scatter3d";
    const stems = { type, mode: "lines+markers", line: { color, width: 2 }, marker: { size: 2.5, color } };
    return [
      { ...PLAIN, type, meta: "path", mode: "lines", line: { color, width: 7 }, ...line },
      { ...PLAIN, type, meta: "head", mode: "markers", marker: { size: 6, color, line: { color: "#ffffff", width: 2 } }, ...lastOf(line) },
      { ...PLAIN, ...stems, meta: "stems", hoverinfo: "none", ...stemOf(panel, path, step) },
    ];
  });
}

/** Checkpoints in the colours of their own values, for the contour plot; perhaps empty. */
function ownDots(panel, path, step) {
  const found = { x: [], y: [], text: [], color: [] };
  const own = ownHeights(panel, path);
  for (let k = 0; own && k <= Math.min(step, path.x.length - 1); k++) {
    if (own[k] === null) continue;
    found.x.push(path.x[k]);
    found.y.push(path.y[k]);
    found.text.push(panel.checkpointText(path, k));
    found.color.push(own[k]);
  }
  return found;
}

/** Traces of the contour plot that change with the step: each path's edge, line, ends and dots. */
function flatPaths(panel, step) {
  return pathsOf(panel.surface).flatMap((path, place) => {
    const color = colorOf(place), last = Math.min(step, path.x.length - 1), type = "scatter";
    const line = { x: path.x.slice(0, last + 1), y: path.y.slice(0, last + 1) };
    const ends = ownHeights(panel, path) ? { x: [], y: [] } : { x: [path.x[0], path.x[last]], y: [path.y[0], path.y[last]] };
    const { color: heights, ...dots } = ownDots(panel, path, step);
    const values = { size: 8, color: heights, cmin: 0, cmax: 1, colorscale: panel.colorscale, line: { color, width: 1.5 } };
    return [
      { ...PLAIN, type, meta: "path edge", mode: "lines", line: { color: "#ffffff", width: 4.5 }, ...line },
      { ...PLAIN, type, meta: "path", mode: "lines", line: { color, width: 2.5 }, ...line },
      { ...PLAIN, type, meta: "path ends", mode: "markers", marker: { size: [7, 11], color: ["#ffffff", color], line: { color: [color, "#ffffff"], width: 2 } }, ...ends },
      { ...PLAIN, type, meta: "path dots", mode: "markers", hoverinfo: "none", marker: values, ...dots },
    ];
  });
}

/** Evenly spaced numbers between the two of a list. */
function spread([from, to], count) {
  return Array.from({ length: count }, (_, k) => from + (k / (count - 1)) * (to - from));
}

/** Traces of a surface's curve in the 3-D view: its line, the straight line between its ends, its bends. */
function solidCurve({ surface, grid }) {
  if (!surface.curve) return [];
  const { line, straight, bends } = surface.curve, steps = line.x.length * FINE, type = "scatter3d";
  const finer = { x: spread(straight.x, line.x.length), y: spread(straight.y, line.x.length) };
  const drawn = (width, dash, path) => ({ ...PLAIN, type, meta: "curve", mode: "lines", line: { color: CURVE, width, dash }, ...pathAbove(grid, steps, path) });
  const marker = { size: 6, symbol: "circle-open", color: CURVE, line: { color: CURVE, width: 2 } };
  const z = bends.x.map((x, k) => lifted(heightAt(grid, x, bends.y[k])));
  return [drawn(7, "solid", line), drawn(4, "dash", finer), { ...PLAIN, type, meta: "curve", mode: "markers", marker, ...bends, z }];
}

/** The same in the contour plot. */
function flatCurve({ surface }) {
  if (!surface.curve) return [];
  const { line, straight, bends } = surface.curve, type = "scatter", meta = "curve";
  const drawn = ({ x, y }, color, width, dash) => ({ ...PLAIN, type, meta, mode: "lines", line: { color, width, dash }, x, y });
  const marker = (color, size) => ({ symbol: "circle-open", size, color, line: { color, width: 2 } });
  return [
    drawn(straight, "#000000", 3, "solid"), drawn(straight, CURVE, 1.5, "dash"), drawn(line, "#000000", 5, "solid"), drawn(line, CURVE, 3, "solid"),
    ...[["#000000", 12], [CURVE, 9]].map((one) => ({ ...PLAIN, type, meta, mode: "markers", marker: marker(...one), ...bends })),
  ];
}
