"use strict";
// Minima, saddles and basins: marks on the contour plot, and a persistence diagram linked to it.

const BIG = 15, SMALL = 9; // sizes of marks
const NO_BASIN = 255;

/** Edges between cells of different basins, as one line with gaps. */
function bordersOf(surface, basins) {
  const { x, y } = surface, line = { x: [], y: [] };
  const between = (c, k) => (c[Math.max(k - 1, 0)] + c[Math.min(k, c.length - 1)]) / 2;
  const edge = (left, low, right, high) => {
    line.x.push(between(x, left), between(x, right), null);
    line.y.push(between(y, low), between(y, high), null);
  };
  const at = (row, column) => basins[row * x.length + column];
  const differ = (one, other) => one !== other && one !== NO_BASIN && other !== NO_BASIN;
  for (let row = 0; row < y.length; row++) {
    for (let column = 0; column < x.length; column++) {
      if (column && differ(at(row, column), at(row, column - 1))) edge(column, row, column, row + 1);
      if (row && differ(at(row, column), at(row - 1, column))) edge(column, row, column + 1, row);
    }
  }
  return line;
}

function marksOf({ word }, places, sizes, more) {
  const symbol = word === "minimum" ? "triangle-down" : "triangle-up";
  return {
    type: "scatter", mode: "markers+text", hoverinfo: "none", showlegend: false, cliponaxis: false, ...places,
    text: places.x.map((_, k) => (places.x.length > 1 && places.x.length <= 20 ? String(k + 1) : "")),
    marker: { symbol, size: sizes, color: "#ffffff", line: { color: "#000000", width: 1.5 } }, ...more,
  };
}

/** What the marks are. */
function describeMinima({ word, log, fraction, list }) {
  const many = `${list.length} ${list.length === 1 ? word : word.replace("um", "a")}`;
  const least = `${Number((100 * fraction).toPrecision(3))} % of the range${log ? " of the logarithm" : ""} and 4 standard errors`;
  return `${word === "minimum" ? "▽" : "△"} ${many} of persistence at least ${least}, with 8 neighbours; + saddles`;
}

const along = (list, name) => list.map((one) => one[name]);

/** Traces over the contour plot: the borders of basins, the saddles, and the minima. */
function minimaTraces(surface, topology, sizes) {
  const { list } = topology, saddles = along(list, "saddle").filter(Boolean);
  const borders = { type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false, line: { color: "#ffffff", width: 2 } };
  const marker = { symbol: "cross", size: 8, color: "#e69f00", line: { color: "#000000", width: 1 } };
  return [
    { ...borders, meta: "borders", ...bordersOf(surface, topology.basins) },
    { ...borders, meta: "saddles", mode: "markers", marker, x: along(saddles, "x"), y: along(saddles, "y") },
    marksOf(topology, { x: along(list, "x"), y: along(list, "y") }, sizes, {
      meta: "minima", hoverinfo: "skip", textposition: "middle right", textfont: { color: "#ffffff", size: 12, shadow: "auto" },
    }),
  ];
}

/** The range of the diagram's axes: that of all minima and saddles, and a bit beyond. */
function diagramRange({ list }, log) {
  const values = [...along(list, "value"), ...along(along(list, "saddle").filter(Boolean), "value")];
  const places = values.filter((value) => !log || value > 0).map((value) => (log ? Math.log10(value) : value));
  if (!places.length) return [-1, 1];
  const low = Math.min(...places), high = Math.max(...places);
  const room = 0.1 * (high - low) || 1;
  return [low - room, high + room];
}

function drawDiagram(place, topology, log, unit, sizes, look) {
  const range = diagramRange(topology, log), [low, high] = range.map((end) => (log ? 10 ** end : end));
  const endless = topology.word === "minimum" ? high : low;
  const y = topology.list.map(({ saddle }) => (saddle ? saddle.value : endless));
  const axis = (name) => ({
    title: { text: name + (unit && ` (${unit.trim()})`), standoff: 4 }, type: log ? "log" : "linear", range, color: look.soft,
    gridcolor: look.grid, zeroline: false, nticks: 6, exponentformat: "power", constrain: "domain", fixedrange: true,
  });
  const diagonal = { type: "scatter", mode: "lines", hoverinfo: "skip", x: [low, high], y: [low, high], line: { color: look.line } };
  const more = { textposition: "bottom right", textfont: { color: look.text } };
  const layout = {
    ...baseLayout(look), margin: { l: 60, r: 16, t: 12, b: 44 },
    xaxis: axis(`at the ${topology.word}`), yaxis: { ...axis("at its saddle"), scaleanchor: "x" },
  };
  const marks = marksOf(topology, { x: along(topology.list, "value"), y }, sizes, more);
  return Plotly.react(place, [diagonal, marks], layout, NO_BUTTONS);
}
