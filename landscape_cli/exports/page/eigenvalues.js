"use strict";
// The eigenvalues of a diffusion map, beside the ranges of random walks'.

function eigenvalueTraces() {
  const { own, spectra, nulls } = data.eigenvalues, numbers = own.map((_, k) => k);
  const ranges = nulls.map(({ name, low, high }, k) => ({
    type: "bar", name: plainText(name), x: numbers.slice(1), base: low.slice(1), y: high.slice(1).map((end, i) => (end === null ? null : end - low[i + 1])),
    marker: { color: colourOf(k + 1), opacity: 0.5 }, width: 0.6 / nulls.length, offset: -0.3 + (0.6 * k) / nulls.length,
    text: low.slice(1).map((end, i) => (end === null ? "" : `${numberText(end, 4)} to ${numberText(high[i + 1], 4)}`)), textposition: "none", hoverinfo: "text+name",
  }));
  const lines = spectra.map(({ name, values }, k) => ({
    type: "scatter", mode: "lines", name: plainText(name), x: numbers, y: values, line: { color: UNKNOWN, width: 1, dash: ["dot", "dash"][k % 2] },
  }));
  const shown = { type: "scatter", mode: "lines+markers", name: data.names.length > 1 ? "trainings" : "training", x: numbers, y: own };
  return [...ranges, ...lines, { ...shown, line: { color: colourOf(0), width: 2 } }];
}

function eigenvalueLayout() {
  const colours = look(), { soft, line } = colours;
  const axis = (name) => ({ title: { text: name }, color: soft, showgrid: false, zeroline: false, ticks: "outside", ticklen: 3, tickcolor: line });
  return {
    ...baseLayout(colours), barmode: "overlay", dragmode: false, margin: { l: 56, r: 8, t: 12, b: 44 }, showlegend: true,
    legend: { orientation: "h", y: 1.01, yanchor: "bottom", x: 0 },
    xaxis: { ...axis("number"), dtick: Math.ceil(data.eigenvalues.own.length / 10) }, yaxis: axis("eigenvalue"),
  };
}
