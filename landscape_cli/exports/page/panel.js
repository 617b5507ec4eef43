"use strict";
// One surface on the page: its views, its readout, and its notes.

const CONFIG = { displaylogo: false, responsive: true, scrollZoom: true };
const ICONS = { ...CONFIG, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d", "resetCameraLastSave3d"] };
const EYE = { x: 1.25, y: -1.4, z: 1.2 }, CENTER = { x: 0, y: 0, z: -0.2 }, UP = { x: 0, y: 0, z: 1 };
const STATES = ["not computed", "", "not finite", "failed", "interpolated"];

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

class Panel {
  constructor(surface, alone) {
    this.surface = surface;
    const name = surface.title;
    this.solid = element("div", { className: "solid", tabIndex: 0 });
    this.solid.setAttribute("role", "application");
    this.solid.setAttribute("aria-label", `${name}: surface. Arrow keys rotate, plus and minus zoom, 0 resets.`);
    this.flat = element("div", { className: "flat", tabIndex: 0 });
    this.flat.setAttribute("role", "application");
    this.flat.setAttribute("aria-label", `${name}: contour. Arrow keys move the point whose value is shown.`);
    this.flat.style.aspectRatio = 1.13 / aspectOf(surface);
    this.diagram = element("div", { className: "diagram", hidden: true });
    this.diagram.setAttribute("role", "img");
    this.diagram.setAttribute("aria-label", `${name}: persistence diagram of the minima.`);
    this.readout = element("p", { className: "readout", textContent: "Point at the surface to read its values." });
    this.readout.setAttribute("role", "status");
    this.notes = element("p", { className: "notes" });
    const head = element("div", {}, element("h2", { textContent: name }));
    if (surface.subtitle) head.append(element("p", { className: "soft", textContent: surface.subtitle }));
    const axes = element("p", { className: "soft", textContent: surface.axes.join(" · ") });
    this.box = element("section", { className: alone ? "panel alone" : "panel" },
      head, this.solid, this.flat, this.diagram, this.readout, axes, ...this.legend(), this.notes);
    this.box.setAttribute("aria-label", name);
  }

  /** What the curve's lines and marks are, and the paths' colours and names if there are several. */
  legend() {
    const { curve } = this.surface, paths = pathsOf(this.surface), own = [];
    if (curve) {
      const bends = curve.bends.x.length > 1 ? "bends" : "bend";
      const text = `━ ${curve.name} · ╌ straight line · ○ ${bends}`;
      own.push(element("p", { className: "soft curve", textContent: text }));
    }
    if (paths.length < 2) return own;
    const entries = paths.map((path, place) => {
      const sample = element("span", { textContent: "● " });
      sample.style.color = colorOf(place);
      return element("span", {}, sample, `${path.name || "path"}: ${path.x.length} checkpoints  `);
    });
    return [...own, element("p", { className: "soft paths" }, ...entries)];
  }

  /** Initial camera, which shows the whole surface, from farther away in narrow views. */
  home() {
    const { width, height } = this.solid.getBoundingClientRect();
    const far = Math.min(Math.max((1.25 * height) / (width || height || 1), 1), 1.7);
    const eye = Object.fromEntries(Object.entries(EYE).map(([name, value]) => [name, far * value]));
    return { eye, center: CENTER, up: UP };
  }

  /** The layer to show: the requested one, or else the first. */
  layer(state) {
    return this.surface.layers.find((layer) => layer.name === state.layer) || this.surface.layers[0];
  }

  /** The values to show, or undefined if this surface lacks them. */
  view(state) {
    return this.layer(state).views.find((v) => v.split === state.split && v.quantity === state.quantity);
  }

  /** Draw everything; `scale` is null if no surface has a value to show. */
  async draw(state, scale, look) {
    const { surface } = this;
    this.shown = this.view(state);
    this.status = this.layer(state).status;
    this.unit = state.unit;
    const empty = !this.shown || !scale;
    const { topology } = this.shown || {};
    this.topology = state.minima && !empty && topology && topology.list.length ? topology : null;
    this.solid.hidden = this.flat.hidden = empty;
    this.diagram.hidden = !this.topology;
    if (empty) {
      this.notes.textContent = `no ${state.split} ${state.quantity} to show in this file`;
      this.readout.textContent = "";
      return;
    }
    this.heights = heightsOf(this.shown, scale);
    this.scale = scale;
    const absent = absentOf(surface, this.shown, this.status, this.heights);
    const path = surface.path && lineOf(this, surface.path, state.step);
    const traces = solidTraces(surface, this.heights, absent, path);
    const over = [...otherTraces(this, state.step), ...stemTraces(this, state.step), ...curveTraces(surface, this.heights)];
    await Plotly.react(this.solid, traces.concat(over),
      solidLayout(surface, scale, state.window, this.camera, look), CONFIG);
    const layout = flatLayout(surface, state.window, look);
    layout.shapes = overlaysOf(this, state.step);
    layout.annotations = namesOf(surface);
    const marks = this.topology ? minimaTraces(surface, this.topology, this.sizes()) : [];
    const flat = [...flatTraces(surface, this.heights, absent, scale, look), ...marks];
    this.own = flat.length; // the first of the traces of paths at their own values
    await Plotly.react(this.flat, flat.concat(ownTraces(this, state.step)), layout, ICONS);
    if (this.topology) {
      await drawDiagram(this.diagram, this.topology, scale.log, this.unit, this.sizes(), look);
      await Plotly.Plots.resize(this.diagram);
    }
    this.notes.textContent = this.noteTexts(scale, absent).join("; ");
    this.readOut();
  }

  noteTexts(scale, absent) {
    const values = this.shown.values;
    const found = [];
    let above = 0, known = 0;
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      known++;
      if (value > scale.limit) above++;
    }
    if (above) found.push(`${percent(above / known)} of the points lie above ${numberText(scale.limit, 4)} and are drawn at it`);
    if (absent.x.length) found.push(`${absent.x.length} red crosses: not finite${scale.log ? ", or not positive" : ""}`);
    const missing = this.status ? this.status.filter((state) => state === 0 || state === 3).length : 0;
    if (missing) found.push(`${missing} of ${values.length} points not computed`);
    if (this.topology) found.push(describeMinima(this.topology));
    return found;
  }

  /** Redraw only the paths, up to a checkpoint. */
  async drawPath(state) {
    if (!this.surface.path || !this.heights) return;
    const path = lineOf(this, this.surface.path, state.step);
    const stems = stemTraces(this, state.step);
    const lines = [path, lastOf(path), ...otherTraces(this, state.step), ...stems];
    const numbers = lines.map((line, k) => (k < 2 ? [PATH, HEAD][k] : ABSENT + k - 1));
    const along = (name) => lines.map((line) => line[name]);
    await Plotly.restyle(this.solid, { x: along("x"), y: along("y"), z: along("z") }, numbers);
    const dots = ownTraces(this, state.step), places = dots.map((_, k) => this.own + k);
    if (!dots.length) return await Plotly.relayout(this.flat, { shapes: overlaysOf(this, state.step) });
    await Plotly.restyle(this.solid, { text: stems.map((stem) => stem.text) }, numbers.slice(-stems.length));
    const of = (name) => dots.map((dot) => dot[name]);
    const colors = dots.map((dot) => dot.marker.color);
    await Plotly.restyle(this.flat, { x: of("x"), y: of("y"), text: of("text"), "marker.color": colors }, places);
    await Plotly.relayout(this.flat, { shapes: overlaysOf(this, state.step) });
  }

  /** Move the cursor to the point nearest to a place; return true if it changed. */
  point(x, y) {
    const column = nearest(this.surface.x, x), row = nearest(this.surface.y, y);
    if (this.cursor && this.cursor.column === column && this.cursor.row === row) return false;
    this.cursor = { column, row, x: this.surface.x[column], y: this.surface.y[row] };
    this.readOut();
    return true;
  }

  /** Draw the cursor in both views. */
  async drawCursor(state) {
    if (!this.cursor || !this.shown || !this.heights) return;
    const { x, y, column, row } = this.cursor;
    const height = this.heights[row * this.surface.x.length + column];
    await Plotly.relayout(this.flat, { shapes: overlaysOf(this, state.step) });
    const z = Number.isNaN(height) ? null : height + 0.025;
    await Plotly.restyle(this.solid, { x: [[x]], y: [[y]], z: [[z]] }, [CURSOR]);
    if (!this.topology) return;
    const sizes = { "marker.size": [this.sizes()] };
    await Plotly.restyle(this.flat, sizes, [MINIMUM]);
    await Plotly.restyle(this.diagram, sizes, [1]);
  }

  /** The place in the list of the minimum whose basin the cursor is in, or undefined. */
  basin() {
    const found = this.topology && this.cursor && this.topology.basins[this.cursor.row * this.surface.x.length + this.cursor.column];
    return this.topology && this.topology.list[found] ? found : undefined;
  }

  /** Sizes of the minima's marks: that of the cursor's basin is large. */
  sizes() {
    const chosen = this.basin();
    return this.topology.list.map((_, place) => (place === chosen ? BIG : SMALL));
  }

  /** Describe the cursor's point: coordinates, value, error, status. */
  text() {
    const { x, y, column, row } = this.cursor;
    const place = row * this.surface.x.length + column;
    const view = this.shown;
    const word = this.status ? STATES[this.status[place]] : "";
    const missing = this.status && (this.status[place] === 0 || this.status[place] === 3);
    let text = `x ${numberText(x, 5)}, y ${numberText(y, 5)}: ${view.split} ${view.quantity.replaceAll("_", " ")} `;
    text += missing ? word : numberText(view.values[place]) + this.unit;
    const error = view.errors ? view.errors[place] : NaN;
    if (!missing && Number.isFinite(error)) text += ` ± ${numberText(error, 2)}${this.unit} (${view.error})`;
    if (word && !missing && word !== "not finite") text += `, ${word}`;
    const number = this.basin();
    if (number === undefined) return text;
    const { saddle, share } = this.topology.list[number];
    text += `, basin of ${this.topology.word} ${number + 1} (${percent(share)} of the points`;
    return text + (saddle ? `, saddle ${numberText(saddle.value)}${this.unit})` : ")");
  }

  /** Describe a checkpoint of a path: its own value, and how far that is from the surface's. */
  checkpointText(path, number) {
    const { split, quantity, values } = this.shown;
    const own = path.values.find((one) => one.split === split && one.quantity === quantity).values[number];
    const here = heightAt(this.surface, values, path.x[number], path.y[number]);
    const name = path.name ? `${path.name}, ` : "";
    let text = `${name}${path.labels[number]}: own ${split} ${quantity.replaceAll("_", " ")} ${numberText(own)}${this.unit}`;
    if (here !== null && Number.isFinite(own)) {
      text += `, ${numberText(Math.abs(own - here), 3)}${this.unit} ${own < here ? "below" : "above"} the plane`;
    }
    return text;
  }

  readOut() {
    if (this.cursor && this.shown) this.readout.textContent = this.text();
  }

  setCamera(camera) {
    this.camera = camera;
    if (this.heights && !this.solid.hidden) return Plotly.relayout(this.solid, { "scene.camera": camera });
    return Promise.resolve();
  }
}

function percent(part) {
  return part < 0.001 ? "less than 0.1 %" : `${(100 * part).toFixed(1)} %`;
}
