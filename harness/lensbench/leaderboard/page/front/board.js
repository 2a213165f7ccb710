// The records: unpacked once, grouped into tables, given out as rows.
import { byId } from "./dom.js";

export async function unpack(base64) {
  const raw = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

export const unpackFrom = (id) => unpack(byId(id).textContent);

class Row {
  constructor(board, index) {
    this.board = board;
    this.index = index;
  }
}

function defineColumns(values) {
  for (const [name, { words, codes }] of Object.entries(values.texts))
    Object.defineProperty(Row.prototype, name, { configurable: true, get() { return words[codes[this.index]]; } });
  for (const [name, numbers] of Object.entries(values.numbers))
    Object.defineProperty(Row.prototype, name, { configurable: true, get() { return numbers[this.index]; } });
}

export class Board {
  constructor(values) {
    this.values = values;
    defineColumns(values);
    this.name = values.name;
    this.rows = values.texts.entrant.codes.map((_, index) => new Row(this, index));
    this.metrics = new Map(values.metrics.map((one) => [`${one.task}\n${one.metric}`, one]));
    this.tables = this.#tables();
    const budgets = new Set(this.tables.map((table) => table.facts.budget));
    this.budget = budgets.size === 1 ? [...budgets][0] : null; // of all tables
    this.entrants = [...new Set(this.rows.map((row) => row.entrant))].sort((a, b) => a.localeCompare(b));
  }

  #tables() {
    const codes = this.values.table.map((name) => this.values.texts[name].codes);
    const groups = new Map();
    for (const row of this.rows) {
      const key = codes.map((column) => column[row.index]).join(" ");
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(row);
    }
    return [...groups.values()].map((rows, index) => new Table(this, index, rows));
  }

  seedValues(row) {
    return this.values.seeds[row.index] || [row.value];
  }

  plugin(kind, reference) {
    const name = reference.split(":")[0];
    return this.values.plugins.find((one) => one.kind === kind && one.name === name);
  }
}

export class Table {
  constructor(board, index, rows) {
    Object.assign(this, { board, index, rows });
    const first = rows[0];
    this.facts = Object.fromEntries(board.values.table.map((name) => [name, first[name]]));
    this.task = first.task;
    this.home = first.train_condition;
    this.metrics = board.values.metrics.filter((one) => one.task === this.task);
    this.primary = this.metrics.find((one) => one.primary) ?? this.metrics[0];
    this.labels = [...new Set(rows.map((row) => row.labels))].sort((a, b) => (b ?? Infinity) - (a ?? Infinity));
    const seen = [...new Set(rows.map((row) => row.test_condition))];
    this.conditions = [...seen.filter((one) => one === this.home), ...seen.filter((one) => one !== this.home).sort(inOrder)];
    this.address = `#/table/${index}`;
  }

  // Its task, and what else tells it from others: `brief` leaves out the budget that all share.
  get title() {
    const { task, dataset, test_dataset, train_condition, budget } = this.facts;
    const tested = test_dataset && test_dataset !== dataset ? `, tested on ${test_dataset}` : "";
    const short = `${dataset}${tested}, trained on ${train_condition}`;
    const rest = `${short}, budget ${budget}`;
    return { task, rest, brief: this.board.budget === null ? rest : short };
  }

  contender(row) {
    const note = row.adapted + row.pretrained;
    return { name: row.entrant + note, entrant: row.entrant, note };
  }

  homeOrFirst() {
    return this.conditions.includes(this.home) ? this.home : this.conditions[0];
  }
}

// `psf@2` before `psf@10`, names by letter.
export function inOrder(a, b) {
  return a.localeCompare(b, "en", { numeric: true });
}

export const labelText = (labels) => (labels === null ? "all" : String(labels));
