"use strict";
// The view as a part of the page's address: all choices, the marked point and the cameras.

const PLAIN_STATES = ["split", "quantity", "layer", "map", "light", "theme"];
const SWITCHES = ["log", "minima", "smooth", "linked", "held"];
const short = (value) => Number(value.toPrecision(6));

/** The view's description that follows the # of the page's address. */
function addressOf() {
  const words = new URLSearchParams();
  for (const name of PLAIN_STATES) if (state[name]) words.set(name, state[name]);
  for (const name of SWITCHES) words.set(name, state[name] ? "1" : "0");
  words.set("show", Object.keys(state.show).filter((name) => state.show[name]).join(" "));
  if (state.limit !== null) words.set("clip", state.limit);
  words.set("step", state.step);
  if (state.window) words.set("window", [...state.window.x, ...state.window.y].map(short).join(" "));
  const { cursor } = panels[0];
  if (cursor) words.set("point", `${cursor.x} ${cursor.y}`);
  const cameras = panels.map(({ camera: { eye, center } }) => [eye, center].flatMap(({ x, y, z }) => [x, y, z]).map(short).join(" "));
  words.set("camera", state.linked && new Set(cameras).size === 1 ? cameras[0] : cameras.join(","));
  return words.toString();
}

/** Numbers of a text, or null unless there are as many. */
function numbersIn(text, count) {
  const numbers = (text || "").split(" ").map(Number);
  return text && numbers.length === count && numbers.every(Number.isFinite) ? numbers : null;
}

/** Take over what an address says; what it lacks or gets wrong stays as it is. Returns whether it says anything. */
function restore(address) {
  const words = new URLSearchParams(address);
  if (!words.has("quantity") && !words.has("point") && !words.has("camera")) return false;
  const offered = { map: Object.keys(MAPS), light: Object.keys(LIGHTS), theme: ["", "light", "dark"] };
  for (const name of PLAIN_STATES) {
    const known = offered[name] || [...control(name).options].map((option) => option.value);
    if (words.has(name) && known.includes(words.get(name))) state[name] = words.get(name);
  }
  for (const name of SWITCHES) if (words.has(name)) state[name] = words.get(name) === "1";
  if (words.has("show")) for (const name of Object.keys(state.show)) state.show[name] = words.get("show").split(" ").includes(name);
  const limit = numbersIn(words.get("clip"), 1), step = numbersIn(words.get("step"), 1);
  state.limit = limit ? limit[0] : null;
  if (step) state.step = Math.min(Math.max(Math.round(step[0]), 0), Number(control("step").max));
  const window_ = numbersIn(words.get("window"), 4);
  state.window = window_ && { x: window_.slice(0, 2), y: window_.slice(2) };
  const point = numbersIn(words.get("point"), 2);
  if (point) for (const panel of panels) panel.point(...point);
  restoreCameras((words.get("camera") || "").split(","));
  return true;
}

function restoreCameras(texts) {
  panels.forEach((panel, place) => {
    const numbers = numbersIn(texts[place] || texts[0], 6);
    if (!numbers) return;
    const [x, y, z, a, b, c] = numbers;
    panel.camera = { eye: { x, y, z }, center: { x: a, y: b, z: c }, up: UP };
    panel.preset = null;
  });
}

/** Write the view into the page's address, a moment after the last change. */
function remember() {
  clearTimeout(remember.timer);
  remember.timer = setTimeout(writeAddress, 250);
}

function writeAddress() {
  if (!document.body.dataset.drawn) return;
  try {
    history.replaceState(null, "", `#${addressOf()}`);
  } catch {
    // Some browsers allow only few changes in a short time, and none in a frame.
  }
}

/** Copy the address of this view, or show it to be copied. */
async function copyLink() {
  writeAddress();
  const address = location.href.replace(/#.*$/, "") + `#${addressOf()}`, said = control("copied");
  try {
    await navigator.clipboard.writeText(address);
    said.textContent = "Link copied";
  } catch {
    said.textContent = "";
    const field = element("input", { value: address, readOnly: true });
    field.setAttribute("aria-label", "Link to this view");
    said.append(field);
    field.select();
  }
  clearTimeout(copyLink.timer);
  copyLink.timer = setTimeout(() => said.replaceChildren(), 8000);
}
