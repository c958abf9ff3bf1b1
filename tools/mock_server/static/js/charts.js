// One card for each source and metric: a line chart, a waveform or a strip of states.

import { element, formatTime, formatValue, theme } from "./dom.js";
import { drawStrip } from "./strip.js";

const MAX_READINGS = 20000;
const PLOT_HEIGHT = 150;

export class Charts {
  constructor(container) {
    this.container = container;
    this.cards = new Map();
    this.windowS = 300;
    this.redrawing = false;
    const redrawAll = () => {
      for (const card of this.cards.values()) card.forgetPlot();
      this.redraw();
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
    new ResizeObserver(() => this.redraw()).observe(container);
  }

  setWindow(seconds) {
    this.windowS = seconds;
    this.redraw();
  }

  clear() {
    this.cards.clear();
    this.container.replaceChildren();
  }

  add(points) {
    for (const point of points) {
      const key = JSON.stringify([point.source_id, point.metric]);
      let card = this.cards.get(key);
      if (!card) {
        card = new Card(point.source_id, point.metric);
        this.cards.set(key, card);
        this.place(card);
      }
      card.add(point);
    }
    this.redraw();
  }

  /** Cards are in the order of their names, so that they do not jump about. */
  place(card) {
    const later = [...this.container.children].find((node) => node.dataset.name > card.name);
    this.container.insertBefore(card.node, later ?? null);
  }

  redraw() {
    if (this.redrawing) return;
    this.redrawing = true;
    requestAnimationFrame(() => {
      this.redrawing = false;
      for (const card of this.cards.values()) card.draw(this.windowS);
    });
  }
}

class Card {
  constructor(source, metric) {
    this.name = `${metric} ${source}`;
    this.readings = []; // {t: seconds, value}, in time order
    this.kind = null;
    this.plot = null;
    this.time = element("span", { class: "time" });
    this.values = element("div", { class: "values" });
    this.body = element("div", { class: "plot" });
    const heading = element("h3", { title: `${metric} of ${source}` }, metric, " ",
      element("span", { class: "source" }, source));
    this.node = element("article", { class: "card" },
      element("div", { class: "top" }, heading, this.time), this.values, this.body);
    this.node.dataset.name = this.name;
  }

  add(point) {
    const reading = { t: point.timestamp_ms / 1000, value: point.value };
    // Nearly always the newest; what was held back in an outage goes in where it belongs.
    let at = this.readings.length;
    while (at > 0 && this.readings[at - 1].t > reading.t) at--;
    this.readings.splice(at, 0, reading);
    if (this.readings.length > MAX_READINGS) this.readings.shift();
  }

  draw(windowS) {
    const newest = this.readings.at(-1);
    const kind = kindOf(newest.value);
    if (kind !== this.kind) {
      this.kind = kind;
      this.forgetPlot();
    }
    const from = windowS ? newest.t - windowS : this.readings[0].t;
    const shown = this.readings.slice(firstFrom(this.readings, from));
    this.showValue(newest);
    if (kind === "state") {
      drawStrip(this.body, shown, from);
    } else if (kind !== "text") {
      this.drawPlot(kind === "wave" ? waveData(newest.value) : lineData(shown, kind));
    }
    this.body.hidden = kind === "text";
  }

  drawPlot({ names, data }) {
    const signature = JSON.stringify(names);
    if (this.plot && this.signature !== signature) this.forgetPlot();
    const width = this.body.clientWidth;
    if (!this.plot) {
      this.signature = signature;
      this.plot = new uPlot(plotOptions(this, names, width), data, this.body);
    } else {
      if (this.plot.width !== width) this.plot.setSize({ width, height: PLOT_HEIGHT });
      this.plot.setData(data);
    }
  }

  forgetPlot() {
    this.plot?.destroy();
    this.plot = null;
    this.body.replaceChildren();
  }

  /** The newest reading's value, or the one under the cursor. */
  showValue(reading) {
    this.time.textContent = formatTime(reading.t * 1000);
    const colours = theme().series;
    const parts = this.kind === "keys"
      ? numericKeys(reading.value).map((key, index) => [key, reading.value[key], index])
      : [[null, reading.value, 0]];
    this.values.replaceChildren(...parts.map(([key, value, index]) => {
      if (key === null) {
        const text = this.kind === "wave" ? `${value.length} values` : formatValue(value);
        return element("span", { class: "value text" }, text);
      }
      const label = element("span", { class: "key" }, key);
      label.style.setProperty("--swatch", colours[index % colours.length]);
      return element("span", { class: "value" }, label, formatValue(value));
    }));
  }
}

/** number: a line; keys: a line for each key; wave; state: a strip; text: only the value. */
function kindOf(value) {
  if (typeof value === "number") return "number";
  if (typeof value === "string" || typeof value === "boolean") return "state";
  if (Array.isArray(value)) {
    return value.length && value.every((item) => typeof item === "number") ? "wave" : "text";
  }
  return numericKeys(value).length ? "keys" : "text";
}

function numericKeys(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return [];
  return Object.keys(value).filter((key) => typeof value[key] === "number");
}

function firstFrom(readings, t) {
  let low = 0;
  let high = readings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (readings[middle].t < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lineData(readings, kind) {
  const times = readings.map((reading) => reading.t);
  if (kind === "number") {
    const values = readings.map(({ value }) => (typeof value === "number" ? value : null));
    return { names: [""], data: [times, values] };
  }
  const names = [...new Set(readings.flatMap(({ value }) => numericKeys(value)))];
  const series = names.map((name) => readings.map(({ value }) => {
    return typeof value?.[name] === "number" ? value[name] : null;
  }));
  return { names, data: [times, ...series] };
}

function waveData(values) {
  return { names: null, data: [values.map((_, index) => index), values] };
}

function plotOptions(card, names, width) {
  const { series, muted, grid } = theme();
  const axis = { stroke: muted, font: "11px system-ui", grid: { stroke: grid, width: 1 },
    ticks: { show: false } };
  const isTime = names !== null;
  return {
    width,
    height: PLOT_HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { x: { time: isTime } },
    axes: [
      { ...axis, size: 26, space: 70,
        ...(isTime && { values: "{HH}:{mm}:{ss}" }) },
      { ...axis, size: 52, space: 28 },
    ],
    series: [{}, ...(names ?? [""]).map((name, index) => ({
      label: name,
      stroke: series[index % series.length],
      width: 1.75,
      spanGaps: true,
      points: { size: 4 },
    }))],
    hooks: {
      setCursor: [(plot) => {
        if (!isTime) return;
        const { idx, left } = plot.cursor;
        if (idx === null || idx === undefined || left < 0) {
          card.showValue(card.readings.at(-1));
          return;
        }
        const t = plot.data[0][idx];
        card.showValue(card.readings[firstFrom(card.readings, t)]);
      }],
    },
  };
}
