"use strict";
// One surface on the page: its views, its readout, and its notes.

const STATES = ["not computed", "", "not finite", "failed", "interpolated"];

/** Adapt plots to the places they have, whenever these change. */
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const { width, height } = target.getBoundingClientRect(), layout = target._fullLayout;
    if (!layout || !width) continue;
    if (Math.abs(layout.width - width) < 1 && Math.abs(layout.height - height) < 1) continue;
    Plotly.Plots.resize(target);
    const moved = panels.find(({ solid, preset }) => solid === target && preset);
    if (moved) moved.setCamera(presetOf(moved, moved.preset));
  }
});

class Panel {
  constructor(surface, alone) {
    this.surface = surface;
    this.camera = cameraAt(...PRESETS.home, DISTANCE);
    this.preset = "home"; // null once the camera has been moved by hand
    this.solid = this.plot("solid", "application", "surface. Arrow keys rotate, plus and minus zoom, 0 resets.");
    this.flat = this.plot("flat", "application", "contour. Arrow keys move the point whose value is shown.");
    this.cuts = this.plot("cuts", "img", "cuts through the marked point along x and along y.");
    this.diagram = this.plot("diagram", "img", "persistence diagram of the minima.");
    this.diagram.parentElement.hidden = true;
    this.readout = element("p", { className: "readout" });
    this.readout.setAttribute("role", "status");
    this.notes = element("p", { className: "notes" });
    for (const view of [this.solid, this.flat, this.cuts, this.diagram]) sizes.observe(view);
    const head = element("div", { className: "title" }, element("h2", { textContent: surface.title }));
    if (surface.subtitle) head.append(element("p", { className: "soft", textContent: surface.subtitle }));
    const axes = element("p", { className: "soft axes", textContent: describeAxes(surface.axes) });
    const views = element("div", { className: "views" }, ...[this.solid, this.flat, this.cuts, this.diagram].map((view) => view.parentElement));
    const words = element("div", { className: "words" }, this.readout, this.notes, ...this.legend(), axes);
    this.box = element("section", { className: alone ? "panel alone" : "panel" }, head, views, words);
    this.box.setAttribute("aria-label", surface.title);
  }

  /** A place for a plot, in a box of its own. */
  plot(className, role, words) {
    const made = element("div", { className });
    if (role === "application") made.tabIndex = 0;
    made.setAttribute("role", role);
    made.setAttribute("aria-label", `${this.surface.title}: ${words}`);
    element("div", { className: `view ${className}-box` }, made);
    return made;
  }

  /** What the curve's lines and marks are, and the paths' colours and names if there are several. */
  legend() {
    const { curve } = this.surface, paths = pathsOf(this.surface), own = [];
    if (curve) {
      const bends = curve.bends.x.length > 1 ? "bends" : "bend";
      own.push(element("p", { className: "soft curve", textContent: `━ ${curve.name} · ╌ straight line · ○ ${bends}` }));
    }
    if (paths.length < 2) return own;
    const entries = paths.map((path, place) => {
      const sample = element("span", { textContent: "● " });
      sample.style.color = colorOf(place);
      sample.setAttribute("aria-hidden", "true");
      return element("span", {}, sample, `${path.name || "path"}: ${path.x.length} checkpoints  `);
    });
    return [...own, element("p", { className: "soft paths" }, ...entries)];
  }

  /** The layer to show: the requested one, or else the first. */
  layer(state) {
    return this.surface.layers.find((layer) => layer.name === state.layer) || this.surface.layers[0];
  }

  /** The values to show, or undefined if this surface lacks them. */
  view(state) {
    return this.layer(state).views.find((v) => v.split === state.split && v.quantity === state.quantity);
  }

  /** Compute what is drawn, and write the texts; `scale` is null if no surface has a value to show. */
  prepare(state, scale) {
    const { surface } = this;
    this.shown = this.view(state);
    this.status = this.layer(state).status;
    this.unit = state.unit;
    const empty = !this.shown || !scale;
    const { topology } = this.shown || {};
    this.topology = state.minima && !empty && topology && topology.list.length ? topology : null;
    this.drawn = { solid: state.show.solid && !empty, flat: state.show.flat && !empty, cuts: state.show.cuts && !empty, diagram: this.topology };
    for (const [name, drawn] of Object.entries(this.drawn)) this[name].parentElement.hidden = !drawn;
    this.box.dataset.shown = Object.keys(this.drawn).filter((name) => this.drawn[name]).join(" ");
    if (empty) {
      this.notes.textContent = `no ${state.split} ${state.quantity} to show in this file`;
      this.readout.textContent = "";
      return;
    }
    this.heights = heightsOf(this.shown, scale);
    this.scale = scale;
    this.grid = gridOf(surface, this.heights, state.smooth);
    this.colorscale = colorscaleOf(state.map, scale);
    this.absent = absentOf(surface, this.status, this.heights);
    this.notes.textContent = this.noteTexts(scale).join("; ");
    this.readOut();
  }

  async drawSolid(state, look) {
    if (this.drawn.solid) await Plotly.react(this.solid, solidTraces(this, state, look), solidLayout(this, state, look), IN_SPACE);
  }

  async drawOthers(state, look) {
    const { flat, cuts, diagram } = this.drawn;
    if (flat) await Plotly.react(this.flat, flatTraces(this, state, look), flatLayout(this, state, look), IN_PLANE);
    if (cuts) await drawCuts(this, state, look);
    if (diagram) await drawDiagram(this.diagram, this.topology, this.scale.log, this.unit, this.sizes(), look);
  }

  /** The places of a view's traces of a kind. */
  numbers(view, ...kinds) {
    return view.data.flatMap(({ meta }, k) => (kinds.includes(meta) ? [k] : []));
  }

  noteTexts(scale) {
    const { shown, below, above } = countsOf(this.shown.values, scale), found = [];
    const limit = (value) => numberText(value, 4) + this.unit;
    if (below) found.push(`${percent(below / shown)} of the points lie below ${limit(scale.low)}, the lowest that exceeds its numerical error, and are drawn at it`);
    if (above) found.push(`${percent(above / shown)} of the points lie above ${limit(scale.limit)} and are cut off`);
    const crosses = this.absent.x.length;
    if (crosses) found.push(`${crosses} red crosses: not finite${scale.log ? ", or not positive" : ""}`);
    const missing = this.status ? this.status.filter((state) => state === 0 || state === 3).length : 0;
    if (missing) found.push(`${missing} of ${this.shown.values.length} points not computed`);
    if (this.topology) found.push(describeMinima(this.topology));
    return found;
  }

  /** Redraw only the paths, up to a checkpoint. */
  async drawPath(state) {
    if (!pathsOf(this.surface).length || !this.heights) return;
    const all = (traces, name) => traces.map((trace) => trace[name]);
    if (this.drawn.solid) {
      const traces = solidPaths(this, state.step), numbers = this.numbers(this.solid, "path", "head", "stems");
      const text = traces.map((trace) => trace.text || []);
      await Plotly.restyle(this.solid, { x: all(traces, "x"), y: all(traces, "y"), z: all(traces, "z"), text }, numbers);
    }
    if (!this.drawn.flat) return;
    const traces = flatPaths(this, state.step), numbers = this.numbers(this.flat, "path edge", "path", "path ends", "path dots");
    const colors = traces.map(({ marker, line }) => (marker ? marker.color : line.color));
    await Plotly.restyle(this.flat, { x: all(traces, "x"), y: all(traces, "y"), text: traces.map((trace) => trace.text || []), "marker.color": colors }, numbers);
  }

  /** Move the cursor to the point nearest to a place; return true if it changed. */
  point(x, y) {
    const column = nearest(this.surface.x, x), row = nearest(this.surface.y, y);
    if (this.cursor && this.cursor.column === column && this.cursor.row === row) return false;
    this.cursor = { column, row, x: this.surface.x[column], y: this.surface.y[row] };
    this.readOut();
    return true;
  }

  /** Draw the cursor in all views. */
  async drawCursor(state, look) {
    if (!this.cursor || !this.shown || !this.heights) return;
    const { x, y, z } = cursorTrace(this);
    if (this.drawn.flat) await Plotly.relayout(this.flat, { shapes: crossOf(this) });
    if (this.drawn.solid) await Plotly.restyle(this.solid, { x: [x], y: [y], z: [z] }, this.numbers(this.solid, "cursor"));
    if (this.drawn.cuts) await drawCuts(this, state, look);
    if (!this.topology) return;
    const sizes = { "marker.size": [this.sizes()] };
    if (this.drawn.flat) await Plotly.restyle(this.flat, sizes, this.numbers(this.flat, "minima"));
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

  /** Describe the cursor's point. */
  text() {
    return describePoint(this);
  }

  /** Describe a checkpoint of a path: its own value, and how far that is from the surface's. */
  checkpointText(path, number) {
    return describeCheckpoint(this, path, number);
  }

  readOut() {
    if (this.cursor && this.shown) this.readout.textContent = this.text() + (state.held ? " · held" : "");
  }

  setCamera(camera) {
    this.camera = camera;
    if (this.heights && this.drawn.solid) return Plotly.relayout(this.solid, { "scene.camera": camera });
    return Promise.resolve();
  }
}
