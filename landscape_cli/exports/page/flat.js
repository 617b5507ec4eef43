"use strict";
// The contour plot of a surface: colours, lines, marks and the cross at the marked point.

function mapTraces({ grid, scale, colorscale }, state, look) {
  const width = grid.x.length, shared = { type: "heatmap", x: grid.x, y: grid.y, connectgaps: false };
  const smooth = { zsmooth: state.smooth ? "fast" : false };
  const line = { color: "rgba(255,255,255,0.6)", width: 0.9 };
  const found = [{
    ...shared, ...smooth, meta: "values", z: rowsOf(grid.z, width), zmin: 0, zmax: 1, colorscale, hoverinfo: "none",
    colorbar: { ...colorbarOf(scale, state, look), xpad: 6 },
  }];
  if (grid.z.some((height) => height > 1)) {
    const lid = Float64Array.from(grid.z, (height) => (height > 1 ? 1 : NaN));
    found.push({ ...shared, ...smooth, meta: "lid", z: rowsOf(lid, width), colorscale: [[0, LID], [1, LID]], showscale: false, hoverinfo: "skip" });
    found.push({ ...PLAIN, type: "scatter", meta: "limit", mode: "lines", line: { ...line, width: 1.6 }, ...lineThrough(segmentsOf(grid, 1)) });
  }
  const lines = levelsOf(scale).lines.flatMap((level) => segmentsOf(grid, level));
  return [...found, { ...PLAIN, type: "scatter", meta: "contours", mode: "lines", line, ...lineThrough(lines) }];
}

/** The centre and the checkpoints. */
function placeTraces({ surface }) {
  const shared = { ...PLAIN, type: "scatter", mode: "markers" }, line = { color: "#101418", width: 1.5 };
  const dots = { meta: "checkpoints", x: surface.marks.map(({ x }) => x), y: surface.marks.map(({ y }) => y) };
  const found = [{ ...shared, marker: { symbol: "circle", size: 8, color: "#ffffff", line }, ...dots }];
  if (!surface.centre) return found;
  const { x, y } = surface.centre;
  return [...found, { ...shared, meta: "centre", marker: { symbol: "diamond", size: 9, color: "#ffffff", line }, x: [x], y: [y] }];
}

function flatTraces(panel, state, look) {
  const crosses = { symbol: "x-thin", size: 6, line: { color: CROSS, width: 1.5 } };
  return [
    ...mapTraces(panel, state, look),
    { ...PLAIN, type: "scatter", meta: "absent", mode: "markers", marker: crosses, ...panel.absent },
    ...flatCurve(panel), ...(panel.topology ? minimaTraces(panel.surface, panel.topology, panel.sizes()) : []),
    ...placeTraces(panel), ...flatPaths(panel, state.step),
  ];
}

const SMALL_MAP = 300; // width in pixels below which only the 3-D view names several checkpoints

/** The cross at the marked point. */
function crossOf(panel) {
  if (!panel.cursor) return [];
  const { x, y } = panel.cursor, line = { color: "rgba(255,255,255,0.85)", width: 1, dash: "dot" };
  const dot = {
    type: "circle", xsizemode: "pixel", ysizemode: "pixel", xanchor: x, yanchor: y, x0: -4.5, x1: 4.5, y0: -4.5, y1: 4.5,
    fillcolor: "#ffffff", line: { color: "#101418", width: 1.5 },
  };
  // Ends in units of the axes: a map in the shape of its ranges is smaller than its domain.
  const [left, right] = rangeOf(panel.surface, "x"), [low, high] = rangeOf(panel.surface, "y");
  return [
    { type: "line", x0: left, x1: right, y0: y, y1: y, line },
    { type: "line", y0: low, y1: high, x0: x, x1: x, line },
    dot,
  ];
}

function namesOf({ surface, flat }) {
  if (surface.marks.length > 2 && flat.clientWidth < SMALL_MAP) return [];
  return surface.marks.map((mark) => ({
    name: "checkpoint", x: mark.x, y: mark.y, text: plainText(mark.label), showarrow: false, yshift: 13, font: { color: "#ffffff", size: 11 },
    bgcolor: "rgba(0,0,0,0.55)", borderpad: 1,
  }));
}

function flatLayout(panel, state, look) {
  const { surface } = panel;
  const axis = (name) => ({
    title: { text: name, standoff: 3 }, range: (state.window && state.window[name]) || rangeOf(surface, name), nticks: 7, color: look.soft,
    showgrid: false, zeroline: false, ticks: "outside", ticklen: 3, tickcolor: look.line, constrain: "domain", tickfont: { size: 11 },
  });
  const [left, right] = rangeOf(surface, "x"), [bottom, top] = rangeOf(surface, "y");
  const square = Math.abs((top - bottom) / (right - left) - aspectOf(surface)) < 1e-9;
  return {
    ...baseLayout(look), margin: { l: 44, r: 8, t: 8, b: 38 }, dragmode: "zoom", shapes: crossOf(panel),
    annotations: [...contourLabels(panel, [...surface.marks, ...(surface.centre ? [surface.centre] : [])]), ...namesOf(panel)],
    xaxis: { ...axis("x"), constraintoward: "right" }, yaxis: { ...axis("y"), ...(square ? { scaleanchor: "x" } : {}) },
  };
}
