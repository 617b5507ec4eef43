"use strict";
// Plotly's traces and layouts of one surface: the 3-D view and the contour plot.

const CURSOR = 1, PATH = 2, HEAD = 3, MARKS = 4, ABSENT = 5; // traces of the 3-D view after the surface
const PINK = "#ff2f92", RED = "#e6194b";
const COLORS = [PINK, "#ffb000", "#38c6ff", "#b6ff5c"]; // of the paths, in turn
const CURVE = "#ffffff"; // of a curve between two networks
const FINE = 8; // segments of a path between two checkpoints, so that it follows the surface

/** Heights of a view's values, clipped at 1; NaN where there is nothing to draw. */
function heightsOf(view, scale) {
  return Float32Array.from(view.values, (value) => {
    const height = Number.isFinite(value) ? scale.height(value) : NaN;
    return Math.min(height, 1);
  });
}

function rowsOf(array, width) {
  const rows = [];
  for (let start = 0; start < array.length; start += width) rows.push(array.subarray(start, start + width));
  return rows;
}

/** Places of points that were computed but have no height on the scale. */
function absentOf(surface, view, status, heights) {
  const found = { x: [], y: [] };
  heights.forEach((height, place) => {
    const missing = status && (status[place] === 0 || status[place] === 3);
    if (!Number.isNaN(height) || missing) return;
    found.x.push(surface.x[place % surface.x.length]);
    found.y.push(surface.y[Math.floor(place / surface.x.length)]);
  });
  return found;
}

/** Height above a place in the plane, interpolated between the points around; null for none. */
function heightAt(surface, heights, x, y) {
  const [column, right] = cellOf(surface.x, x);
  const [row, up] = cellOf(surface.y, y);
  if (column === null || row === null) return null;
  const width = surface.x.length;
  const at = (r, c) => heights[r * width + c];
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

/** All paths of a surface. */
function pathsOf(surface) {
  return [surface.path, ...(surface.others || [])].filter(Boolean);
}

function colorOf(place) {
  return COLORS[place % COLORS.length];
}

/** Closely spaced points of a path on the surface, up to a checkpoint: {x, y, z}. */
function pathAbove(surface, heights, step, { x, y } = surface.path) {
  const found = { x: [], y: [], z: [] };
  const last = Math.min(step, x.length - 1);
  for (let k = 0; k <= last * FINE; k++) {
    const from = Math.floor(k / FINE), to = Math.min(from + 1, last), part = (k % FINE) / FINE;
    const place = [x[from] + part * (x[to] - x[from]), y[from] + part * (y[to] - y[from])];
    const height = heightAt(surface, heights, ...place);
    found.x.push(place[0]);
    found.y.push(place[1]);
    found.z.push(height === null ? null : height + 0.012);
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
  if (!own) return pathAbove(panel.surface, panel.heights, step, path);
  const end = Math.min(step, path.x.length - 1) + 1;
  return { x: path.x.slice(0, end), y: path.y.slice(0, end), z: own.slice(0, end) };
}

/** Lines from the surface to the own value of each checkpoint up to a step, with texts; perhaps empty. */
function stemOf(panel, path, step) {
  const found = { x: [], y: [], z: [], text: [] };
  const own = ownHeights(panel, path);
  for (let k = 0; own && k <= Math.min(step, path.x.length - 1); k++) {
    const foot = heightAt(panel.surface, panel.heights, path.x[k], path.y[k]);
    if (foot === null || own[k] === null) continue;
    found.x.push(path.x[k], path.x[k], null);
    found.y.push(path.y[k], path.y[k], null);
    found.z.push(foot, own[k], null);
    const text = panel.checkpointText(path, k);
    found.text.push(text, text, "");
  }
  return found;
}

/** Paths of a surface that have own values of some quantity, with their colours. */
function ownPaths(surface) {
  const colored = pathsOf(surface).map((path, place) => ({ path, own: colorOf(place) }));
  return colored.filter(({ path }) => path.values);
}

/** Traces of the stems of paths with own values. */
function stemTraces(panel, step) {
  return ownPaths(panel.surface).map(({ path, own }) => ({
    type: "scatter3d", mode: "lines+markers", hoverinfo: "none", showlegend: false, connectgaps: false,
    line: { color: own, width: 2 }, marker: { size: 2.5, color: own }, ...stemOf(panel, path, step),
  }));
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

/** For the contour plot, a line and dots of each path with own values; both empty for other quantities. */
function ownTraces(panel, step) {
  return ownPaths(panel.surface).flatMap(({ path, own }) => {
    const { color, ...places } = ownDots(panel, path, step);
    const shared = { type: "scatter", hoverinfo: "none", showlegend: false };
    const end = ownHeights(panel, path) ? Math.min(step, path.x.length - 1) + 1 : 0;
    const line = { x: path.x.slice(0, end), y: path.y.slice(0, end), text: [] };
    return [
      { ...shared, mode: "lines", line: { color: own, width: 2 }, marker: { color: own }, ...line },
      {
        ...shared, mode: "markers", ...places,
        marker: { size: 8, color, cmin: 0, cmax: 1, colorscale: "Viridis", line: { color: own, width: 1.5 } },
      },
    ];
  });
}

/** Traces of a surface's paths after the first: a line and a head for each. */
function otherTraces(panel, step) {
  return (panel.surface.others || []).flatMap((other, place) => {
    const path = lineOf(panel, other, step), color = colorOf(place + 1);
    const shared = { type: "scatter3d", hoverinfo: "skip", showlegend: false };
    return [
      { ...shared, mode: "lines", connectgaps: false, line: { color, width: 6 }, ...path },
      { ...shared, mode: "markers", marker: { size: 6, color, line: { color: "#ffffff", width: 2 } }, ...lastOf(path) },
    ];
  });
}

/** Traces of a surface's curve: its line, the straight line between its ends, and its bends. */
function curveTraces(surface, heights) {
  if (!surface.curve) return [];
  const { line, straight, bends } = surface.curve;
  const shared = { type: "scatter3d", hoverinfo: "skip", showlegend: false, connectgaps: false };
  const steps = line.x.length * FINE;
  const drawn = (color, width, dash, path) => ({ ...shared, mode: "lines", line: { color, width, dash }, ...pathAbove(surface, heights, steps, path) });
  const finer = { x: spread(straight.x, line.x.length), y: spread(straight.y, line.x.length) };
  const marker = { size: 6, symbol: "circle-open", color: CURVE, line: { color: CURVE, width: 2 } };
  const z = bends.x.map((x, k) => heightAt(surface, heights, x, bends.y[k])).map((height) => (height === null ? null : height + 0.025));
  return [
    drawn(CURVE, 7, "solid", line), drawn(CURVE, 4, "dash", finer),
    { ...shared, mode: "markers", marker, ...bends, z },
  ];
}

/** Evenly spaced numbers between the two of a list. */
function spread([from, to], count) {
  return Array.from({ length: count }, (_, k) => from + (k / (count - 1)) * (to - from));
}

function solidTraces(surface, heights, absent, path) {
  const none = { x: [], y: [], z: [] };
  const marks = { x: [], y: [], z: [] };
  for (const mark of surface.marks) {
    const height = heightAt(surface, heights, mark.x, mark.y);
    if (height === null) continue;
    marks.x.push(mark.x);
    marks.y.push(mark.y);
    marks.z.push(height + 0.025);
  }
  const dots = (marker, places) => ({
    type: "scatter3d", mode: "markers", hoverinfo: "skip", showlegend: false, marker, ...places,
  });
  return [
    {
      type: "surface", x: surface.x, y: surface.y, z: rowsOf(heights, surface.x.length),
      cmin: 0, cmax: 1, colorscale: "Viridis", showscale: false, hoverinfo: "none", connectgaps: false,
      lighting: { ambient: 0.62, diffuse: 0.7, specular: 0.08, roughness: 0.8, fresnel: 0.05 },
      lightposition: { x: -400, y: 500, z: 1200 },
      contours: { x: { highlight: false }, y: { highlight: false }, z: { highlight: false } },
    },
    dots({ size: 6, color: "#ffffff", line: { color: "#000000", width: 2 } }, none),
    {
      type: "scatter3d", mode: "lines", hoverinfo: "skip", showlegend: false, connectgaps: false,
      line: { color: PINK, width: 6 }, ...(path || none),
    },
    dots({ size: 6, color: PINK, line: { color: "#ffffff", width: 2 } }, path ? lastOf(path) : none),
    dots({ size: 5, symbol: "diamond", color: "#ffffff", line: { color: "#000000", width: 2 } }, marks),
    dots({ size: 3, symbol: "x", color: RED }, { ...absent, z: absent.x.map(() => 1) }),
  ];
}

function flatTraces(surface, heights, absent, scale, look) {
  const ticks = ticksOf(scale, 6);
  const step = ticks.at.length > 1 ? ticks.at[1] - ticks.at[0] : 0.2;
  const start = (ticks.at[0] ?? 0) % (step / 2);
  return [
    {
      type: "contour", x: surface.x, y: surface.y, z: rowsOf(heights, surface.x.length), hoverinfo: "none",
      zmin: 0, zmax: 1, zauto: false, colorscale: "Viridis", connectgaps: false,
      autocontour: false, contours: { coloring: "heatmap", start, end: 1, size: step / 2 },
      line: { width: 0.8, color: "rgba(255,255,255,0.55)", smoothing: 0.6 },
      colorbar: {
        tickvals: ticks.at, ticktext: ticks.text, thickness: 12, outlinewidth: 0, len: 1, xpad: 6,
        tickfont: { color: look.soft },
      },
    },
    {
      type: "scatter", mode: "markers", hoverinfo: "skip", showlegend: false, ...absent,
      marker: { symbol: "x-thin", size: 6, line: { color: RED, width: 1.5 } },
    },
  ];
}

/** Shapes over the contour plot: the curve, the paths, the checkpoints and the cursor. */
function overlaysOf(panel, step) {
  const { surface, cursor } = panel;
  const shapes = [];
  const dot = (x, y, size, fill, edge) => ({
    type: "circle", xsizemode: "pixel", ysizemode: "pixel", xanchor: x, yanchor: y,
    x0: -size, x1: size, y0: -size, y1: size, fillcolor: fill, line: { color: edge, width: 1.5 },
  });
  if (surface.curve) {
    const { line, straight, bends } = surface.curve;
    const drawn = ({ x, y }, color, width, dash) => shapes.push({
      type: "path", path: x.map((left, k) => `${k ? "L" : "M"}${left},${y[k]}`).join(""), line: { color, width, dash },
    });
    drawn(straight, "#000000", 3, "solid");
    drawn(straight, CURVE, 1.5, "dash");
    drawn(line, "#000000", 5, "solid");
    drawn(line, CURVE, 3, "solid");
    bends.x.forEach((x, k) => shapes.push(dot(x, bends.y[k], 5, "rgba(0,0,0,0)", "#000000"), dot(x, bends.y[k], 4, "rgba(0,0,0,0)", CURVE)));
  }
  pathsOf(surface).forEach((one, place) => {
    if (ownHeights(panel, one)) return; // drawn as traces, so that dots lie over the line
    const { x, y } = one;
    const last = Math.min(step, x.length - 1), own = colorOf(place);
    const path = x.slice(0, last + 1).map((left, k) => `${k ? "L" : "M"}${left},${y[k]}`).join("");
    const line = (color, width) => ({ type: "path", path, line: { color, width } });
    if (last > 0) shapes.push(line("#ffffff", 4), line(own, 2));
    shapes.push(dot(x[0], y[0], 3, "#ffffff", own), dot(x[last], y[last], 5, own, "#ffffff"));
  });
  for (const mark of surface.marks) shapes.push(dot(mark.x, mark.y, 4, "#ffffff", "#000000"));
  if (cursor) {
    const line = { color: "rgba(255,255,255,0.8)", width: 1, dash: "dot" };
    shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: cursor.y, y1: cursor.y, line });
    shapes.push({ type: "line", yref: "paper", y0: 0, y1: 1, x0: cursor.x, x1: cursor.x, line });
    shapes.push(dot(cursor.x, cursor.y, 4, "#ffffff", "#000000"));
  }
  return shapes;
}

/** A text that plotly draws as it is, without tags. */
function plainText(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function namesOf(surface) {
  return surface.marks.map((mark) => ({
    x: mark.x, y: mark.y, text: plainText(mark.label), showarrow: false, yshift: 12, font: { color: "#ffffff", size: 11 },
    bgcolor: "rgba(0,0,0,0.55)",
  }));
}

function rangeOf(surface, name) {
  return [surface[name][0], surface[name][surface[name].length - 1]];
}

function aspectOf(surface) {
  const [left, right] = rangeOf(surface, "x"), [bottom, top] = rangeOf(surface, "y");
  return Math.min(Math.max((top - bottom) / (right - left), 0.5), 1.6);
}

function baseLayout(look) {
  return {
    paper_bgcolor: look.back, plot_bgcolor: look.back, font: { color: look.text, family: "system-ui, sans-serif" },
    hovermode: "closest", uirevision: "same", showlegend: false,
  };
}

function solidLayout(surface, scale, window_, camera, look) {
  const ticks = ticksOf(scale);
  const axis = { gridcolor: look.grid, zeroline: false, showspikes: false, color: look.soft, showbackground: false };
  const flat = (name) => ({
    ...axis, title: { text: name }, nticks: 6, range: (window_ && window_[name]) || rangeOf(surface, name),
  });
  const height = {
    ...axis, title: { text: "" }, range: [0, 1.001], tickmode: "array", tickvals: ticks.at, ticktext: ticks.text,
  };
  const ratio = { x: 1.15, y: Math.min(1.15 * aspectOf(surface), 1.5), z: 0.75 };
  return {
    ...baseLayout(look), margin: { l: 0, r: 0, t: 0, b: 0 },
    scene: { xaxis: flat("x"), yaxis: flat("y"), zaxis: height, aspectmode: "manual", aspectratio: ratio, camera, dragmode: "turntable" },
  };
}

function flatLayout(surface, window_, look) {
  const axis = (name) => ({
    title: { text: name, standoff: 4 }, range: (window_ && window_[name]) || rangeOf(surface, name), nticks: 7, color: look.soft,
    showgrid: false, zeroline: false, ticks: "outside", ticklen: 3, tickcolor: look.line, constrain: "domain",
  });
  const [left, right] = rangeOf(surface, "x"), [bottom, top] = rangeOf(surface, "y");
  const square = Math.abs((top - bottom) / (right - left) - aspectOf(surface)) < 1e-9;
  return {
    ...baseLayout(look), margin: { l: 48, r: 8, t: 12, b: 40 }, dragmode: "zoom",
    xaxis: axis("x"), yaxis: { ...axis("y"), ...(square ? { scaleanchor: "x" } : {}) },
  };
}
