// A table that sorts by any column and shows the rows that pass a test.
import { breakable, h, say } from "./dom.js";
import { plural } from "./format.js";

const AT_ONCE = 200;

// columns: {label, note, title, value(row), cell(row), number, up, heading}; value gives what is sorted by, null comes last.
// foot: rows that stay beneath the others, whatever is sorted or filtered.
// stacks: on a phone each row is a list of its cells, for tables of few rows and long texts.
export function sortableTable({ caption, columns, rows, foot = [], sortBy = 0, sortUp, label, stacks = false }) {
  const state = { column: sortBy, ascending: sortUp ?? !columns[sortBy].up, keep: () => true, limit: AT_ONCE };
  const body = h("tbody");
  const heads = columns.map((column, index) =>
    h("th", { scope: "col", class: column.number ? "number" : null, title: column.title },
      h("button", { type: "button", class: column.label.length > 24 ? "sort long" : "sort", onclick: () => press(index) }, breakable(column.label), h("span", { class: "arrow", "aria-hidden": "true" }), column.note ? h("small", {}, ` ${column.note}`) : null)));
  const more = h("button", { type: "button", class: "more", hidden: true, onclick: () => { state.limit = Infinity; fill(); } });
  const role = (name) => (stacks ? name : null); // a row that is a list is a row all the same
  const table = h("table", { class: stacks ? "stacks" : null, role: role("table") }, caption ? h("caption", {}, h("span", {}, caption)) : null, h("thead", {}, h("tr", {}, heads)), body, foot.length ? h("tfoot", {}, foot) : null);
  const built = new Map();

  function press(index) {
    const first = !columns[index].up;
    state.ascending = state.column === index ? !state.ascending : first;
    state.column = index;
    fill();
    say(`Sorted by ${heads[index].textContent}, ${state.ascending ? "ascending" : "descending"}`);
  }

  function compare(a, b) {
    const { value } = columns[state.column];
    const [x, y] = [value(a), value(b)];
    if (x === y) return 0;
    if (x === null || x === undefined) return 1;
    if (y === null || y === undefined) return -1;
    const order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
    return state.ascending ? order : -order;
  }

  function line(row) {
    if (!built.has(row)) {
      built.set(row, h("tr", { role: role("row") }, columns.map((column) => {
        const content = column.cell(row);
        if (content instanceof HTMLTableCellElement) return content;
        return h(column.heading ? "th" : "td", {
          scope: column.heading ? "row" : null, class: column.number ? "number" : null,
          role: role(column.heading ? "rowheader" : "cell"), "data-label": stacks ? column.label : null,
        }, content);
      })));
    }
    return built.get(row);
  }

  function fill() {
    heads.forEach((head, index) => {
      if (index === state.column) head.setAttribute("aria-sort", state.ascending ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    const shown = rows.filter(state.keep).sort(compare);
    const lines = shown.slice(0, state.limit).map(line);
    if (!lines.length) lines.push(h("tr", {}, h("td", { colspan: columns.length, class: "none" }, "No row passes these filters.")));
    body.replaceChildren(...lines);
    more.hidden = shown.length <= state.limit;
    more.textContent = `Show all ${shown.length} rows`;
    return shown;
  }

  const region = h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label }, table);
  const shown = fill();
  return {
    element: h("div", { class: "tablebox" }, region, more),
    shown,
    filter(keep) {
      state.keep = keep;
      const left = fill();
      say(plural(left.length, "row"));
      return left;
    },
  };
}
