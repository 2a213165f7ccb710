// A page that is served asks now and then how the sweep stands, and takes new records in.
import { byId, h } from "./dom.js";
import { unpack } from "./board.js";
import { plural } from "./format.js";

const EVERY = 3000;

export function startLive(takeIn) {
  if (byId("served").textContent.trim() !== "yes") return;
  const banner = h("div", { class: "banner", role: "status" }, "Live page; waiting for the server …");
  byId("main").before(banner);
  let seen = null;
  async function ask() {
    try {
      const news = await (await fetch("/state.json", { cache: "no-store" })).json();
      banner.replaceChildren(...tell(news));
      if (seen !== null && news.digest !== seen) takeIn(await unpack(await (await fetch("/data", { cache: "no-store" })).text()));
      seen = news.digest;
    } catch {
      banner.textContent = "The server does not answer; the page shows its last values.";
    }
    setTimeout(ask, EVERY);
  }
  ask();
}

function tell(news) {
  if (!news.state) return [`No sweep is known; ${plural(news.records, "record")}.`];
  const running = news.running.slice(0, 3).map((job) => job.label).join("; ");
  return [
    h("progress", { max: Math.max(1, news.jobs), value: news.done + news.failed, "aria-label": "Jobs that have ended" }),
    ` Sweep ${news.state}: ${news.done} of ${news.jobs} jobs done${news.failed ? `, ${news.failed} failed` : ""}; ${plural(news.records, "record")}.`,
    running ? h("small", {}, ` Now: ${running}`) : null,
  ].filter(Boolean);
}
