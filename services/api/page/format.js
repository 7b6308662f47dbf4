// Numbers with their units, and a dash where there is no number: nothing is made up.

export const NONE = "–";

const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Return a number with at most `digits` decimals, thousands apart. */
export function number(value, digits = 0) {
  if (!known(value)) return NONE;
  return value.toLocaleString("en-GB", { maximumFractionDigits: digits });
}

/** Return a number with exactly `digits` decimals. */
export function fixed(value, digits = 2) {
  return known(value) ? value.toFixed(digits).replace("-", "−") : NONE;
}

export function signed(value, digits = 2) {
  if (!known(value)) return NONE;
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
}

export function percent(share, digits = 1) {
  return known(share) ? `${(100 * share).toFixed(digits)} %` : NONE;
}

export function milliseconds(value) {
  if (!known(value)) return NONE;
  if (value >= 1000) return `${number(value / 1000, value < 10000 ? 2 : 0)} s`;
  return `${number(value, value < 10 ? 1 : 0)} ms`;
}

/** Return a duration or an age in words that fit its size. */
export function seconds(value) {
  if (!known(value)) return NONE;
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 120) return `${Math.round(value)} s`;
  if (value < 7200) return `${Math.round(value / 60)} min`;
  if (value < 172800) return `${Math.round(value / 3600)} h`;
  return `${Math.round(value / 86400)} d`;
}

/** Return event time: minutes since the twin's epoch, in days, hours and minutes. */
export function eventTime(min) {
  if (!known(min)) return NONE;
  const whole = Math.floor(min);
  const two = (value) => String(value).padStart(2, "0");
  const clock = `${two(Math.floor((whole % 1440) / 60))}:${two(whole % 60)}`;
  return `day ${Math.floor(whole / 1440) + 1}, ${clock}`;
}

export function minutes(value) {
  if (!known(value)) return NONE;
  if (value < 120) return `${number(value, 1)} min`;
  if (value < 2880) return `${number(value / 60, 1)} h`;
  return `${number(value / 1440, 1)} d`;
}

/** Return a wall-clock time; with the date where it was another day. */
export function clock(unix_s) {
  if (!known(unix_s)) return NONE;
  const at = new Date(unix_s * 1000);
  const today = at.toDateString() === new Date().toDateString();
  const time = at.toLocaleTimeString("en-GB");
  return today ? time : `${at.toLocaleDateString("en-GB")} ${time}`;
}

export function rate(per_s, what = "records") {
  return known(per_s) ? `${number(per_s, per_s < 10 ? 1 : 0)} ${what}/s` : NONE;
}

/** Return "1 case", "2 cases". */
export function counted(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** Return a value with its interval. */
export function interval(estimate, show = percent) {
  if (!estimate || !known(estimate.value)) return NONE;
  if (!known(estimate.low) || !known(estimate.high)) return show(estimate.value);
  return `${show(estimate.value)} (${show(estimate.low)} to ${show(estimate.high)})`;
}

export function words(name) {
  return String(name).replaceAll("_", " ").replaceAll("-", " ");
}
