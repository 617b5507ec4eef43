"use strict";
// A PNG picture of the views as they are arranged, as large as print needs it.

const MOST_PIXELS = 16_000; // along a side, which canvases of all browsers have

async function imageOf(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/** Draw a plot into a canvas, at a scale, with its place relative to a corner. */
async function copyPlot(paint, plot, corner, scale, back) {
  const box = plot.getBoundingClientRect(), layout = { ...plot.layout, paper_bgcolor: back, shapes: plot.layout.shapes };
  const figure = { data: plot.data, layout, config: NO_BUTTONS };
  const address = await Plotly.toImage(figure, { format: "png", width: Math.round(box.width), height: Math.round(box.height), scale });
  paint.drawImage(await imageOf(address), (box.left - corner.left) * scale, (box.top - corner.top) * scale, box.width * scale, box.height * scale);
}

/** Write an element's text into a canvas, line by line as the browser breaks it. */
function copyText(paint, source, corner, scale) {
  const style = getComputedStyle(source), size = parseFloat(style.fontSize) * scale, box = source.getBoundingClientRect();
  paint.font = `${style.fontWeight} ${size}px ${FONT}`;
  paint.fillStyle = style.color;
  paint.textBaseline = "top";
  const words = source.textContent.split(" "), lines = [""];
  for (const word of words) {
    const longer = lines[lines.length - 1] ? `${lines[lines.length - 1]} ${word}` : word;
    if (paint.measureText(longer).width > box.width * scale + 1 && lines[lines.length - 1]) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  const step = parseFloat(style.lineHeight) * scale || 1.4 * size;
  lines.forEach((line, k) => paint.fillText(line, (box.left - corner.left) * scale, (box.top - corner.top) * scale + k * step));
}

/** Make the picture: a canvas of a width in pixels. */
async function pictureOf(width) {
  const frame_ = control("panels"), corner = frame_.getBoundingClientRect(), { back } = look();
  const scale = Math.min(width / corner.width, MOST_PIXELS / frame_.scrollHeight);
  const canvas = element("canvas", { width: Math.round(corner.width * scale), height: Math.round(frame_.scrollHeight * scale) });
  const paint = canvas.getContext("2d");
  paint.fillStyle = back;
  paint.fillRect(0, 0, canvas.width, canvas.height);
  for (const panel of panels) {
    for (const name of ["solid", "flat", "cuts", "diagram"]) if (panel.drawn && panel.drawn[name]) await copyPlot(paint, panel[name], corner, scale, "rgba(0,0,0,0)");
    for (const text of panel.box.querySelectorAll("h2, p")) if (text.textContent && text.offsetParent) copyText(paint, text, corner, scale);
  }
  return canvas;
}

/** Download the picture. */
async function savePicture() {
  const button = control("save");
  button.disabled = true;
  try {
    const canvas = await pictureOf(Number(control("width").value));
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    const address = URL.createObjectURL(blob);
    const name = document.title.replace(/[^\w.-]+/g, "_").slice(0, 80) || "surface";
    element("a", { href: address, download: `${name}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  } finally {
    button.disabled = false;
  }
}
