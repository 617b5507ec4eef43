"use strict";
// One thumb: swiping up and down scrolls the page, swiping sideways turns a surface or moves the marked point.

const PER_PIXEL = 0.5; // degrees
const START = 8; // pixels that a finger moves before its direction counts

/** A layer over a view that takes touches; upward swipes are the browser's. */
function shieldOf(view, moved, tapped) {
  const shield = element("div", { className: "shield" }), fingers = new Map();
  const apart = () => {
    const [one, other] = [...fingers.values()];
    return Math.hypot(one.x - other.x, one.y - other.y);
  };
  shield.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, sideways: fingers.size > 0 || null });
    shield.setPointerCapture(event.pointerId);
    if (fingers.size === 1) tapped(event);
  });
  shield.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const across = event.clientX - last.x, down = event.clientY - last.y;
    if (last.sideways === null && Math.hypot(across, down) < START) return;
    last.sideways ??= Math.abs(across) > Math.abs(down);
    if (!last.sideways) return;
    const before = fingers.size > 1 ? apart() : 0;
    Object.assign(last, { x: event.clientX, y: event.clientY });
    moved(event, across, down, before ? before / Math.max(apart(), 1) : 1);
  });
  for (const name of ["pointerup", "pointercancel"]) shield.addEventListener(name, (event) => fingers.delete(event.pointerId));
  view.append(shield);
  return shield;
}

/** A layer over a 3-D view that turns it by angles, or scales its distance. */
function shieldSolid(view, rotate) {
  const moved = (_, across, down, factor) => {
    if (factor === 1) rotate(-PER_PIXEL * across, PER_PIXEL * down, 1);
    else rotate(0, 0, factor);
  };
  return shieldOf(view.parentElement, moved, () => {});
}

function shieldFlat(panel) {
  const mark = (event) => {
    const { xaxis, yaxis } = panel.flat._fullLayout, box = panel.flat.getBoundingClientRect();
    const x = xaxis.p2d(event.clientX - box.left - xaxis._offset), y = yaxis.p2d(event.clientY - box.top - yaxis._offset);
    const inside = (value, [low, high]) => value >= Math.min(low, high) && value <= Math.max(low, high);
    if (inside(x, xaxis.range) && inside(y, yaxis.range)) pointAt(x, y);
  };
  shieldOf(panel.flat.parentElement, mark, mark);
}
