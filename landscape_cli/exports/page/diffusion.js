"use strict";
// A diffusion map: its points, the eigenvalues, and what distinguishes it from random walks.

const SYMBOLS = ["circle", "diamond", "square", "cross", "x"];
const COLOURS = { light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7"], dark: ["#56b4e9", "#e69f00", "#2bc59b", "#eca6cb"] };
const ON_DARK = [[0, "#4a68a5"], [0.33, "#26a39c"], [0.67, "#6ece58"], [1, "#fde725"]];
const ENDS = "#d55e00", UNKNOWN = "#8a8f98";
const NUMBER = "number", TRAINING = "training", PROGRESS = ["epoch", "step", NUMBER];

const state = { view: 0, dimensions: 2, colour: "", place: null, camera: { eye: { x: 1.45, y: -1.6, z: 1.05 } } };
let data, plot, bars, readout, shield;

function unpackAll() {
  const arrays = (packed) => Object.fromEntries(Object.entries(packed).map(([name, one]) => [name, arrayOf(one)]));
  for (const view of data.views) view.places = view.places.map(arrayOf);
  data.quantities = arrays(data.quantities);
  const counts = data.names.map(() => 0);
  data.quantities[NUMBER] = Float64Array.from(data.training, (number) => ++counts[number]);
  if (!data.onto) return;
  data.onto.places = data.onto.places.map(arrayOf);
  data.onto.quantities = arrays(data.onto.quantities);
}

const colourOf = (number) => COLOURS[isDark() ? "dark" : "light"][number % 4];

// ---------------------------------------------------------------- values

/** The scale of the colours; null if they show trainings, or this view has no such values. */
function scaleOfColours() {
  if (state.colour === TRAINING || (data.views[state.view].walk && !PROGRESS.includes(state.colour))) return null;
  const both = [data.quantities[state.colour], shownOnto() && data.onto.quantities[state.colour]].filter(Boolean);
  const extent = extentOf(both.map((values) => ({ values })));
  if (extent.low > extent.high) return null;
  const log = !PROGRESS.includes(state.colour) && extent.low > 0 && extent.high > 10 * extent.low;
  return makeScale(extent, log);
}

const shownOnto = () => data.onto && state.view === 0;

/** Describe a checkpoint: its name and all that is known of it. */
function textOf(place, further = false) {
  const source = further ? data.onto : data, { walk, name } = data.views[state.view];
  if (walk) return `${name}: point ${data.quantities[NUMBER][place]}`;
  const several = data.names.length > 1 || further;
  const parts = [source.labels[place], several ? source.names[source.training[place]] : ""].filter(Boolean);
  for (const [quantity, values] of Object.entries(source.quantities)) {
    if (quantity !== NUMBER && !Number.isNaN(values[place])) parts.push(`${quantity} ${numberText(values[place], 5)}`);
  }
  return parts.join(", ");
}

// ---------------------------------------------------------------- points

/** Coordinates of some points, by plotly's names. */
function placesOf(columns, chosen) {
  const names = ["x", "y", "z"].slice(0, state.dimensions);
  return Object.fromEntries(names.map((name, k) => [name, chosen.map((place) => columns[k][place])]));
}

function traceOf(columns, chosen, more) {
  const type = state.dimensions === 3 ? "scatter3d" : "scatter";
  return { type, mode: "markers", hoverinfo: "skip", showlegend: false, ...placesOf(columns, chosen), ...more };
}

const indicesOf = (training, number) => [...training.keys()].filter((place) => training[place] === number);

/** The points of a training: those of known value in colour, the others in one. */
function pointTraces(columns, chosen, values, scale, own, further) {
  const text = (places) => places.map((place) => plainText(textOf(place, further)));
  const size = Math.max(4, Math.min(8, 90 / Math.sqrt(chosen.length))) * (state.dimensions === 3 ? 0.7 : 1);
  const symbol = SYMBOLS[own.number % SYMBOLS.length] + (further ? "-open" : "");
  const shared = { hoverinfo: "text", customdata: chosen };
  if (!scale || !values) {
    const color = state.colour === TRAINING ? own.colour : UNKNOWN;
    return [traceOf(columns, chosen, { ...shared, text: text(chosen), marker: { size, symbol, color } })];
  }
  const known = chosen.filter((place) => Number.isFinite(scale.height(values[place])));
  const others = chosen.filter((place) => !known.includes(place));
  const color = known.map((place) => Math.min(Math.max(scale.height(values[place]), 0), 1));
  const traces = [traceOf(columns, known, { ...shared, customdata: known, text: text(known), marker: { size, symbol, color, coloraxis: "coloraxis" } })];
  if (others.length) traces.push(traceOf(columns, others, { ...shared, customdata: others, text: text(others), marker: { size, symbol, color: UNKNOWN } }));
  return traces;
}

function mapTraces(scale) {
  const view = data.views[state.view], columns = view.places, traces = [];
  const several = data.names.length > 1 || Boolean(data.onto), values = data.quantities[state.colour];
  data.names.forEach((name, number) => {
    const chosen = indicesOf(data.training, number), own = { number, colour: colourOf(number) };
    if (!chosen.length) return;
    const line = { color: several ? own.colour : UNKNOWN, width: state.dimensions === 3 ? 2 : 1 };
    traces.push(traceOf(columns, chosen, { mode: "lines", line, name: plainText(name), showlegend: several }));
    traces.push(...pointTraces(columns, chosen, values, scale, own, false));
    const end = (place, symbol) => traceOf(columns, [place], { marker: { symbol, size: state.dimensions === 3 ? 6 : 9, color: ENDS, line: { color: look().text, width: 1 } } });
    traces.push(end(chosen[0], "square"), end(chosen[chosen.length - 1], "diamond"));
  });
  if (shownOnto()) {
    data.onto.names.forEach((name, k) => {
      const own = { number: data.names.length + k, colour: colourOf(data.names.length + k) };
      const chosen = indicesOf(data.onto.training, k).filter((place) => data.onto.places.every((column) => !Number.isNaN(column[place])));
      traces.push(...pointTraces(data.onto.places, chosen, data.onto.quantities[state.colour], scale, own, true));
      const marker = { symbol: `${SYMBOLS[own.number % SYMBOLS.length]}-open`, color: own.colour };
      const none = { x: [null], y: [null], z: [null] };
      traces.push({ ...traceOf(columns, [], { marker, name: `${plainText(name)} (placed)`, showlegend: true }), ...none });
    });
  }
  if (state.place !== null) {
    const ring = { symbol: "circle-open", size: 15, color: look().text, line: { width: 2 } };
    traces.push(traceOf(columns, [state.place], { marker: ring }));
  }
  return traces;
}

/** What dragging does: on touch screens a swipe over a flat map scrolls the page. */
function dragMode(scene) {
  if (scene) return "turntable";
  return TOUCH.matches ? false : "zoom";
}

function layoutOf(scale) {
  const colours = look(), { soft, line, grid } = colours, { axes, name } = data.views[state.view];
  const axis = (k) => ({
    title: { text: axes[k] }, nticks: 7, color: soft, gridcolor: grid, zeroline: false, showspikes: false,
    ...(state.dimensions === 3 ? { showbackground: false } : { showgrid: false, ticks: "outside", ticklen: 3, tickcolor: line }),
  });
  const flat = { xaxis: axis(0), yaxis: axis(1) };
  const scene = state.dimensions === 3 ? { ...flat, zaxis: axis(2), aspectmode: "cube", camera: state.camera } : undefined;
  const ticks = scale && ticksOf(scale, 6);
  return {
    ...baseLayout(colours), uirevision: `${name} ${state.dimensions}`, ...(scene ? { scene } : flat), showlegend: true, dragmode: dragMode(scene),
    legend: { orientation: "h", y: 1.01, yanchor: "bottom", x: 0 }, margin: scene ? { l: 0, r: 0, t: 0, b: 0 } : { l: 56, r: 8, t: 12, b: 44 },
    coloraxis: {
      cmin: 0, cmax: 1, colorscale: isDark() ? ON_DARK : "Viridis", showscale: Boolean(scale),
      colorbar: ticks && { title: { text: state.colour }, tickvals: ticks.at, ticktext: ticks.text, thickness: 12, outlinewidth: 0, tickfont: { color: soft } },
    },
  };
}

// ---------------------------------------------------------------- controls

async function draw() {
  const view = data.views[state.view];
  const most = Math.min(3, view.places.length);
  control("dimensions").querySelector("[value='3']").disabled = most < 3;
  state.dimensions = Math.min(Number(control("dimensions").value), most);
  shield.hidden = state.dimensions !== 3;
  const scale = scaleOfColours();
  await Plotly.react(plot, mapTraces(scale), layoutOf(scale), state.dimensions === 3 ? IN_SPACE : IN_PLANE);
  await Plotly.react(bars, eigenvalueTraces(), eigenvalueLayout(), NO_BUTTONS);
  readout.textContent = state.place === null ? "Point at a checkpoint to read what is known of it." : textOf(state.place);
  plot.setAttribute("aria-label", `${view.name}. Left and right arrow keys go from checkpoint to checkpoint.`);
  document.body.dataset.drawn = Number(document.body.dataset.drawn || 0) + 1;
}

const box = (name, plot) => element("div", { className: `view ${name}` }, plot);

const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => target._fullLayout && target.clientWidth && Plotly.Plots.resize(target)));

function build() {
  plot = element("div", { className: "solid", tabIndex: 0 });
  plot.setAttribute("role", "application");
  bars = element("div", { className: "bars" });
  bars.setAttribute("role", "img");
  bars.setAttribute("aria-label", "Eigenvalues, with the ranges of random walks.");
  readout = element("p", { className: "readout" });
  readout.setAttribute("role", "status");
  const said = element("div", { id: "said" }, ...data.sentences.map((textContent) => element("p", { textContent })));
  const heading = element("h2", { textContent: "eigenvalues" });
  control("subtitle").textContent = data.subtitle;
  control("panels").append(element("section", { className: "panel" }, box("map-box", plot), readout), element("section", { className: "panel" }, heading, box("bars-box", bars), said));
}

function listen() {
  const colours = [...PROGRESS, "loss", "learning rate"].filter((name) => name in data.quantities);
  if (data.names.length > 1) colours.push(TRAINING);
  state.colour = colours[0];
  fill(control("view"), data.views.map((view, k) => [k, view.name]), 0);
  fill(control("colour"), colours.map((name, k) => [k, name]), 0);
  control("view").addEventListener("change", (event) => {
    state.view = Number(event.target.value);
    state.place = null;
    draw();
  });
  control("colour").addEventListener("change", (event) => {
    state.colour = colours[Number(event.target.value)];
    draw();
  });
  control("dimensions").addEventListener("change", draw);
  control("theme").addEventListener("change", (event) => chooseTheme(event.target.value, draw));
  foldOptions();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  control("controls").addEventListener("submit", (event) => event.preventDefault());
  plot.on("plotly_hover", (event) => (readout.textContent = readText(event.points[0].text)));
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = data.training.length - 1;
    state.place = state.place === null ? (step > 0 ? 0 : last) : Math.min(Math.max(state.place + step, 0), last);
    event.preventDefault();
    draw();
  });
}

async function start() {
  data = JSON.parse(await unpack("data"));
  unpackAll();
  await loadLibrary();
  control("wait").remove();
  build();
  await Plotly.newPlot(plot, [], {}, IN_PLANE);
  await Plotly.newPlot(bars, [], {}, NO_BUTTONS);
  for (const one of [plot, bars]) observer.observe(one);
  shield = shieldSolid(plot, (...change) => {
    state.camera = turned(state.camera, ...change);
    Plotly.relayout(plot, { "scene.camera": state.camera });
  });
  listen();
  await draw();
}

start().catch((error) => {
  const place = control("wait") || control("panels").appendChild(element("p", {}));
  place.textContent = `This page can't be shown: ${error.message}`;
  throw error;
});
