// Test scenes, the best, the median and the worst, with what each entrant answered.
import { breakable, choice, h, shortened } from "./dom.js";
import { labelText, unpackFrom } from "./board.js";
import { fixed } from "./format.js";

let pictures = null;

export const forgetPictures = () => { pictures = null; };

export function gallerySection(table, labels, condition) {
  const section = h("section", { "aria-labelledby": "gallery", hidden: true });
  fill(section, table, labels, condition);
  return section;
}

// A table of which no scenes are in the page has no gallery.
async function fill(section, table, labels, condition) {
  pictures ??= await unpackFrom("pictures");
  const sets = (pictures.sets ?? []).filter((one) => one.labels === labels && Object.entries(table.facts).every(([name, value]) => one.table[name] === value));
  if (!sets.length) return;
  const shown = h("div", {});
  const show = (name) => shown.replaceChildren(sheet(sets.find((one) => one.condition === name)));
  const first = (sets.find((one) => one.condition === condition) ?? sets[0]).condition;
  show(first);
  section.hidden = false;
  section.replaceChildren(h("h2", { id: "gallery" }, "Test scenes"), choice("Seen under", sets.map((one) => [one.condition, one.condition]), first, show), shown);
}

function sheet(set) {
  const left = set.left_out ? ` ${set.left_out} more entrants are not shown, to keep the page small.` : "";
  return h("div", {},
    h("p", { class: "quietly" }, `Ranked by ${set.loss}, the mean over the entrants shown; ${labelText(set.labels)} labels. ${set.note}${left}`),
    set.scenes.map((scene) => h("article", { class: "scene" },
      h("h3", {}, scene.rank, h("small", {}, ` ${scene.id}`)),
      scene.answers.some((one) => one.picture) ? strip(scene) : listing(set, scene))));
}

const tile = (source, title, note, alt) => h("figure", { class: "tile" },
  h("img", { src: safe(source), alt, width: 132, height: 132, loading: "lazy", decoding: "async" }), h("figcaption", {}, h("b", { title }, title), note ? h("small", {}, note) : null));

// Pictures that came with the page, and nothing else.
const safe = (source) => (/^data:image\/png;base64,[A-Za-z0-9+/=]+$/.test(source) ? source : "data:,");

function strip(scene) {
  return h("div", { class: "strip", role: "group", "aria-label": `Scene ${scene.id}` },
    tile(scene.input, "input", "", `Scene ${scene.id} as observed`),
    scene.truth ? tile(scene.truth, "truth", "", `Scene ${scene.id}, true sky`) : null,
    scene.answers.map((one) => tile(one.picture, shortened(one.name), one.loss === null ? "" : fixed(one.loss, 1), `Scene ${scene.id} as predicted by ${one.name}`)));
}

function listing(set, scene) {
  return h("div", { class: "answers" }, tile(scene.input, "input", scene.truth ? `true: ${scene.truth}` : "", `Scene ${scene.id} as observed`),
    h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": `Predictions for scene ${scene.id}` },
      h("table", { class: "plain" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "entrant"), set.columns.map((name) => h("th", { scope: "col", class: "number" }, name)))),
        h("tbody", {}, scene.answers.map((one) => h("tr", {}, h("th", { scope: "row", title: one.name }, breakable(shortened(one.name))), one.values.map((value, index) =>
          h("td", { class: `number ${set.columns[index] === scene.truth ? "true" : ""}` },
            h("span", { class: "level", style: { "--part": set.parts ? `${Math.round(100 * value)}%` : "0%" } }, fixed(value, 3))))))))));
}
