"use strict";
// A surface's heights over its grid, and between the points of the grid.

const POINTS = 180, PARTS = 8; // points along a side to which a coarse grid is refined; most parts of a step
const EXCESS = 1e9; // heights are cut at this, to avoid overflow

/** Heights of a view's values, beyond 1 for those above the limit; NaN where there is nothing to draw. */
function heightsOf(view, scale) {
  return Float64Array.from(view.values, (value) => {
    const height = Number.isFinite(value) ? scale.height(value) : NaN;
    return Math.min(Math.max(height, 0), EXCESS);
  });
}

function rowsOf(array, width) {
  const rows = [];
  for (let start = 0; start < array.length; start += width) rows.push(array.subarray(start, start + width));
  return rows;
}

/** Places of points that were computed but have no height on the scale. */
function absentOf(surface, status, heights) {
  const found = { x: [], y: [] };
  heights.forEach((height, place) => {
    const missing = status && (status[place] === 0 || status[place] === 3);
    if (!Number.isNaN(height) || missing) return;
    found.x.push(surface.x[place % surface.x.length]);
    found.y.push(surface.y[Math.floor(place / surface.x.length)]);
  });
  return found;
}

/** Slopes of a monotone cubic through points, some of which may be NaN (Fritsch and Carlson, 1980). */
function slopesOf(x, values) {
  const step = (k) => x[k + 1] - x[k], rise = (k) => (values[k + 1] - values[k]) / step(k);
  return Float64Array.from(values, (_, k) => {
    const left = k > 0 ? rise(k - 1) : NaN, right = k < values.length - 1 ? rise(k) : NaN;
    if (Number.isNaN(left) || Number.isNaN(right)) return Number.isNaN(left) ? right : left;
    if (left * right <= 0) return 0;
    const [first, second] = [2 * step(k) + step(k - 1), step(k) + 2 * step(k - 1)];
    return (first + second) / (first / left + second / right);
  });
}

/** Values between points, which do not overshoot them; NaN next to a NaN. */
function between(x, values, parts) {
  const slopes = slopesOf(x, values), last = values.length - 1, found = new Float64Array(last * parts + 1);
  for (let k = 0; k < last; k++) {
    const step = x[k + 1] - x[k], low = values[k], high = values[k + 1];
    found[k * parts] = low;
    for (let part = 1; part < parts; part++) {
      const t = part / parts, s = 1 - t;
      found[k * parts + part] = low * s * s * (1 + 2 * t) + high * t * t * (1 + 2 * s) + step * t * s * (slopes[k] * s - slopes[k + 1] * t);
    }
  }
  found[last * parts] = values[last];
  return found;
}

function divided(coordinates, parts) {
  const last = coordinates.length - 1;
  return Float64Array.from({ length: last * parts + 1 }, (_, k) => {
    const from = Math.min(Math.floor(k / parts), last - 1), part = k / parts - from;
    return coordinates[from] + part * (coordinates[from + 1] - coordinates[from]);
  });
}

/** A grid with its heights: {x, y, z}, as computed, or refined by a monotone cubic along each axis. */
function gridOf(surface, heights, smooth) {
  const { x, y } = surface;
  if (!smooth) return { x: Float64Array.from(x), y: Float64Array.from(y), z: heights };
  const [across, up] = [x, y].map((side) => Math.max(1, Math.min(PARTS, Math.ceil(POINTS / side.length))));
  const rows = rowsOf(heights, x.length).map((row) => between(x, row, across));
  const width = rows[0].length, tall = (y.length - 1) * up + 1, z = new Float64Array(width * tall);
  const column = new Float64Array(y.length);
  for (let place = 0; place < width; place++) {
    for (let row = 0; row < y.length; row++) column[row] = rows[row][place];
    between(y, column, up).forEach((height, row) => (z[row * width + place] = height));
  }
  return { x: divided(x, across), y: divided(y, up), z };
}

/** Height above a place in the plane, interpolated between the points around; null for none. */
function heightAt(grid, x, y) {
  const [column, right] = cellOf(grid.x, x);
  const [row, up] = cellOf(grid.y, y);
  if (column === null || row === null) return null;
  const at = (r, c) => grid.z[r * grid.x.length + c];
  const below = at(row, column) * (1 - right) + at(row, column + 1) * right;
  const above = at(row + 1, column) * (1 - right) + at(row + 1, column + 1) * right;
  const height = below * (1 - up) + above * up;
  return Number.isNaN(height) ? null : height;
}

function cellOf(coordinates, value) {
  const last = coordinates.length - 1;
  if (!(value >= coordinates[0] && value <= coordinates[last])) return [null, 0];
  let place = 0;
  while (place < last - 1 && coordinates[place + 1] <= value) place++;
  return [place, (value - coordinates[place]) / (coordinates[place + 1] - coordinates[place])];
}

function nearest(coordinates, value) {
  let best = 0;
  coordinates.forEach((coordinate, place) => {
    if (Math.abs(coordinate - value) < Math.abs(coordinates[best] - value)) best = place;
  });
  return best;
}

function rangeOf(surface, name) {
  return [surface[name][0], surface[name][surface[name].length - 1]];
}

/** Height over width of the plane, not too far from a square. */
function aspectOf(surface) {
  const [left, right] = rangeOf(surface, "x"), [bottom, top] = rangeOf(surface, "y");
  return Math.min(Math.max((top - bottom) / (right - left), 0.5), 1.6);
}
