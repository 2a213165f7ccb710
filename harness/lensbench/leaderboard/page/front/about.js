// How to read the page, and whom to cite.
import { h } from "./dom.js";

const WORDS = [
  ["Entrant", "What a row ranks: an encoder with its pretraining and transfer, or a traditional method."],
  ["Condition", "How the sky was observed: PSF, pixels, depth, noise, artefacts. The test scenes are the same under every condition, so a difference between conditions is not due to different scenes."],
  ["Interval", "The 95 % interval over test scenes, and over seeds where there are several."],
  ["Worst and gap", "The worst condition other than the training condition, and the loss from the training condition to it."],
  ["Score over all tasks", "Each value is placed on a fixed scale from 0 (chance, or a stated traditional method) to 1 (a limit, or a stated value). The score is the mean over conditions and over tables. A new entrant changes no other score."],
  ["Difference", "The value of one entrant minus that of another, with its 95 % interval. An interval that contains zero does not mean that the two are equal: see the smallest difference that would have been found."],
  ["Budget", "Length of training and sizes of the splits. Results with different budgets never share a table."],
  ["Trust", "What was verified: reported (only its author has computed it), re-scored (the scores follow from the published predictions), re-run (cells drawn at random were run again and agree), fresh (the published weights were scored on scenes drawn afterwards)."],
  ["Cost", "Wall time and memory of the run that computed the values. Do not compare them between machines."],
];

export function aboutPage(board) {
  const cites = board.values.plugins;
  return h("div", {},
    h("p", { class: "kicker" }, "About"), h("h1", {}, "How to read this page"),
    h("dl", { class: "facts" }, WORDS.map(([word, meaning]) => h("div", {}, h("dt", {}, word), h("dd", {}, meaning)))),
    h("h2", {}, "Whom to cite"),
    cites.length ? h("ul", { class: "cites" }, cites.map((one) => h("li", {}, h("code", {}, one.name), h("span", { class: "quietly" }, ` ${one.kind}, ${one.package} ${one.version}, ${one.licence || "licence not stated"}`), one.citation ? h("cite", {}, one.citation) : null)))
      : h("p", {}, "The plugins were not installed where this page was made, so their citations are not known."));
}
