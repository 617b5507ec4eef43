"use strict";
// The controls, their effects, and the links between views.

const state = { split: "", quantity: "", layer: "", unit: "", log: false, part: 1, step: 0, window: null, minima: false };
const panels = [];
let data, extent, timer = null, dragged = false;

const control = (id) => document.getElementById(id);

const frame = () => new Promise(requestAnimationFrame);

/**
 * Wrap an asynchronous function so that it never runs twice at a time, but once more if called meanwhile.
 *
 * Unless `duringDrag`, it waits while a surface is being dragged, since drawing would reset the camera.
 */
function oneByOne(work, duringDrag = false) {
  let busy = false, again = false;
  async function run() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      while (dragged && !duringDrag) await frame();
      again = false;
      await work();
      await frame();
    } while (again);
    busy = false;
  }
  run.busy = () => busy;
  return run;
}

const draw = oneByOne(async () => {
  const scale = extent ? makeScale(extent, state.log, state.part) : null;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const look = Object.fromEntries(["back", "text", "soft", "line", "grid"].map((name) => [name, colour(name)]));
  for (const panel of panels) await panel.draw(state, scale, look);
  control("clipped").textContent = !scale ? "" : state.part === 1 ? "nothing" : numberText(scale.limit, 4) + state.unit;
  document.body.dataset.drawn = Number(document.body.dataset.drawn || 0) + 1;
});

const drawCursor = oneByOne(async () => {
  for (const panel of panels) await panel.drawCursor(state);
});

const drawPath = oneByOne(async () => {
  for (const panel of panels) await panel.drawPath(state);
});

// ---------------------------------------------------------------- values

/** Adapt scale and controls to newly chosen values. */
function chooseValues(log) {
  const views = panels.map((panel) => panel.view(state)).filter(Boolean);
  extent = extentOf(views);
  if (extent.low > extent.high) extent = null;
  const positive = extent !== null && extent.least < Infinity;
  state.log = positive && (log ?? isWide(extent));
  state.unit = data.units[state.quantity] || "";
  control("scale").value = state.log ? "log" : "linear";
  control("scale").querySelector("[value=log]").disabled = !positive;
  return draw();
}

function fill(select, names, chosen) {
  select.replaceChildren(...names.map((name) => element("option", { value: name, textContent: name.replaceAll("_", " ") })));
  select.value = chosen;
}

function unique(names) {
  return [...new Set(names)];
}

/** List the available quantities, splits and repeats in the controls. */
function offer() {
  const layers = data.surfaces.flatMap((surface) => surface.layers);
  const views = layers.flatMap((layer) => layer.views);
  const repeats = unique(layers.map((layer) => layer.name).filter(Boolean));
  Object.assign(state, { split: data.split, quantity: data.quantity, layer: repeats[0] || "" });
  fill(control("quantity"), unique(views.map((view) => view.quantity)), state.quantity);
  fill(control("split"), unique(views.map((view) => view.split)), state.split);
  fill(control("layer"), repeats, state.layer);
  show("layer", repeats.length > 0);
  show("linked", data.surfaces.length > 1);
  show("minima", views.some((view) => view.topology));
}

function show(id, shown) {
  control(id).closest(".optional").hidden = !shown;
}

function listen() {
  for (const name of ["quantity", "split", "layer"]) {
    control(name).addEventListener("change", (event) => {
      state[name] = event.target.value;
      chooseValues(name === "quantity" ? null : state.log);
    });
  }
  control("scale").addEventListener("change", (event) => {
    state.log = event.target.value === "log";
    draw();
  });
  control("clip").addEventListener("input", (event) => {
    state.part = event.target.value / 100;
    draw();
  });
  control("minima").addEventListener("change", (event) => {
    state.minima = event.target.checked;
    draw();
  });
  control("theme").addEventListener("change", (event) => {
    document.documentElement.dataset.theme = event.target.value;
    draw();
  });
  addEventListener("pointerdown", (event) => (dragged = event.target.closest(".solid") !== null), true);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => (dragged = false), true);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  control("reset").addEventListener("click", () => {
    state.window = null;
    for (const panel of panels) panel.camera = panel.home();
    draw();
  });
  control("linked").addEventListener("change", () => turn(panels[0], panels[0].camera));
  control("controls").addEventListener("submit", (event) => event.preventDefault());
}

// ---------------------------------------------------------------- cameras

/** Record that a panel's camera has moved, and move the linked ones. */
function turn(panel, camera) {
  panel.camera = camera;
  if (!control("linked").checked) return;
  for (const other of panels) if (other !== panel) other.camera = camera;
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
  const { x, y, z } = panel.camera.eye;
  const distance = Math.hypot(x, y, z) * factor;
  const turned = Math.atan2(y, x) + (around * Math.PI) / 180;
  const limit = 0.49 * Math.PI;
  const raised = Math.min(limit, Math.max(-limit, Math.asin(z / Math.hypot(x, y, z)) + (up * Math.PI) / 180));
  const flat = distance * Math.cos(raised);
  const eye = { x: flat * Math.cos(turned), y: flat * Math.sin(turned), z: distance * Math.sin(raised) };
  const camera = { ...panel.camera, eye };
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
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "0") {
      panel.setCamera(panel.home());
      turn(panel, panel.camera);
    } else if (TURNS[event.key]) rotate(panel, ...TURNS[event.key]);
    else return;
    event.preventDefault();
  });
}

// ---------------------------------------------------------------- points

/** Show the values at a place on all surfaces. The 3-D view repeats the event whenever it is drawn. */
function pointAt(x, y) {
  const moved = panels.map((panel) => panel.point(x, y));
  if (moved.some(Boolean)) drawCursor();
}

function watchPoints(panel) {
  const tip = control("tip");
  for (const name of ["plotly_hover", "plotly_click"]) {
    panel.diagram.on(name, (event) => {
      const { x, y } = panel.topology.list[event.points[0].pointNumber];
      pointAt(x, y);
    });
  }
  for (const view of [panel.solid, panel.flat]) {
    view.on("plotly_hover", (event) => {
      const { x, y, text } = event.points[0];
      pointAt(Number(x), Number(y));
      tip.textContent = typeof text === "string" && text ? text : panel.text();
      tip.hidden = false;
    });
    view.on("plotly_unhover", () => (tip.hidden = true));
    view.addEventListener("pointerleave", () => (tip.hidden = true));
    view.addEventListener("pointermove", (event) => {
      tip.style.left = `${Math.min(event.clientX + 14, innerWidth - 270)}px`;
      tip.style.top = `${Math.max(event.clientY - 70, 4)}px`;
    });
  }
  panel.flat.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const { x, y } = panel.surface;
    const at = panel.cursor || { column: nearest(x, 0), row: nearest(y, 0) };
    const clamp = (place, length) => Math.min(Math.max(place, 0), length - 1);
    pointAt(x[clamp(at.column + step[0], x.length)], y[clamp(at.row + step[1], y.length)]);
    event.preventDefault();
  });
}

/** Zoom every view to the part of the plane that one contour plot is zoomed to. */
function watchFlat(panel) {
  panel.flat.on("plotly_relayout", (event) => {
    const keys = Object.keys(event);
    if (!keys.some((key) => /^[xy]axis/.test(key))) return;
    const { xaxis, yaxis } = panel.flat.layout;
    const whole = keys.some((key) => key.endsWith("autorange"));
    state.window = whole ? null : { x: [...xaxis.range], y: [...yaxis.range] };
    draw();
  });
}

// ---------------------------------------------------------------- the path

function offerPath() {
  const paths = data.surfaces.flatMap(pathsOf);
  if (!paths.length) return;
  const longest = paths.reduce((best, path) => (path.x.length > best.x.length ? path : best));
  state.step = longest.x.length - 1;
  Object.assign(control("step"), { max: state.step, value: state.step });
  show("step", true);
  const reach = (step) => {
    state.step = step;
    control("step").value = step;
    control("reached").textContent = longest.labels[step];
    drawPath();
  };
  control("reached").textContent = longest.labels[state.step];
  control("step").addEventListener("input", (event) => {
    pause();
    reach(Number(event.target.value));
  });
  control("play").addEventListener("click", () => {
    if (timer !== null) return pause();
    if (state.step >= longest.x.length - 1) reach(0);
    control("play").textContent = "Pause";
    timer = setInterval(() => {
      reach(state.step + 1);
      if (state.step >= longest.x.length - 1) pause();
    }, Math.min(250, Math.max(60, 8000 / longest.x.length)));
  });
}

function pause() {
  clearInterval(timer);
  timer = null;
  control("play").textContent = "Play";
}

async function start() {
  data = await readData();
  await loadLibrary();
  control("wait").remove();
  for (const surface of data.surfaces) {
    const panel = new Panel(surface, data.surfaces.length === 1);
    panels.push(panel);
    control("panels").append(panel.box);
  }
  offer();
  offerPath();
  for (const panel of panels) {
    panel.camera = panel.home();
    await Plotly.newPlot(panel.solid, [], {}, CONFIG);
    await Plotly.newPlot(panel.flat, [], {}, ICONS);
    await Plotly.newPlot(panel.diagram, [], {}, ICONS);
    watchSolid(panel);
    watchFlat(panel);
    watchPoints(panel);
  }
  listen();
  await chooseValues(data.log);
}

start().catch((error) => {
  const place = control("wait") || control("panels").appendChild(element("p", {}));
  place.textContent = `This page can't be shown: ${error.message}`;
  throw error;
});
