"use strict";
// The map from values to heights between 0 and 1, shared by all surfaces shown, as `landscape plot` has it.

const WIDE = 1e3; // positive values with a larger ratio are first shown on a log scale
const REACH = 4; // on a linear scale the clip slider goes down to 10^-REACH of the range
const STEPS = 1000; // of the slider

/**
 * The smallest and largest finite value, `low` and `high`, and of a log scale, `least` and `most`.
 *
 * With `trusted`, values within their numerical errors do not count on the log scale, unless none exceeds its own.
 */
function extentOf(views, trusted = false) {
  const found = { low: Infinity, high: -Infinity, least: Infinity, most: -Infinity, trimmed: false };
  for (const { values, errors } of views) {
    const exceeds = (value, k) => Number.isFinite(value) && value > ((errors && errors[k]) || 0);
    const strict = trusted && values.some(exceeds);
    values.forEach((value, k) => {
      if (!Number.isFinite(value)) return;
      found.low = Math.min(found.low, value);
      found.high = Math.max(found.high, value);
      const counts = !strict || exceeds(value, k);
      found.trimmed ||= !counts;
      if (!(value > 0) || !counts) return;
      found.least = Math.min(found.least, value);
      found.most = Math.max(found.most, value);
    });
  }
  return found;
}

function isWide(extent) {
  return extent.low > 0 && extent.high / WIDE > extent.low;
}

/** The ends of a scale that clips nothing. */
function endsOf(extent, log) {
  const low = log ? extent.least : extent.low, high = log ? extent.most : extent.high;
  if (low !== high) return [low, high];
  const room = 0.05 * Math.abs(low) || 0.5;
  return log ? [low / 1.1, high * 1.1] : [low - room, high + room];
}

/**
 * Make a scale from the lowest value to a limit, which is at height 1; without one, to the highest value.
 *
 * Heights of values beyond are larger than 1, or smaller than 0 if the extent left them out; those that a log
 * scale can't show are NaN. Values of both signs have colours that diverge from zero if `signed`.
 */
function makeScale(extent, log, limit = null, signed = false) {
  const [low, high] = endsOf(extent, log), end = limit ?? high;
  // Halved, since the difference of two values may overflow.
  const place = log ? Math.log10 : (value) => value / 2;
  const bottom = place(low), room = place(end) - bottom;
  const height = (at) => (log && !(at > 0) ? NaN : (place(at) - bottom) / room);
  return { log, low, limit: end, clips: limit !== null, diverging: signed && !log && low < 0 && end > 0, height };
}

/** How many values a scale shows, and how many of those lie below and above it. */
function countsOf(values, scale) {
  const found = { shown: 0, below: 0, above: 0 };
  // A limit is compared in the values' own precision, so that a value equal to it is not above it.
  const own = values instanceof Float32Array ? Math.fround : Number, low = own(scale.low), limit = own(scale.limit);
  for (const value of values) {
    if (!Number.isFinite(value) || (scale.log && !(value > 0))) continue;
    found.shown++;
    if (value < low) found.below++;
    if (value > limit) found.above++;
  }
  return found;
}

/** The limit that a place of the slider stands for, on a logarithmic scale; null at its upper end. */
function limitAt(extent, log, step) {
  if (step >= STEPS) return null;
  const [low, high] = endsOf(extent, log), part = Math.max(step, 1) / STEPS;
  if (log) return Number((low * (high / low) ** part).toPrecision(3));
  const reached = (high / 2 - low / 2) * 10 ** (REACH * (part - 1));
  return Number((low + 2 * reached).toPrecision(Math.max(3, digitsFor([low, low + 2 * reached], 2 * reached) + 2)));
}

/** The place of the slider that comes nearest to a limit. */
function stepAt(extent, log, limit) {
  if (limit === null) return STEPS;
  const [low, high] = endsOf(extent, log);
  const part = log ? Math.log(limit / low) / Math.log(high / low) : 1 + Math.log10((limit / 2 - low / 2) / (high / 2 - low / 2)) / REACH;
  return Math.round(Math.min(Math.max(part, 0), 1) * STEPS);
}
