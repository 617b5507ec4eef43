"use strict";
// One-dimensional cuts through the marked point, along x and along y.

const BAND = 1.96; // half-width of a band of 95 % in standard errors, as in `landscape plot`

/** How many of a view's errors a band is wide to either side, and what the band is. */
function bandOf(view) {
  if (!view.errors) return null;
  if (view.error !== "standard error") return { factor: 1, words: view.error };
  return view.measured ? { factor: 1, words: "numerical error" } : { factor: BAND, words: "95 %, 1.96 standard errors" };
}

/** The points of the grid on the line through the cursor along an axis: their coordinates and places. */
function lineAlong({ surface, cursor }, name) {
  const coordinates = surface[name], width = surface.x.length;
  const place = name === "x" ? (k) => cursor.row * width + k : (k) => k * width + cursor.column;
  return { coordinates, places: coordinates.map((_, k) => place(k)) };
}

/** Heights of values for a chart, where those out of range leave it; null for none. */
function chartHeights(values, scale) {
  return values.map((value) => {
    const height = Number.isFinite(value) ? scale.height(value) : NaN;
    return Number.isNaN(height) ? null : Math.min(Math.max(height, -2), 3);
  });
}

/** The traces of one cut: its band, its line and the marked point. */
function cutTraces(panel, name, look) {
  const { shown, scale } = panel, { coordinates, places } = lineAlong(panel, name), band = bandOf(shown);
  const values = places.map((place) => shown.values[place]);
  const shared = { ...PLAIN, type: "scatter", xaxis: name === "x" ? "x" : "x2", yaxis: "y", x: coordinates };
  const color = isDark() ? "#6fb1ff" : "#0b63ce", traces = [];
  if (band) {
    const half = places.map((place, k) => (Number.isFinite(values[k]) ? band.factor * (shown.errors[place] || 0) : NaN));
    const ends = (sign) => chartHeights(values.map((value, k) => value + sign * half[k]), scale);
    const low = ends(-1).map((height, k) => (height === null && Number.isFinite(values[k]) && (values[k] > 0 || !scale.log) ? -2 : height));
    traces.push({ ...shared, meta: `band low ${name}`, mode: "lines", line: { width: 0 }, y: low });
    traces.push({ ...shared, meta: `band ${name}`, mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: isDark() ? "rgba(111,177,255,0.3)" : "rgba(11,99,206,0.22)", y: ends(1) });
  }
  const heights = chartHeights(values, scale), at = name === "x" ? panel.cursor.column : panel.cursor.row;
  const marker = { size: 9, color: look.back, line: { color, width: 2.5 } };
  traces.push({ ...shared, meta: `cut ${name}`, mode: "lines", line: { color, width: 2 }, hoverinfo: "none", y: heights });
  traces.push({ ...shared, meta: `cut point ${name}`, mode: "markers", marker, x: [coordinates[at]], y: [heights[at]] });
  return traces;
}

function cutLayout(panel, state, look) {
  const { surface, scale, cursor } = panel, ticks = ticksOf(scale, 5);
  const axis = (name, domain) => ({
    title: { text: `${name} at ${name === "x" ? "y" : "x"} = ${numberText(name === "x" ? cursor.y : cursor.x, 3)}`, standoff: 3, font: { size: 11 } },
    range: (state.window && state.window[name]) || rangeOf(surface, name), domain, color: look.soft, nticks: 4, zeroline: false, gridcolor: look.grid,
    ticks: "outside", ticklen: 3, tickcolor: look.line, tickfont: { size: 10 }, fixedrange: true,
  });
  return {
    ...baseLayout(look), margin: { l: 62, r: 10, t: 8, b: 38 }, xaxis: axis("x", [0, 0.47]), xaxis2: { ...axis("y", [0.53, 1]), anchor: "y" },
    yaxis: {
      title: { text: plainText(state.label), standoff: 4, font: { size: 11 } }, range: [-0.04, 1.04], tickvals: ticks.at, ticktext: ticks.text,
      color: look.soft, zeroline: false, gridcolor: look.grid, tickfont: { size: 10 }, fixedrange: true,
    },
  };
}

function drawCuts(panel, state, look) {
  const traces = ["x", "y"].flatMap((name) => cutTraces(panel, name, look));
  return Plotly.react(panel.cuts, traces, cutLayout(panel, state, look), NO_BUTTONS);
}
