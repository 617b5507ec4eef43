"use strict";
// The map from values to heights between 0 and 1, shared by all surfaces shown.

const WIDE = 1e3; // positive values with a larger ratio are first shown on a log scale
const REACH = 3; // on a linear scale the clip slider goes down to 10^-REACH of the range

/** The smallest and largest finite value, and the smallest positive one. */
function extentOf(views) {
  const found = { low: Infinity, high: -Infinity, least: Infinity };
  for (const view of views) {
    for (const value of view.values) {
      if (!Number.isFinite(value)) continue;
      if (value < found.low) found.low = value;
      if (value > found.high) found.high = value;
      if (value > 0 && value < found.least) found.least = value;
    }
  }
  return found;
}

function isWide(extent) {
  return extent.low > 0 && extent.high / WIDE > extent.low;
}

/**
 * Make a scale that covers a part, from 0 to 1, of the range from the lowest to the highest value.
 *
 * Values above its limit are clipped to it; part 1 clips nothing.
 */
function makeScale(extent, log, part) {
  let low = log ? extent.least : extent.low;
  let high = extent.high;
  if (low === high) {
    const room = 0.1 * Math.abs(low) || 1;
    [low, high] = log ? [low / 1.1, high * 1.1] : [low - room, high + room];
  }
  // Halved, since the difference of two values may overflow.
  const place = log ? Math.log10 : (value) => value / 2;
  const value = log ? (at) => 10 ** at : (at) => 2 * at;
  const bottom = place(low);
  const share = log ? Math.max(part, 0.01) : 10 ** (REACH * (part - 1));
  const room = (place(high) - bottom) * share;
  const limit = part === 1 ? high : value(bottom + room);
  const height = (at) => (log && !(at > 0) ? NaN : (place(at) - bottom) / room);
  return { log, low, limit, height };
}

/** Choose about `most` round values on a scale; return {at: heights, text: labels}. */
function ticksOf(scale, most = 5) {
  const values = scale.log ? logTicks(scale, most) : linearTicks(scale, most);
  const apart = values.length > 1 ? values[1] - values[0] : Math.abs(values[0]) || 1;
  const digits = scale.log ? 4 : digitsFor(values, apart);
  const plain = Math.max(...values) < 1e5 && Math.min(...values) > 1e-4;
  const powers = scale.log && !plain && values.every((value) => /^1e/.test(value.toExponential()));
  const text = (value) => (powers ? `10${raised(Math.log10(value))}` : numberText(value, digits));
  return { at: values.map(scale.height), text: values.map(text) };
}

function stepOf(scale, most) {
  const raw = scale.limit / most - scale.low / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= raw * (1 - 1e-9));
}

function linearTicks(scale, most) {
  const step = stepOf(scale, most);
  const found = [];
  for (let k = Math.ceil(scale.low / step - 1e-9); k * step <= scale.limit + 1e-9 * step; k++) {
    found.push(k * step);
  }
  return found;
}

function logTicks(scale, most) {
  const [first, last] = [Math.log10(scale.low), Math.log10(scale.limit)];
  if (last - first < 0.5) return linearTicks(scale, most);
  const stride = Math.ceil((last - first) / most);
  const factors = last - first < 2 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = Math.floor(first / stride) * stride; power <= last; power += stride) {
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value >= scale.low * (1 - 1e-9) && value <= scale.limit * (1 + 1e-9)) found.push(value);
    }
  }
  return found;
}

function digitsFor(values, apart) {
  const largest = Math.max(...values.map(Math.abs));
  return Math.min(15, Math.max(3, Math.ceil(Math.log10(largest / apart)) + 1));
}

/** Format a number with few digits; very large and small ones with a power of ten. */
function numberText(value, digits = 6) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "minus infinite";
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e6)) {
    return String(Number(value.toPrecision(digits))).replace("-", "−");
  }
  const [factor, power] = value.toExponential(digits - 1).split("e");
  const text = String(Number(factor)).replace("-", "−");
  return `${/^−?1$/.test(text) ? text.slice(0, -1) : `${text}×`}10${raised(Number(power))}`;
}

/** Format an exponent as superscript. */
function raised(power) {
  return [...String(Math.round(power))].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("");
}
