"use strict";
// Playing along the path of a training.

let timer = null;

function offerPath() {
  const paths = data.surfaces.flatMap(pathsOf);
  if (!paths.length) return;
  const longest = paths.reduce((best, path) => (path.x.length > best.x.length ? path : best));
  state.step = longest.x.length - 1;
  Object.assign(control("step"), { max: state.step, value: state.step });
  show("step", true);
  state.reached = () => longest.labels[state.step];
  const reach = (step) => {
    state.step = step;
    control("step").value = step;
    drawPath();
    remember();
  };
  control("step").addEventListener("input", (event) => {
    pause();
    reach(Number(event.target.value));
  });
  control("play").addEventListener("click", () => {
    if (timer !== null) return pause();
    if (state.step >= longest.x.length - 1) reach(0);
    control("play").textContent = "Pause";
    timer = setInterval(() => {
      reach(state.step + 1);
      if (state.step >= longest.x.length - 1) pause();
    }, Math.min(250, Math.max(60, 8000 / longest.x.length)));
  });
}

/** Say which checkpoint is reached. */
function showReached() {
  if (!state.reached) return;
  control("reached").textContent = state.reached();
  control("step").setAttribute("aria-valuetext", state.reached());
}

function pause() {
  clearInterval(timer);
  timer = null;
  control("play").textContent = "Play";
}
