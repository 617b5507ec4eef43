"use strict";
// Unpacking of the page's data: compressed texts with arrays inside.

/** Decompress the text of a script element. */
async function unpack(id) {
  if (!("DecompressionStream" in window)) {
    throw new Error("this browser is too old (before 2023); open the page with a newer one");
  }
  const packed = bytesOf(document.getElementById(id).textContent.trim());
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).text();
}

function bytesOf(base64) {
  const letters = atob(base64), bytes = new Uint8Array(letters.length);
  for (let place = 0; place < bytes.length; place++) bytes[place] = letters.charCodeAt(place);
  return bytes;
}

/** Unpack a typed array: {type: "f4" | "f8" | "u1", data: little-endian bytes in base64}. */
function arrayOf(packed) {
  const kinds = { f4: Float32Array, f8: Float64Array, u1: Uint8Array };
  return new kinds[packed.type](bytesOf(packed.data).buffer);
}

/** Read the surfaces and the initial view, with packed arrays unpacked. */
async function readData() {
  const data = JSON.parse(await unpack("data"));
  for (const surface of data.surfaces) {
    for (const path of [surface.path, ...(surface.others || [])].filter(Boolean)) {
      for (const own of path.values || []) own.values = arrayOf(own.values);
    }
    for (const layer of surface.layers) {
      if (layer.status) layer.status = arrayOf(layer.status);
      for (const view of layer.views) {
        view.values = arrayOf(view.values);
        if (view.errors) view.errors = arrayOf(view.errors);
        if (view.topology) view.topology.basins = arrayOf(view.topology.basins);
      }
    }
  }
  return data;
}

/** Run plotly.js. */
async function loadLibrary() {
  const script = document.createElement("script");
  script.textContent = await unpack("library");
  document.head.append(script);
}
