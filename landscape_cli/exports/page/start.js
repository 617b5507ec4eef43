"use strict";
// The start of the page of surfaces.

async function begin(panel) {
  await Plotly.newPlot(panel.solid, [], {}, IN_SPACE);
  await Plotly.newPlot(panel.flat, [], {}, IN_PLANE);
  await Plotly.newPlot(panel.diagram, [], {}, NO_BUTTONS);
  watchSolid(panel);
  watchFlat(panel);
  watchPoints(panel);
  if (!TOUCH.matches) return;
  shieldSolid(panel.solid, (...change) => rotate(panel, ...change));
  shieldFlat(panel);
}

/** A single surface's name is the page's heading. */
function headAlone({ title, subtitle }) {
  document.querySelector("h1").replaceChildren(title, element("span", { className: "soft", textContent: subtitle }));
}

async function start() {
  data = await readData();
  await loadLibrary();
  control("wait").remove();
  document.body.dataset.surfaces = Math.min(data.surfaces.length, 7);
  for (const surface of data.surfaces) {
    const panel = new Panel(surface, data.surfaces.length === 1);
    panels.push(panel);
    control("panels").append(panel.box);
  }
  if (panels.length === 1) headAlone(panels[0].surface);
  offer();
  offerPath();
  for (const panel of panels) {
    const { x, y } = panel.surface.centre || { x: 0, y: 0 };
    panel.point(x, y);
  }
  const restored = restore(location.hash.slice(1));
  showFacts();
  for (const panel of panels) {
    await begin(panel);
    if (panel.preset) panel.camera = presetOf(panel, "home");
  }
  listen();
  await chooseValues(restored ? state.log : data.log);
}

start().catch((error) => {
  const place = control("wait") || control("panels").appendChild(element("p", {}));
  place.textContent = `This page can't be shown: ${error.message}`;
  throw error;
});
