"use strict";
// Numbers as texts, and round ones on a scale.

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

/** Format a part of a whole as a percentage, never rounding to 0 % or up to 100 %. */
function percent(part) {
  if (part < 0.001) return "less than 0.1 %";
  return part > 0.999 && part < 1 ? "more than 99.9 %" : `${(100 * part).toFixed(1)} %`;
}
