"use strict";
// Where the values come from, as a table for each surface.

function factsOf(surface) {
  const rows = surface.facts.map(([name, text]) => element("tr", {}, element("th", { textContent: name, scope: "row" }), element("td", { textContent: text })));
  const caption = element("caption", { textContent: surface.title });
  return element("table", {}, caption, element("tbody", {}, ...rows));
}

function showFacts() {
  control("facts").replaceChildren(...data.surfaces.map(factsOf));
}
