// What is plotted of a table: values by condition, by labels, by cost.
import { intervalText, plural, seconds } from "./format.js";
import { hasValue } from "./board.js";
import { colour, figure, shape } from "./plots.js";
import { direction, standings } from "./ranking.js";

const quantity = (metric) => metric.metric + (metric.unit ? ` [${metric.unit}]` : "");
const better = (metric) => `${direction(metric).replace(/^./, (letter) => letter.toUpperCase())}.`;

function point(one, row, more = {}) {
  return { entrant: one.name, value: row.value, low: row.low ?? row.value, high: row.high ?? row.value, text: intervalText(row), n: row.n, ...more };
}

const tooltip = (more) => [
  { field: "entrant", title: "entrant" }, ...more, { field: "text", title: "value, 95 %" }, { field: "n", title: "scenes" },
];

const values = (metric, extra = {}) => ({ field: "value", type: "quantitative", title: quantity(metric), scale: { zero: false }, ...extra });

// Families of graded conditions (`psf@1`, `psf@2`, …), and the other conditions.
export function families(conditions) {
  const graded = new Map();
  const named = [];
  const [home] = conditions;
  for (const name of conditions) {
    const found = /^(.+)@(\d+(?:\.\d+)?)$/.exec(name);
    if (!found || name === home) named.push(name);
    else {
      if (!graded.has(found[1])) graded.set(found[1], []);
      graded.get(found[1]).push({ name, grade: Number(found[2]) });
    }
  }
  for (const [family, grades] of graded) {
    if (grades.length > 1) continue;
    graded.delete(family);
    named.push(grades[0].name);
  }
  return { graded, named };
}

export function conditionFigures(table, chosen, labels, metric) {
  const conditions = table.conditions(labels, metric);
  const bounds = boundsOf(table, labels, metric);
  const { graded, named } = families(conditions);
  const figures = [];
  if (named.length > 1) figures.push(instruments(chosen, metric, named, bounds));
  for (const [family, grades] of graded) figures.push(response(conditions, chosen, metric, family, grades, bounds));
  return figures;
}

// What no method can pass, under each condition of which it is known.
function boundsOf(table, labels, metric) {
  const { bounds } = table.ranking(labels, metric);
  return new Map(table.conditions(labels, metric).map((name, index) => [name, bounds[index]]).filter(([, bound]) => bound !== null));
}

// The layer of these bounds, over the names of conditions or the grades of one.
function boundLayer(bounds, places, x, mark, metric) {
  const data = places.filter(({ name }) => bounds.has(name)).map(({ name, ...place }) => ({ ...place, value: bounds.get(name), what: "limit of all methods" }));
  const tooltip = [{ field: "what", title: "what" }, { field: "value", title: metric.metric, format: ".4g" }];
  return data.length ? [{ data: { values: data }, mark: { color: "var(--ink)", ...mark }, encoding: { x, y: values(metric), tooltip } }] : [];
}

const boundsTold = (bounds, drawn) => (bounds.size ? ` ${drawn}: what no method can pass.` : "");

const boundRow = (bounds, names) => (bounds.size ? [["limit of all methods", ...names.map((name) => (bounds.has(name) ? String(bounds.get(name)) : "–"))]] : []);

function instruments(chosen, metric, named, bounds) {
  const data = chosen.flatMap((one) => named.map((name) => [one, one.by.get(name), name])
    .filter(([, row]) => hasValue(row)).map(([entrant, row, name]) => point(entrant, row, { condition: name })));
  const names = chosen.map((one) => one.name);
  const x = { field: "condition", type: "nominal", sort: named, title: null, axis: { labelAngle: named.length > 5 || innerWidth < 640 ? -35 : 0, grid: false } };
  const own = { x, xOffset: { field: "entrant", sort: names }, color: colour(names), tooltip: tooltip([{ field: "condition" }]) };
  return figure({
    title: "Under each condition",
    caption: `${quantity(metric)} with 95 % intervals, for the entrants chosen above. ${named[0]} is what they were trained on. ${better(metric)}${boundsTold(bounds, "Bars across")}`,
    spec: {
      height: 280, data: { values: data },
      layer: [
        { mark: { type: "rule", strokeWidth: 2, opacity: 0.55 }, encoding: { ...own, y: { ...values(metric), field: "low" }, y2: { field: "high" } } },
        { mark: { type: "point", filled: true, size: 60, opacity: 1 }, encoding: { ...own, y: values(metric), shape: shape(names) } },
        ...boundLayer(bounds, named.map((name) => ({ name, condition: name })), x, { type: "tick", thickness: 2, size: 44 }, metric),
      ],
    },
    header: ["entrant", ...named],
    rows: () => [...grid(chosen, named.map((name) => (one) => one.by.get(name))), ...boundRow(bounds, named)],
  });
}

function response(conditions, chosen, metric, family, grades, bounds) {
  const anchored = conditions[0] === "euclid-vis"; // the condition that graded ones start from
  const steps = [...(anchored ? [{ name: conditions[0], grade: 0 }] : []), ...grades];
  const data = chosen.flatMap((one) => steps.map((step) => [step, one.by.get(step.name)])
    .filter(([, row]) => hasValue(row)).map(([step, row]) => point(one, row, { grade: step.grade, condition: step.name })));
  const names = chosen.map((one) => one.name);
  const x = { field: "grade", type: "quantitative", title: `${family}, grade`, axis: { tickMinStep: 1, grid: false, format: "~g" } };
  const mark = { type: "line", strokeDash: [4, 3], point: { color: "var(--ink)" } };
  return figure({
    title: `As ${family} gets harder`,
    caption: `${quantity(metric)} against the grade of ${family}${anchored ? ", from 0, the training condition," : ""} with bands of 95 %. ${better(metric)}${boundsTold(bounds, "Dashed")}`,
    spec: curve(data, names, metric, x, "condition", "condition", boundLayer(bounds, steps, x, mark, metric)),
    header: ["entrant", ...steps.map((step) => step.name)],
    rows: () => [...grid(chosen, steps.map((step) => (one) => one.by.get(step.name))), ...boundRow(bounds, steps.map((step) => step.name))],
  });
}

function curve(data, names, metric, x, told, title, more = []) {
  const detail = { x, color: colour(names) };
  return {
    height: 260, data: { values: data },
    layer: [
      { mark: { type: "area", opacity: 0.1, interpolate: "linear" }, encoding: { ...detail, y: { ...values(metric), field: "low" }, y2: { field: "high" } } },
      { mark: { type: "line", strokeWidth: 2 }, encoding: { ...detail, y: values(metric) } },
      { mark: { type: "point", filled: true, size: 60, opacity: 1 }, encoding: { ...detail, y: values(metric), shape: shape(names), tooltip: tooltip([{ field: told, title }]) } },
      ...more,
    ],
  };
}

function grid(chosen, gets) {
  return chosen.map((one) => [one.name, ...gets.map((get) => {
    const row = get(one);
    return hasValue(row) ? intervalText(row) : (row?.state ?? "absent");
  })]);
}

// A curve over labels needs two numbers of labels at least. The axis is one of names where nothing says how many `all` are.
export function labelFigure(table, chosen, metric) {
  if (table.labels.length < 2) return null;
  const sizes = [...table.labels].reverse();
  const all = sizes.map((labels) => new Map(standings(table, labels, metric).map((one) => [one.name, one])));
  const names = chosen.map((one) => one.name);
  const rows = chosen.map((one) => sizes.map((_, index) => all[index].get(one.name)?.atHome ?? null));
  const said = sizes.map((labels) => table.labelText(labels));
  const numbers = sizes.map((labels) => labels ?? table.all);
  const known = numbers.every(Boolean);
  const places = known ? numbers : said;
  const data = chosen.flatMap((one, line) => rows[line].flatMap((row, index) => (row ? [point(one, row, { labels: places[index], said: said[index] })] : [])));
  const axis = { labelAngle: 0, grid: false };
  const x = known
    ? { field: "labels", type: "quantitative", title: "labelled scenes", axis: { ...axis, values: numbers, format: ",d", labelOverlap: true }, scale: { type: "log", padding: 24, nice: false } }
    : { field: "labels", type: "ordinal", sort: said, title: "labelled scenes", axis, scale: { type: "point", padding: 0.3 } };
  const [home] = table.conditions(table.labels[0], metric);
  const bound = boundsOf(table, table.labels[0], metric).get(home);
  const bounds = new Map(bound === undefined ? [] : said.map((name) => [name, bound]));
  const limit = boundLayer(bounds, said.map((name, index) => ({ name, labels: places[index] })), x, { type: "line", strokeDash: [4, 3] }, metric);
  return figure({
    title: "With fewer labels",
    caption: `${quantity(metric)} under the training condition against the number of labelled scenes, with bands of 95 %. ${better(metric)}${boundsTold(bounds, "Dashed")}`,
    spec: curve(data, names, metric, x, "said", "labels", limit),
    header: ["entrant", ...said],
    rows: () => [...chosen.map((one, line) => [one.name, ...rows[line].map((row) => (row ? intervalText(row) : "–"))]), ...boundRow(bounds, said)],
  });
}

// Of entrants whose network was trained, where the records say how its validation score went.
export function learningFigure(board, chosen) {
  const curves = chosen.map((one) => board.curve(one).filter(([images]) => images > 0)); // the axis is logarithmic
  if (!curves.some((points) => points.length)) return null;
  const names = chosen.map((one) => one.name);
  const ended = (one) => one.texts.get("training") ?? "–";
  const data = chosen.flatMap((one, index) => curves[index].map(([images, score]) => ({ entrant: one.name, images, score, ended: ended(one) })));
  const last = (points) => points.at(-1) ?? [null, null];
  return figure({
    title: "As training goes on",
    caption: "Validation score against the images seen so far, for the first seed; higher is better. Do not compare scores of different losses with one another.",
    spec: {
      height: 260, data: { values: data },
      encoding: { x: { field: "images", type: "quantitative", title: "images seen", scale: { type: "log" }, axis: { grid: false, format: "~s" } }, y: { field: "score", type: "quantitative", title: "validation score", scale: { zero: false } }, color: colour(names) },
      layer: [
        { mark: { type: "line", strokeWidth: 2 } },
        { mark: { type: "point", filled: true, size: 30, opacity: 1 }, encoding: { shape: shape(names), tooltip: tooltip([{ field: "images", title: "images seen" }, { field: "ended", title: "training" }]).filter(({ field }) => field !== "text" && field !== "n") } },
      ],
    },
    header: ["entrant", "training", "images seen", "last validation score"],
    rows: () => chosen.map((one, index) => [one.name, ended(one), ...last(curves[index]).map((value) => (value === null ? "–" : String(Number(value.toPrecision(5)))))]),
  });
}

// A layer of no data has no extent, and Vega says so; it is left out.
function ghosts(data) {
  const mark = { type: "point", filled: true, size: 45, color: "var(--soft)", opacity: 0.45 };
  return data.length ? [{ data: { values: data }, mark }] : [];
}

function marked(data, names, metric) {
  if (!data.length) return [];
  const interval = { y: { ...values(metric), field: "low" }, y2: { field: "high" }, color: colour(names) };
  return [
    { data: { values: data }, mark: { type: "rule", opacity: 0.5, strokeWidth: 2 }, encoding: interval },
    { data: { values: data }, mark: { type: "point", filled: true, size: 80, opacity: 1 }, encoding: { color: colour(names), shape: shape(names) } },
  ];
}

export function costFigure(everyone, chosen, metric) {
  const priced = everyone.filter((one) => one.atHome && one.values.get("seconds") !== null);
  if (priced.length < 2) return null;
  const names = chosen.map((one) => one.name);
  const data = priced.map((one) => point(one, one.atHome, {
    seconds: Math.max(one.values.get("seconds"), 0.001), took: seconds(one.values.get("seconds")), drawn: names.includes(one.name),
  }));
  const devices = [...new Set(priced.map((one) => `${one.first.device}, ${plural(one.first.threads, "thread")}, ${one.first.system}`))];
  const x = { field: "seconds", type: "quantitative", scale: { type: "log" }, title: "pretraining, fit and predictions [s]", axis: { format: "~g", grid: false, tickCount: 6 } };
  return figure({
    title: "Cost against score",
    caption: `${quantity(metric)} under the training condition against the seconds of pretraining, fit and predictions; entrants that were not chosen are grey. ` +
      (devices.length > 1 ? `Do not compare these times: they were measured on ${devices.length} kinds of machine.` : `Computed on ${devices[0]}.`),
    spec: {
      height: 280, encoding: { x, y: values(metric), tooltip: tooltip([{ field: "took", title: "cost" }]) },
      layer: [...ghosts(data.filter((one) => !one.drawn)), ...marked(data.filter((one) => one.drawn), names, metric)],
    },
    header: ["entrant", "cost", "value, 95 %"],
    rows: () => priced.map((one) => [one.name, seconds(one.values.get("seconds")), intervalText(one.atHome)]),
  });
}
