// Starting and stopping the streams of one device.

import { button, element, formatDuration, labelled, replaceIfChanged } from "./dom.js";

const INTERVALS_MS = [20, 50, 100, 200, 500, 1000];
const MAX_METRICS = 256;

export class Streams {
  /** ask(command, params) sends to the device; see Panel.ask. */
  constructor(ask) {
    this.ask = ask;
    this.metrics = new Map(); // name -> its checkbox
    this.ages = []; // [element, started_ms]
    this.interval = intervalSelect("20");
    this.store = element("input", { type: "checkbox", class: "store" });
    this.choice = element("summary", {}, "All metrics");
    this.boxes = element("div", { class: "choices", role: "group", "aria-label": "Metrics" });
    const details = element("details", {}, this.choice, this.boxes);
    closeFromOutside(details);
    const form = element("form", { class: "start-stream" }, details,
      labelled("every", this.interval),
      element("label", { title: "Keep the readings: the device also sends them for storage" },
        this.store, " store"),
      element("button", { type: "submit" }, "Start stream"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    this.boxes.addEventListener("change", () => this.showChoice());
    this.list = element("ul", { class: "rows running" });
    this.stopAll = button("Stop all", { class: "quiet", hidden: "" },
      () => this.ask("stop_stream", { id: "*" }));
    this.node = element("section", { class: "box", "aria-label": "Streams" },
      element("div", { class: "top" }, element("h3", {}, "Streams"), this.stopAll),
      form, this.list);
  }

  /** Offers metrics, after those that are offered already. */
  offer(names) {
    const news = names.filter((name) => !this.metrics.has(name));
    for (const name of news.slice(0, Math.max(0, MAX_METRICS - this.metrics.size))) {
      const box = element("input", { type: "checkbox", value: name });
      this.metrics.set(name, box);
      this.boxes.append(element("label", {}, box, " ", name));
    }
  }

  chosen() {
    return [...this.metrics].filter(([, box]) => box.checked).map(([name]) => name);
  }

  showChoice() {
    const names = this.chosen();
    const words = names.length === 1 ? names[0] : `${names.length} metrics`;
    this.choice.textContent = names.length ? words : "All metrics";
  }

  start() {
    this.ask("start_stream", {
      metrics: this.chosen(),
      interval_ms: Number(this.interval.value),
      store: this.store.checked,
    });
  }

  update(streams) {
    this.stopAll.hidden = streams.length === 0;
    replaceIfChanged(this.list, streams, () => {
      this.ages = [];
      return streams.map((stream) => this.row(stream));
    });
    this.tick();
  }

  row(stream) {
    const metrics = stream.metrics?.length ? stream.metrics.join(", ") : "all metrics";
    const age = element("span", { class: "time" });
    if (Number.isFinite(stream.started_ms)) this.ages.push([age, stream.started_ms]);
    const words = [metrics, intervalWords(stream.interval_ms), ...(stream.store ? ["stored"] : [])];
    return element("li", {},
      element("span", { class: "grow", title: `${metrics} (stream ${stream.id})` },
        words.join(" · ")), age,
      button("Stop", { "aria-label": `Stop the stream of ${metrics}` },
        () => this.ask("stop_stream", { id: stream.id })));
  }

  /** Once a second: how long they have run. */
  tick() {
    const now = Date.now();
    for (const [node, started] of this.ages) {
      node.textContent = formatDuration((now - started) / 1000);
    }
  }
}

/** The list hangs over the page, so a press beside it or Escape closes it. */
function closeFromOutside(details) {
  document.addEventListener("pointerdown", (event) => {
    if (!details.contains(event.target)) details.open = false;
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    details.open = false;
    details.firstChild.focus();
  });
}

export function intervalSelect(chosen) {
  const options = [["0", "reading"], ...INTERVALS_MS.map((ms) => [String(ms), durationWords(ms)])];
  const select = element("select", {}, ...options.map(([value, words]) => {
    return element("option", { value }, words);
  }));
  select.value = chosen;
  return select;
}

const durationWords = (ms) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

const intervalWords = (ms) => (ms ? `every ${durationWords(ms)}` : "every reading");
