"use strict";
// The marked point: it follows the pointer and the arrow keys, on all surfaces at once.

/** Show the values at a place on all surfaces. The 3-D view repeats the event whenever it is drawn. */
function pointAt(x, y) {
  const moved = panels.map((panel) => panel.point(x, y));
  if (!moved.some(Boolean)) return;
  drawCursor();
  remember();
}

/** Hold the marked point, or let it follow the pointer again. */
function hold(held) {
  state.held = held;
  document.body.classList.toggle("held", held);
  for (const panel of panels) panel.readOut();
  remember();
}

function watchPoints(panel) {
  for (const name of ["plotly_hover", "plotly_click"]) {
    panel.diagram.on(name, (event) => {
      const { x, y } = panel.topology.list[event.points[0].pointNumber];
      pointAt(x, y);
    });
  }
  for (const view of [panel.solid, panel.flat]) watchHover(panel, view);
  panel.flat.on("plotly_click", (event) => {
    const { x, y } = event.points[0];
    pointAt(Number(x), Number(y));
    hold(!state.held);
  });
  panel.flat.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const { x, y } = panel.surface, at = panel.cursor;
    const clamp = (place, length) => Math.min(Math.max(place, 0), length - 1);
    pointAt(x[clamp(at.column + step[0], x.length)], y[clamp(at.row + step[1], y.length)]);
    event.preventDefault();
  });
}

function watchHover(panel, view) {
  const tip = control("tip");
  view.on("plotly_hover", (event) => {
    const { x, y, text } = event.points[0];
    if (!state.held) pointAt(Number(x), Number(y));
    const own = typeof text === "string" && text;
    if (state.held && !own) return;
    tip.textContent = own ? text : panel.text();
    tip.hidden = false;
  });
  view.on("plotly_unhover", () => (tip.hidden = true));
  view.addEventListener("pointerleave", () => (tip.hidden = true));
  view.addEventListener("pointermove", (event) => {
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - 270)}px`;
    tip.style.top = `${Math.max(event.clientY - 70, 4)}px`;
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
