// From the address to the page.
import { byId, h } from "./dom.js";
import { Board, unpackFrom } from "./board.js";
import { startTheme } from "./theme.js";
import { overview } from "./overview.js";
import { tablePage } from "./tables.js";
import { entrantPage } from "./entrant.js";
import { statesPage } from "./states.js";
import { aboutPage } from "./about.js";
import { startLive } from "./live.js";

let board = null;

function view(path) {
  const [kind, ...rest] = path.split("/");
  const word = rest.join("/");
  if (kind === "table") return tablePage(board, Number(word));
  if (kind === "entrant") return entrantPage(board, decoded(word));
  if (kind === "states") return statesPage(board);
  if (kind === "about") return aboutPage(board);
  return overview(board);
}

function decoded(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

function show(moved) {
  const path = location.hash.replace(/^#\/?/, "");
  byId("tip").hidden = true;
  const main = byId("main");
  main.replaceChildren(view(path));
  const heading = main.querySelector("h1")?.textContent ?? "";
  document.title = `${heading === board.name ? "" : `${heading} · `}${board.name} · lensbench leaderboard`;
  byId("nav").replaceChildren(...navigation(path));
  if (moved) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

function navigation(path) {
  const places = [["", "Overview"], ["table/0", "Tables"], ["states", "States"], ["about", "About"]];
  const here = path.split("/")[0];
  return places.map(([to, name]) => h("li", {}, h("a", { href: `#/${to}`, "aria-current": here === to.split("/")[0] ? "page" : null }, name)));
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

startTheme();
board = new Board(await unpackFrom("data"));
byId("data").remove();
addEventListener("hashchange", () => show(true));
show(false);
document.documentElement.dataset.ready = "yes";
startLive((values) => {
  const place = scrollY;
  board = new Board(values);
  show(false);
  scrollTo(0, place);
});
