// One table: one task on one dataset, with its plots, comparisons and scenes.
import { choice, entrantLink, h, stateChip, swatch } from "./dom.js";
import { interval, plural } from "./format.js";
import { hasValue } from "./board.js";
import { conditionFigures, costFigure, labelFigure, learningFigure } from "./curves.js";
import { gallerySection } from "./gallery.js";
import { pairSection } from "./pairs.js";
import { MOST } from "./plots.js";
import { sortableTable } from "./table.js";
import { direction, rankingColumns, standings } from "./ranking.js";

export function tablePage(board, index) {
  const table = board.tables[index];
  if (!table) return h("div", {}, h("h1", {}, "No such table"), h("p", {}, h("a", { href: "#/" }, "Overview")));
  const state = { labels: table.labels[0], metric: table.primary };
  const content = h("div", {});
  const draw = () => content.replaceChildren(...body(table, state.labels, state.metric));
  draw();
  const { task, rest } = table.title;
  const controls = [];
  if (board.tables.length > 1) {
    controls.push(choice("Table", board.tables.map((one) => [one.index, `${one.task}: ${one.title.brief}`]), index, (to) => { location.hash = `#/table/${to}`; }));
  }
  if (table.metrics.length > 1) {
    controls.push(choice("Metric", table.metrics.map((one, place) => [place, one.metric + (one.primary ? " (ranks)" : "")]), table.metrics.indexOf(state.metric), (to) => { state.metric = table.metrics[to]; draw(); }));
  }
  if (table.labels.length > 1) {
    controls.push(choice("Labelled scenes", table.labels.map((one, place) => [place, table.labelText(one)]), 0, (to) => { state.labels = table.labels[to]; draw(); }));
  }
  return h("div", {}, h("p", { class: "kicker" }, "Table"), h("h1", {}, task), h("p", { class: "lede" }, `${rest}.`), h("div", { class: "controls" }, controls), content);
}

function body(table, labels, metric) {
  const everyone = standings(table, labels, metric);
  const plotted = new Set(everyone.filter((one) => one.atHome).slice(0, 5));
  const bestBaseline = everyone.find((one) => one.baseline && one.atHome);
  if (bestBaseline) plotted.add(bestBaseline);
  const trained = everyone.find((one) => one.atHome && table.board.curve(one).length);
  if (trained) plotted.add(trained); // so that a learning curve is seen
  const plots = h("div", {});
  const key = h("ul", { class: "key" });
  const redraw = () => {
    const chosen = everyone.filter((one) => plotted.has(one));
    key.replaceChildren(...chosen.map((one, index) => h("li", {}, swatch(index), h("span", {}, one.name))));
    const figures = [...conditionFigures(table, chosen, labels, metric), labelFigure(table, chosen, metric), learningFigure(table.board, chosen), costFigure(everyone, chosen, metric)].filter(Boolean);
    plots.replaceChildren(...(chosen.length ? [h("div", { class: "figures" }, figures)] : [h("p", { class: "quietly" }, "No entrant is chosen.")]));
  };
  redraw();
  return [
    ranking(table, labels, metric, everyone, plotted, redraw),
    h("section", { "aria-labelledby": "curves" }, h("h2", { id: "curves" }, "Where it breaks, and what it costs"),
      h("p", { class: "quietly" }, `Of the entrants ticked in the table, up to ${MOST}:`), key, plots),
    pairSection(table, everyone, labels, metric),
    gallerySection(table, labels, table.conditions(labels, metric)[0]),
  ];
}

function ranking(table, labels, metric, everyone, plotted, redraw) {
  const conditions = table.conditions(labels, metric);
  const range = new Map(conditions.map((name) => {
    const rows = everyone.map((one) => one.by.get(name)).filter(hasValue);
    return [name, [Math.min(...rows.map((row) => row.low ?? row.value)), Math.max(...rows.map((row) => row.high ?? row.value))]];
  }));
  const columns = [
    { label: "Plot", value: (one) => (plotted.has(one) ? 0 : 1), cell: (one) => tick(one, plotted, redraw), title: "Which are plotted below" },
    { label: "#", number: true, value: (one) => one.place, cell: (one) => (one.place === null ? "–" : String(one.place)), title: `Place by ${metric.metric} under the training condition` },
    { label: "Entrant", heading: true, value: (one) => one.name, cell: (one) => [entrantLink(one.entrant), one.note ? h("small", {}, one.note) : null, one.values.get("training") === 0 ? h("small", { class: "chip incompatible" }, one.texts.get("training")) : null] },
    ...conditions.map((name) => ({
      label: name, note: name === table.facts.train_condition ? "trained on" : null, number: true, up: metric.up,
      value: (one) => (hasValue(one.by.get(name)) ? one.by.get(name).value : null),
      cell: (one) => valueCell(one.by.get(name), range.get(name), metric),
    })),
    ...rankingColumns(table, labels, metric),
  ];
  const unit = metric.unit ? ` [${metric.unit}]` : "";
  const first = everyone.find((one) => one.atHome)?.atHome;
  const notes = [`${metric.metric}${unit}, ${direction(metric)}`, "± is the 95 % interval over test scenes and seeds"];
  if (first?.chance !== null && first?.chance !== undefined) notes.push(`chance ${Number(first.chance.toPrecision(3))}`);
  if (first?.data_range) notes.push(`data range ${first.data_range} µJy/arcsec²`);
  const { about } = table.ranking(labels, metric);
  if (about) notes.push(about.replace(/\.$/, ""));
  const made = sortableTable({ caption: `${notes.join("; ")}.`, columns, rows: everyone, foot: beneath(table, labels, metric), sortBy: 1, sortUp: true, label: `Ranking by ${metric.metric}` });
  return h("section", { "aria-labelledby": "ranking" }, h("h2", { id: "ranking" }, "Ranking"), filters(everyone, made), made.element);
}

// How well any method could do, and what papers state, beneath the entrants.
function beneath(table, labels, metric) {
  const { beneath: rows, columns } = table.ranking(labels, metric);
  const shown = (number, row) => (table.board.values.columns[number].label === "efficiency" ? row.efficiency : "–");
  const cell = (text) => h("td", { class: "number" }, text);
  return rows.map((row) => h("tr", {}, h("td"), h("td"), h("th", { scope: "row" }, row.name), row.texts.map(cell), columns.map((number) => cell(shown(number, row)))));
}

function tick(one, plotted, redraw) {
  const box = h("input", {
    type: "checkbox", "aria-label": `Plot ${one.name}`,
    onchange: () => {
      if (box.checked && plotted.size >= MOST) plotted.delete([...plotted][0]);
      if (box.checked) plotted.add(one);
      else plotted.delete(one);
      document.querySelectorAll("input[data-plot]").forEach((other) => { other.checked = [...plotted].some((its) => its.name === other.dataset.plot); });
      redraw();
    },
  });
  box.dataset.plot = one.name;
  box.checked = plotted.has(one);
  return box;
}

function valueCell(row, [low, high], metric) {
  if (!row) return h("td", { class: "number" }, stateChip("absent"));
  if (row.state !== "done") return h("td", { class: "number", title: row.error }, stateChip(row.state));
  if (row.value === null) return h("td", { class: "number" }, h("span", { class: "chip failed" }, "not finite"));
  const { value, around } = interval(row);
  const place = (its) => `${(100 * ((its ?? row.value) - low)) / (high - low || 1)}%`;
  const cell = h("td", { class: "number value", "data-value": row.value, title: `${metric.metric} ${row.value}, 95 % from ${row.low} to ${row.high}, n = ${row.n}` },
    h("span", {}, value), around ? h("small", {}, ` ${around}`) : null);
  cell.append(h("span", { class: "range", "aria-hidden": "true", style: { "--from": place(row.low), "--to": place(row.high), "--at": place(row.value) } }));
  return cell;
}

function filters(everyone, made) {
  const state = { words: [], kind: "", pretraining: "", transfer: "", state: "" };
  const shown = h("p", { class: "quietly shown" }, plural(everyone.length, "entrant"));
  const apply = () => {
    const left = made.filter((one) => {
      const { first } = one;
      const text = `${one.name} ${first.encoder} ${first.pretraining} ${first.transfer} ${first.baseline}`.toLowerCase();
      return state.words.every((word) => text.includes(word)) &&
        (!state.kind || (state.kind === "baseline") === one.baseline) &&
        (!state.pretraining || first.pretraining === state.pretraining) &&
        (!state.transfer || first.transfer === state.transfer) &&
        (!state.state || one.states.has(state.state));
    });
    shown.textContent = left.length === everyone.length ? plural(everyone.length, "entrant") : `${left.length} of ${plural(everyone.length, "entrant")}`;
  };
  const search = h("input", { type: "search", id: "search", placeholder: "mae finetune", oninput: () => { state.words = search.value.toLowerCase().split(/\s+/).filter(Boolean); apply(); } });
  const pick = (label, name, values) => (values.length > 1 ? choice(label, [["", "all"], ...values.map((value) => [value, value])], "", (value) => { state[name] = value; apply(); }) : null);
  const of = (name) => [...new Set(everyone.map((one) => one.first[name]).filter(Boolean))].sort();
  const kinds = new Set(everyone.map((one) => one.baseline));
  return h("div", { class: "controls filters" },
    h("div", { class: "control" }, h("label", { for: "search" }, "Search"), search),
    kinds.size > 1 ? choice("Kind", [["", "all"], ["encoder", "encoders"], ["baseline", "traditional methods"]], "", (value) => { state.kind = value; apply(); }) : null,
    pick("Pretraining", "pretraining", of("pretraining")), pick("Transfer", "transfer", of("transfer")),
    pick("State", "state", [...new Set(everyone.flatMap((one) => [...one.states]))].sort()), shown);
}
