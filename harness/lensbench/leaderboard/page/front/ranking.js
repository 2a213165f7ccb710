// A row a contender: its records by condition, its worst, its gap, its place.

export function standings(table, labels, metric) {
  const rows = new Map();
  for (const row of table.rows) {
    if (row.labels !== labels) continue;
    const unscored = row.state !== "done";
    if (!unscored && row.metric !== metric.metric) continue;
    const { name, entrant, note } = table.contender(row);
    if (!rows.has(name)) rows.set(name, { name, entrant, note, first: row, by: new Map() });
    const its = rows.get(name);
    if (!unscored || !its.by.has(row.test_condition)) its.by.set(row.test_condition, row);
    if (its.first.state !== "done" && !unscored) its.first = row;
  }
  const home = table.homeOrFirst();
  const list = [...rows.values()].map((one) => summarise(one, table, home, metric.up));
  list.sort((a, b) => order(a.homeValue, b.homeValue, metric.up) || a.name.localeCompare(b.name));
  list.forEach((one, index) => {
    one.place = one.homeValue === null || metric.up === null ? null : index + 1;
  });
  return list;
}

function summarise(one, table, home, up) {
  const valued = table.conditions.map((name) => one.by.get(name)).filter((row) => row?.state === "done" && row.value !== null);
  const atHome = valued.find((row) => row.test_condition === home) ?? null;
  const away = valued.filter((row) => row.test_condition !== home);
  const worst = away.length && up !== null ? away.reduce((a, b) => ((up ? b.value < a.value : b.value > a.value) ? b : a)) : null;
  const states = new Set(table.conditions.map((name) => one.by.get(name)?.state ?? "absent"));
  const cost = valued[0] ?? null;
  const pretraining = cost?.seconds_pretraining ?? 0;
  const trained = cost && cost.seconds_fit !== null ? pretraining + cost.seconds_fit : null;
  return {
    ...one,
    key: `${one.first.entrant}\n${one.first.target_view}\n${one.first.pretraining_views}`,
    atHome,
    homeValue: atHome?.value ?? null,
    worst,
    gap: atHome && worst ? atHome.value - worst.value : null,
    mean: valued.length === table.conditions.length ? valued.reduce((sum, row) => sum + row.value, 0) / valued.length : null,
    states,
    seconds: trained,
    parameters: cost?.parameters ?? null,
    tier: cost?.tier ?? "",
    n: cost?.n ?? null,
    seeds: cost?.fits ?? null,
    baseline: Boolean(one.first.baseline),
  };
}

// What is said of the direction of a metric: a signed bias or a coverage has none.
export function direction(metric) {
  if (metric.up === null) return "neither higher nor lower is better";
  return `${metric.up ? "higher" : "lower"} is better`;
}

export function order(a, b, up) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (up === null) return 0;
  return up ? b - a : a - b;
}

// Whether two values can be told apart by their intervals alone, each taken as normal: a rough guide
// that ignores that the scenes are the same, and so errs to the side of a tie.
export function apart(a, b) {
  if (a.low === null || b.low === null) return null;
  const width = (row) => (row.high - row.low) / 3.92;
  const error = Math.hypot(width(a), width(b));
  return error > 0 ? Math.abs(a.value - b.value) / error : Math.abs(a.value - b.value) > 0 ? Infinity : 0;
}

export function pOfZ(z) {
  // Two-sided tail of the normal law: Abramowitz & Stegun 1964, 7.1.26, good to 1.5e-7.
  const x = Math.abs(z) / Math.SQRT2;
  if (x > 6) return 0;
  const t = 1 / (1 + 0.3275911 * x);
  const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return sum * Math.exp(-x * x);
}

export function holm(pairs) {
  // Holm 1979: step-down, in place.
  const sorted = [...pairs].sort((a, b) => a.p - b.p);
  let largest = 0;
  sorted.forEach((pair, index) => {
    largest = Math.max(largest, Math.min(1, pair.p * (sorted.length - index)));
    pair.adjusted = largest;
  });
  return pairs;
}
