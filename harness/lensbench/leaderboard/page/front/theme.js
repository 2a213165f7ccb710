// Light or dark: the system's choice until the reader makes another.
import { byId } from "./dom.js";

const THEMES = ["auto", "light", "dark"];

function remembered() {
  try {
    return localStorage.getItem("lensbench-theme") ?? "auto";
  } catch {
    return "auto"; // storage is closed to files in some browsers
  }
}

export function startTheme() {
  let theme = THEMES.includes(remembered()) ? remembered() : "auto";
  const button = byId("theme");
  const show = () => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = { auto: "◐", light: "☀", dark: "☾" }[theme];
    button.setAttribute("aria-label", `Colours: ${theme}. Change`);
    button.title = `Colours: ${theme}`;
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem("lensbench-theme", theme);
    } catch {
      // it holds until the page is left
    }
    show();
  });
  show();
}
