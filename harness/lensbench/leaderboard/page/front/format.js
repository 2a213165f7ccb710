// Numbers as people read them.

export function decimals(width) {
  // Decimals that show an interval's width to two figures, between one and four.
  if (!(width > 0)) return 3;
  return Math.min(4, Math.max(1, 1 - Math.floor(Math.log10(width / 2))));
}

export function fixed(value, digits) {
  const text = Math.abs(value) >= 1e6 ? value.toExponential(2) : value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

export function interval(row) {
  if (row.low === null || row.high === null) return { value: fixed(row.value, 3), around: "" };
  const digits = decimals(row.high - row.low);
  const [below, above] = [row.value - row.low, row.high - row.value].map((part) => fixed(part, digits));
  return { value: fixed(row.value, digits), around: below === above ? `± ${below}` : `−${below} +${above}` };
}

export const intervalText = (row) => {
  const { value, around } = interval(row);
  return `${value} ${around}`.trim();
};

export const signed = (value, digits) => (value > 0 ? "+" : "") + fixed(value, digits);

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 0.01) return "< 0.01 s";
  if (value < 1) return `${value.toFixed(2)} s`;
  if (value < 120) return `${value.toFixed(1)} s`;
  return value < 7200 ? `${(value / 60).toFixed(1)} min` : `${(value / 3600).toFixed(1)} h`;
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  return value < 1e9 ? `${(value / 1e6).toFixed(0)} MB` : `${(value / 1e9).toFixed(2)} GB`;
}

export function count(value) {
  return value === null || value === undefined ? "–" : value.toLocaleString("en").replaceAll(",", "\u202f");
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
