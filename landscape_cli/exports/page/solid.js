"use strict";
// The 3-D view: the surface, the lid over what is cut off, and pins.

const CAP = 3; // heights beyond the limit are drawn up to here, out of sight
const STEM = 0.14; // length of a pin
const CROSS = "#e6194b"; // of values that can't be drawn
const SMALL_BOX = 420; // width in pixels below which only the colour bar names the heights
const NONE = { x: [], y: [], z: [] };

/** The surface, which the box cuts at the limit, and a grey lid where it goes on. */
function terrainTraces({ grid, scale, colorscale }, state, look) {
  const width = grid.x.length, heights = grid.z.map((height) => Math.min(height, CAP));
  const shared = { type: "surface", x: grid.x, y: grid.y, hoverinfo: "none", connectgaps: false };
  const lines = { x: { highlight: false }, y: { highlight: false }, z: { highlight: false } };
  const found = [{
    ...shared, meta: "surface", z: rowsOf(heights, width), cmin: 0, cmax: 1, colorscale, contours: lines, lighting: LIGHTS[state.light],
    lightposition: { x: -600, y: -900, z: 2200 }, showscale: !state.show.flat, colorbar: colorbarOf(scale, state, look),
  }];
  if (!heights.some((height) => height > 1)) return found;
  const lid = rowsOf(heights.map((height) => (Number.isNaN(height) ? NaN : 1)), width);
  found.push({
    ...shared, meta: "lid", z: lid, surfacecolor: rowsOf(heights, width), cmin: 0.9, cmax: 1.1, showscale: false, contours: lines, opacity: 0.999,
    colorscale: [[0, LID], [1, LID]], opacityscale: [[0, 0], [0.495, 0], [0.505, LID_OPACITY], [1, LID_OPACITY]], lighting: LIGHTS.none,
  });
  return found;
}

/** Pins on the surface: heads, stems, and names above them. */
function pinTraces(grid, places, marker, meta) {
  const stems = { x: [], y: [], z: [] }, heads = { x: [], y: [], z: [], text: [] };
  for (const { x, y, name } of places) {
    const foot = heightAt(grid, x, y);
    if (foot === null) continue;
    const top = Math.min(Math.min(foot, 1) + STEM, 1 - LIFT);
    stems.x.push(x, x, null);
    stems.y.push(y, y, null);
    stems.z.push(Math.min(foot, 1), top, null);
    heads.x.push(x);
    heads.y.push(y);
    heads.z.push(top);
    heads.text.push(plainText(name || ""));
  }
  const shared = { ...PLAIN, type: "scatter3d" };
  return [
    { ...shared, meta: `${meta} stems`, mode: "lines", line: { color: marker.line.color, width: 3 }, ...stems },
    { ...shared, meta, mode: "markers+text", marker, textposition: "top center", ...heads },
  ];
}

/** The centre and the checkpoints, and the minima if they are shown. */
function markTraces({ surface, grid, topology }, look) {
  const marker = (symbol, size, color) => ({ symbol, size, color, line: { color: "#101418", width: 2 } });
  const textfont = { color: look.text, size: 12 };
  const traces = [
    ...(surface.centre ? pinTraces(grid, [surface.centre], marker("diamond", 5, "#ffffff"), "centre") : []),
    ...pinTraces(grid, surface.marks.map((mark) => ({ ...mark, name: mark.label })), marker("circle", 5, "#ffffff"), "checkpoints"),
  ];
  if (topology) {
    const numbered = topology.list.map(({ x, y }, k) => ({ x, y, name: topology.list.length > 1 ? String(k + 1) : "" }));
    traces.push(...pinTraces(grid, numbered, marker("square", 4, "#ffd60a"), "minima"));
  }
  return traces.map((trace) => ({ ...trace, textfont }));
}

/** The point whose values are read: a dot on the surface. */
function cursorTrace({ cursor, grid }) {
  const marker = { size: 6, color: "#ffffff", line: { color: "#101418", width: 2 } };
  const z = cursor && lifted(heightAt(grid, cursor.x, cursor.y));
  const place = cursor && z !== null ? { x: [cursor.x], y: [cursor.y], z: [z] } : NONE;
  return { ...PLAIN, type: "scatter3d", meta: "cursor", mode: "markers", marker, ...place };
}

function solidTraces(panel, state, look) {
  const crosses = { ...panel.absent, z: panel.absent.x.map(() => 1 - LIFT) };
  return [
    ...terrainTraces(panel, state, look), cursorTrace(panel), ...solidPaths(panel, state.step), ...solidCurve(panel), ...markTraces(panel, look),
    { ...PLAIN, type: "scatter3d", meta: "absent", mode: "markers", marker: { size: 3, symbol: "x", color: CROSS }, ...crosses },
  ];
}

function colorbarOf(scale, state, look) {
  const ticks = ticksOf(scale, 6);
  return {
    title: { text: plainText(state.label), side: "right", font: { color: look.soft, size: 12 } }, tickvals: ticks.at, ticktext: ticks.text,
    thickness: 11, outlinewidth: 0, len: 1, xpad: 4, ypad: 0, tickfont: { color: look.soft, size: 11 }, ticklen: 3, tickcolor: look.line, ticks: "outside",
  };
}

/** Sides of the box. */
function ratioOf(surface) {
  return { x: 1.15, y: Math.min(1.15 * aspectOf(surface), 1.5), z: 0.78 };
}

function solidLayout({ surface, solid, scale, camera }, state, look) {
  const ticks = ticksOf(scale);
  const axis = {
    gridcolor: look.grid, zeroline: false, showspikes: false, color: look.soft, showbackground: false, tickfont: { size: 10 }, tickangle: 0, linecolor: look.line,
  };
  const flat = (name) => ({
    ...axis, title: { text: name, font: { size: 12 } }, nticks: 5, range: (state.window && state.window[name]) || rangeOf(surface, name),
  });
  const height = {
    ...axis, title: { text: solid.clientWidth < SMALL_BOX ? "" : plainText(state.label), font: { size: 11 } }, range: [0, 1.0005], tickmode: "array", tickvals: ticks.at, ticktext: ticks.text,
  };
  return {
    ...baseLayout(look), margin: { l: 0, r: 0, t: 0, b: 0 },
    scene: { xaxis: flat("x"), yaxis: flat("y"), zaxis: height, aspectmode: "manual", aspectratio: ratioOf(surface), camera, dragmode: "turntable" },
  };
}
