"use strict";
// The state of the page, and the drawing of all its views.

const state = {
  split: "", quantity: "", layer: "", unit: "", name: "", label: "", log: false, signed: false, limit: null, step: 0, window: null, minima: false,
  map: DEFAULT_MAP, light: "glossy", theme: "", smooth: true, linked: true, held: false, show: { solid: true, flat: true, cuts: true },
};
const panels = [];
let data, extent, dragged = false;

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
  const scale = extent ? makeScale(extent, state.log, state.limit, state.signed) : null;
  const remarks = [state.unit.trim(), state.log ? "log scale" : ""].filter(Boolean).join(", ");
  state.label = remarks ? `${state.name} (${remarks})` : state.name;
  for (const panel of panels) panel.prepare(state, scale);
  for (const panel of panels) await panel.drawSolid(state, look());
  performance.mark("surfaces");
  for (const panel of panels) await panel.drawOthers(state, look());
  performance.mark("all views");
  showReached();
  document.body.dataset.drawn = Number(document.body.dataset.drawn || 0) + 1;
  remember();
});

const drawCursor = oneByOne(async () => {
  for (const panel of panels) await panel.drawCursor(state, look());
});

const drawPath = oneByOne(async () => {
  showReached();
  for (const panel of panels) await panel.drawPath(state);
});
