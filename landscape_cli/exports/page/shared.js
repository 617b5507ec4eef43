"use strict";
// What the pages of surfaces and of diffusion maps share: elements, the page's look, plotly's settings.

const control = (id) => document.getElementById(id);

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A text that plotly draws as it is, without tags. */
function plainText(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** The text that `plainText` made plotly draw. */
function readText(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** The page's colours by name, as the style sheet has them now. */
function look() {
  const read = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return Object.fromEntries(["back", "text", "soft", "line", "grid", "label"].map((name) => [name, read(name)]));
}

const TOUCH = matchMedia("(pointer: coarse)");

/**
 * Settings of a plot with the given buttons.
 *
 * The list is explicit, since plotly's own has a button that offers to send the data to its cloud.
 */
function settings(buttons) {
  return {
    displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: false, scrollZoom: false, showTips: false,
    displayModeBar: buttons.length && !TOUCH.matches ? "hover" : false, modeBarButtons: [buttons],
  };
}

const IN_SPACE = settings(["tableRotation", "pan3d", "zoom3d"]);
const IN_PLANE = settings(["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]);
const NO_BUTTONS = settings([]);

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

function baseLayout(look) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: look.text, family: FONT, size: 12 },
    hovermode: "closest", uirevision: "same", showlegend: false,
    modebar: { bgcolor: "rgba(0,0,0,0)", color: look.soft, activecolor: look.text },
  };
}

/** Fill a list of choices; the first of each pair is its value. */
function fill(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, textContent]) => element("option", { value, textContent })));
  select.value = chosen;
}

/** Switch between the system's colours, light and dark ones. */
function chooseTheme(name, draw) {
  document.documentElement.dataset.theme = name;
  return draw();
}

const frame = () => new Promise(requestAnimationFrame);

/** On narrow screens the options are behind a button, so that the picture comes first. */
function foldOptions() {
  const button = control("fold");
  button.addEventListener("click", () => {
    const open = document.body.classList.toggle("unfolded");
    button.setAttribute("aria-expanded", String(open));
  });
}
