"use strict";
// Colour maps and light of the surfaces.

const MAPS = {
  viridis: "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725",
  cividis: "00224e 002e6a 1a386f 32436d 434e6c 535a6d 61656f 6f7073 7d7c78 8c8878 9b9476 aba072 bcae6c cdbb63 dec958 f0d846 fee838",
  magma: "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 d0416f e75263 f56b5c fc8961 fea772 fec488 fde2a3 fcfdbf",
  grey: "1e1e1e 2c2c2c 393939 464646 535353 616161 6e6e6e 7b7b7b 888888 969696 a3a3a3 b0b0b0 bebebe cbcbcb d8d8d8 e5e5e5 f3f3f3",
};
const DIVERGING = "053061 175290 2a71b2 3f8ec0 6bacd1 9bc9e0 c2ddec e0ecf3 f7f6f6 fbe5d8 fbccb4 f5aa89 e48066 d05548 ba2832 930e26 67001f";
const DEFAULT_MAP = "viridis";

const LID = "#8a9099"; // of what is cut at the limit
const LID_OPACITY = 0.5;

const LIGHTS = {
  glossy: { ambient: 0.45, diffuse: 0.62, specular: 0.035, roughness: 0.17, fresnel: 0 },
  matte: { ambient: 0.62, diffuse: 0.7, specular: 0.04, roughness: 0.95, fresnel: 0.02 },
  none: { ambient: 1, diffuse: 0, specular: 0, roughness: 1, fresnel: 0 },
};

/** Colours of a row of hexadecimal numbers, as [red, green, blue]. */
function coloursOf(row) {
  return row.split(" ").map((hex) => [0, 2, 4].map((k) => parseInt(hex.slice(k, k + 2), 16)));
}

/** The colour at a place from 0 to 1 between evenly spaced ones. */
function blend(colours, place) {
  const at = Math.min(Math.max(place, 0), 1) * (colours.length - 1), k = Math.min(Math.floor(at), colours.length - 2);
  return colours[k].map((part, channel) => Math.round(part + (at - k) * (colours[k + 1][channel] - part)));
}

/**
 * plotly's colour scale of heights from 0 to 1.
 *
 * Values of both signs have colours that diverge from zero, unless another map than the standard one is chosen.
 */
function colorscaleOf(map, scale) {
  const css = (colour) => `rgb(${colour.join(",")})`;
  if (!scale.diverging || map !== DEFAULT_MAP) {
    const colours = coloursOf(MAPS[map] || MAPS[DEFAULT_MAP]);
    return colours.map((colour, k) => [k / (colours.length - 1), css(colour)]);
  }
  const colours = coloursOf(DIVERGING), reach = Math.max(-scale.low, scale.limit);
  return Array.from({ length: 65 }, (_, k) => {
    const value = scale.low + (k / 64) * (scale.limit - scale.low);
    return [k / 64, css(blend(colours, 0.5 + (0.5 * value) / reach))];
  });
}
