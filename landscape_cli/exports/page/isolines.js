"use strict";
// Contour lines of heights over a grid, and places for their labels.

/** Heights of contour lines, among them those of the ticks, and the ticks' texts. */
function levelsOf(scale) {
  const ticks = ticksOf(scale, 6), named = ticks.at.map((at, k) => ({ at, text: ticks.text[k] }));
  const inner = (at) => at > 0.004 && at < 0.996;
  const halves = ticks.at.slice(1).map((at, k) => (at + ticks.at[k]) / 2);
  return { lines: [...ticks.at, ...halves].filter(inner), named: named.filter(({ at }) => inner(at)) };
}

/** The segments [x0, y0, x1, y1] of a contour line, cell by cell; none in cells without a value. */
function segmentsOf({ x, y, z }, level) {
  const width = x.length, found = [];
  for (let row = 0; row + 1 < y.length; row++) {
    for (let column = 0; column + 1 < width; column++) {
      const at = row * width + column, corners = [z[at], z[at + 1], z[at + width + 1], z[at + width]];
      const above = corners.map((height) => height > level);
      if (above[0] === above[1] && above[1] === above[2] && above[2] === above[3]) continue;
      if (corners.some(Number.isNaN)) continue;
      const across = [x[column], x[column + 1], x[column + 1], x[column]], up = [y[row], y[row], y[row + 1], y[row + 1]];
      const ends = [];
      for (let k = 0; k < 4; k++) {
        const next = (k + 1) % 4;
        if (above[k] === above[next]) continue;
        const part = (level - corners[k]) / (corners[next] - corners[k]);
        ends.push([across[k] + part * (across[next] - across[k]), up[k] + part * (up[next] - up[k])]);
      }
      for (let k = 0; k + 1 < ends.length; k += 2) found.push([...ends[k], ...ends[k + 1]]);
    }
  }
  return found;
}

/** One line with gaps through segments. */
function lineThrough(segments) {
  const line = { x: [], y: [] };
  for (const [left, low, right, high] of segments) {
    line.x.push(left, right, null);
    line.y.push(low, high, null);
  }
  return line;
}

/**
 * A place for a label on a contour line, far from the edges and from other places; null if there is none.
 *
 * Places and distances are fractions of the plane's sides.
 */
function labelPlace(segments, surface, taken, width) {
  const [left, right] = rangeOf(surface, "x"), [bottom, top] = rangeOf(surface, "y");
  const stride = Math.max(1, Math.floor(segments.length / 150));
  let best = null;
  for (let k = 0; k < segments.length; k += stride) {
    const [x0, y0, x1, y1] = segments[k];
    const place = [((x0 + x1) / 2 - left) / (right - left), ((y0 + y1) / 2 - bottom) / (top - bottom)];
    const edge = Math.min(place[0], 1 - place[0], place[1], 1 - place[1]);
    const apart = taken.reduce((least, one) => Math.min(least, Math.hypot(one[0] - place[0], one[1] - place[1])), 1);
    if (edge < 0.06 || apart < width) continue;
    const room = Math.min(apart, 2 * edge, 0.4) - 0.1 * Math.abs(place[1] - 0.5);
    if (best && best.room >= room) continue;
    const angle = (Math.atan2((y1 - y0) / (top - bottom), (x1 - x0) / (right - left)) * 180) / Math.PI;
    best = { room, place, x: (x0 + x1) / 2, y: (y0 + y1) / 2, angle: -(angle > 90 ? angle - 180 : angle < -90 ? angle + 180 : angle) };
  }
  return best;
}

/** Labels of contour lines at the ticks' heights, as plotly's annotations. */
function contourLabels({ surface, grid, scale }, keepFree) {
  const taken = keepFree.map(({ x, y }) => {
    const [left, right] = rangeOf(surface, "x"), [bottom, top] = rangeOf(surface, "y");
    return [(x - left) / (right - left), (y - bottom) / (top - bottom)];
  });
  return levelsOf(scale).named.flatMap(({ at, text }) => {
    const found = labelPlace(segmentsOf(grid, at), surface, taken, 0.14);
    if (!found) return [];
    taken.push(found.place);
    const font = { color: "#ffffff", size: 11, shadow: "0 0 3px rgba(0,0,0,0.9), 0 0 2px rgba(0,0,0,0.9)" };
    return [{ name: "contour", x: found.x, y: found.y, text, textangle: found.angle, showarrow: false, font, borderpad: 0 }];
  });
}
