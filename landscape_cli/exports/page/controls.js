"use strict";
// The controls: what they offer, what they change, and what they show of the state.

function unique(names) {
  return [...new Set(names)];
}

function show(id, shown) {
  control(id).closest(".optional").hidden = !shown;
}

/** List the available quantities, splits and repeats in the controls. */
function offer() {
  const layers = data.surfaces.flatMap((surface) => surface.layers);
  const views = layers.flatMap((layer) => layer.views);
  const repeats = unique(layers.map((layer) => layer.name).filter(Boolean));
  const count = data.surfaces.length;
  Object.assign(state, { split: data.split, quantity: data.quantity, layer: repeats[0] || "", limit: data.clip ?? null });
  state.show = { solid: true, flat: count < 5, cuts: count < 4 };
  const plain = (names) => unique(names).map((name) => [name, name.replaceAll("_", " ")]);
  const labels = Object.fromEntries(views.map((view) => [view.quantity, view.label || view.quantity.replaceAll("_", " ")]));
  fill(control("quantity"), Object.entries(labels), state.quantity);
  fill(control("split"), plain(views.map((view) => view.split)), state.split);
  fill(control("layer"), plain(repeats), state.layer);
  fill(control("map"), plain(Object.keys(MAPS)), state.map);
  fill(control("light"), plain(Object.keys(LIGHTS)), state.light);
  show("layer", repeats.length > 0);
  show("linked", count > 1);
  show("minima", views.some((view) => view.topology));
}

/** Make the controls show the state. */
function showState() {
  for (const name of ["quantity", "split", "layer", "map", "light", "theme"]) control(name).value = state[name];
  for (const name of ["minima", "linked", "smooth"]) control(name).checked = state[name];
  for (const name of Object.keys(state.show)) control(`show-${name}`).checked = state.show[name];
  control("scale").value = state.log ? "log" : "linear";
  control("step").value = state.step;
  document.documentElement.dataset.theme = state.theme;
  document.body.classList.toggle("held", state.held);
  showLimit();
}

/** Show the limit in its field and on the slider. */
function showLimit() {
  const field = control("limit"), slider = control("clip");
  slider.disabled = field.disabled = !extent;
  if (!extent) return;
  slider.max = STEPS;
  slider.value = stepAt(extent, state.log, state.limit);
  const words = state.limit === null ? "nothing is clipped" : `above ${numberText(state.limit, 4)}${state.unit}`;
  slider.setAttribute("aria-valuetext", words);
  if (document.activeElement !== field) field.value = state.limit === null ? "" : String(state.limit);
  complain("");
}

function complain(words) {
  control("limit").setAttribute("aria-invalid", String(Boolean(words)));
  control("refused").textContent = words;
}

/** Take over a typed limit, as `landscape plot --vmax` would, or say why not. */
function typeLimit(text) {
  const trimmed = text.trim().replace("−", "-"), limit = trimmed === "" ? null : Number(trimmed);
  if (limit !== null && !Number.isFinite(limit)) return complain("not a number");
  if (limit !== null && limit <= endsOf(extent, state.log)[0]) {
    return complain(`no value is below; the lowest is ${numberText(endsOf(extent, state.log)[0], 4)}${state.unit}`);
  }
  state.limit = limit;
  complain("");
  return draw();
}

/** Adapt scale and controls to newly chosen values; `log` is null to decide by the values. */
function chooseValues(log) {
  const views = panels.map((panel) => panel.view(state)).filter(Boolean);
  const { logarithmic, signed, label } = views[0] || {};
  extent = extentOf(views, logarithmic);
  if (extent.low > extent.high) extent = null;
  const positive = extent !== null && extent.least < Infinity;
  state.log = positive && (log ?? (logarithmic || isWide(extent)));
  state.signed = Boolean(signed);
  state.unit = data.units[state.quantity] || "";
  state.name = nameOf({ split: state.split, quantity: state.quantity, label });
  control("scale").querySelector("[value=log]").disabled = !positive;
  keepLimit();
  showState();
  return draw();
}

/** Drop a limit that the values shown do not reach down to. */
function keepLimit() {
  if (state.limit !== null && extent && state.limit <= endsOf(extent, state.log)[0]) state.limit = null;
}

function listen() {
  const changed = (name, work) => control(name).addEventListener("change", (event) => work(event.target));
  for (const name of ["quantity", "split", "layer"]) {
    changed(name, ({ value }) => {
      state[name] = value;
      if (name === "quantity") state.limit = null;
      chooseValues(name === "quantity" ? null : state.log);
    });
  }
  changed("scale", ({ value }) => {
    Object.assign(state, { log: value === "log", limit: null });
    showLimit();
    draw();
  });
  control("clip").addEventListener("input", ({ target }) => {
    state.limit = limitAt(extent, state.log, Number(target.value));
    showLimit();
    draw();
  });
  changed("limit", ({ value }) => typeLimit(value));
  control("limit").addEventListener("blur", showLimit);
  for (const name of ["map", "light"]) changed(name, ({ value }) => draw((state[name] = value)));
  for (const name of ["minima", "smooth"]) changed(name, ({ checked }) => draw((state[name] = checked)));
  for (const name of Object.keys(state.show)) changed(`show-${name}`, ({ checked }) => draw((state.show[name] = checked)));
  changed("theme", ({ value }) => chooseTheme((state.theme = value), draw));
  changed("linked", ({ checked }) => {
    state.linked = checked;
    turn(panels[0], panels[0].camera);
  });
  listenToButtons();
}

function listenToButtons() {
  for (const button of document.querySelectorAll("[data-camera]")) button.addEventListener("click", () => choosePreset(button.dataset.camera));
  control("reset").addEventListener("click", () => {
    state.window = null;
    hold(false);
    choosePreset("home");
    draw();
  });
  control("copy").addEventListener("click", copyLink);
  control("save").addEventListener("click", savePicture);
  control("controls").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("pointerdown", (event) => (dragged = event.target.closest(".solid") !== null), true);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => (dragged = false), true);
  addEventListener("keydown", (event) => event.key === "Escape" && state.held && hold(false));
  addEventListener("hashchange", () => restore(location.hash.slice(1)) && chooseValues(state.log));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  foldOptions();
}
