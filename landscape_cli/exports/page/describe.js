"use strict";
// Words on a point of a surface, on a checkpoint of a path, and on where the values come from.

function nameOf({ split, quantity, label }) {
  return `${split} ${label || quantity.replaceAll("_", " ")}`;
}

/** Coordinates, value, error and status of the marked point, and the basin it is in if minima are shown. */
function describePoint(panel) {
  const { shown, status, unit, topology, surface } = panel, { x, y, column, row } = panel.cursor;
  const place = row * surface.x.length + column;
  const word = status ? STATES[status[place]] : "";
  const missing = status && (status[place] === 0 || status[place] === 3);
  let text = `x ${numberText(x, 5)}, y ${numberText(y, 5)}: ${nameOf(shown)} `;
  text += missing ? word : numberText(shown.values[place]) + unit;
  const error = shown.errors ? shown.errors[place] : NaN;
  if (!missing && Number.isFinite(error)) text += ` ± ${numberText(error, 2)}${unit} (${shown.measured ? "numerical error" : shown.error})`;
  if (word && !missing && word !== "not finite") text += `, ${word}`;
  const number = panel.basin();
  if (number === undefined) return text;
  const { saddle, share } = topology.list[number];
  text += `, basin of ${topology.word} ${number + 1} (${percent(share)} of the points`;
  return text + (saddle ? `, saddle ${numberText(saddle.value)}${unit})` : ")");
}

/** The meanings of the axes, in one phrase if they differ only in the seed. */
function describeAxes(axes) {
  const parts = axes.map((text) => /^\w: (.*) \(seed (\d+)\)$/.exec(text));
  if (axes.length !== 2 || !parts.every(Boolean) || parts[0][1] !== parts[1][1]) return axes.join(" · ");
  return `x, y: ${parts[0][1].replace("direction", "directions")} (seeds ${parts[0][2]} and ${parts[1][2]})`;
}

/** A checkpoint's own value, and how far that is from the surface's. */
function describeCheckpoint({ shown, surface, unit }, path, number) {
  const own = path.values.find((one) => one.split === shown.split && one.quantity === shown.quantity).values[number];
  const here = heightAt({ x: surface.x, y: surface.y, z: shown.values }, path.x[number], path.y[number]);
  const name = path.name ? `${path.name}, ` : "";
  const text = `${name}${path.labels[number]}: own ${nameOf(shown)} ${numberText(own)}${unit}`;
  if (here === null || !Number.isFinite(own)) return text;
  return `${text}, ${numberText(Math.abs(own - here), 3)}${unit} ${own < here ? "below" : "above"} the plane`;
}

/** A table of where the values of a surface come from. */
function factsOf(surface) {
  const rows = surface.facts.map(([name, text]) => element("tr", {}, element("th", { textContent: name, scope: "row" }), element("td", { textContent: text })));
  const caption = element("caption", { textContent: surface.title });
  return element("table", {}, caption, element("tbody", {}, ...rows));
}

function showFacts() {
  control("facts").replaceChildren(...data.surfaces.map(factsOf));
}
