// One source's metric: its newest value above a line chart, a waveform or a strip of states.

import { element, formatTime, formatValue, theme } from "./dom.js";
import { drawStrip } from "./strip.js";

const PLOT_HEIGHT = 150;
const VALUE_PERIOD_MS = 100;
const MAX_KEYS = 12;

export class Card {
  /** Keeps at most maxReadings, and those of the last keepS seconds if that is given. */
  constructor(source, metric, { maxReadings, keepS = Infinity, showsSource = true }) {
    this.name = `${metric} ${source}`;
    this.maxReadings = maxReadings;
    this.keepS = keepS;
    this.readings = []; // {t: seconds, value}, in time order
    this.received = 0;
    this.kind = null;
    this.plot = null;
    this.shown = null;
    this.shownAt = 0;
    this.time = element("span", { class: "time" });
    this.rate = element("span", { class: "rate" });
    this.values = element("div", { class: "values" });
    this.body = element("div", { class: "plot" });
    const heading = element("h3", { title: `${metric} of ${source}` }, metric,
      ...(showsSource ? [" ", element("span", { class: "source" }, source)] : []));
    this.node = element("article", { class: "card" },
      element("div", { class: "top" }, heading, this.rate, this.time), this.values, this.body);
    this.node.dataset.name = this.name;
  }

  add(point) {
    const reading = { t: point.timestamp_ms / 1000, value: point.value };
    const newest = this.readings.at(-1);
    // A clock that was set back begins anew: else its readings would be older than all shown.
    if (newest && reading.t < newest.t - this.keepS) this.readings = [];
    // Nearly always the newest; what was held back in an outage goes in where it belongs.
    let at = this.readings.length;
    while (at > 0 && this.readings[at - 1].t > reading.t) at--;
    if (at === this.readings.length) this.readings.push(reading);
    else this.readings.splice(at, 0, reading);
    this.received += 1;
    // In one go and rarely, as each time moves all that stay.
    if (this.readings.length > this.maxReadings + (this.maxReadings >> 3)) this.trim();
  }

  trim() {
    const oldest = firstFrom(this.readings, this.readings.at(-1).t - this.keepS);
    this.readings.splice(0, Math.max(oldest, this.readings.length - this.maxReadings));
  }

  /**
   * Shows the last windowS seconds, 0 for everything: until the newest reading, or until the
   * time `edge` where one is given. Returns whether the newest value is still to be shown.
   */
  draw(windowS, edge) {
    const newest = this.readings.at(-1);
    const kind = kindOf(newest.value);
    if (kind !== this.kind) {
      this.kind = kind;
      this.forgetPlot();
    }
    const to = edge ?? newest.t;
    const from = windowS ? to - windowS : this.readings[0].t;
    // What held at the beginning was read before it; without an edge nothing goes on there.
    const first = firstFrom(this.readings, from) - (edge === undefined ? 0 : 1);
    const shown = this.readings.slice(Math.max(first, 0));
    // Words that change with each frame cannot be read.
    const isDue = edge === undefined || performance.now() - this.shownAt >= VALUE_PERIOD_MS;
    if (newest !== this.shown && isDue && !this.isPointedAt()) this.showValue(newest);
    if (kind === "state") {
      drawStrip(this.body, shown, from, edge);
    } else if (kind !== "text") {
      this.range = edge === undefined ? null : [from, to];
      this.drawPlot(kind === "wave" ? waveData(newest.value) : lineData(shown, kind));
    }
    this.body.hidden = kind === "text";
    return newest !== this.shown;
  }

  isPointedAt() {
    return (this.plot?.cursor.left ?? -1) >= 0;
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
    this.shown = null;
    this.body.replaceChildren();
  }

  /** The newest reading's value, or the one under the cursor. */
  showValue(reading) {
    this.shown = reading;
    this.shownAt = performance.now();
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
  return Object.keys(value).filter((key) => typeof value[key] === "number").slice(0, MAX_KEYS);
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
  const found = new Set();
  for (const { value } of readings) {
    for (const key of numericKeys(value)) if (found.size < MAX_KEYS) found.add(key);
  }
  const names = [...found];
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
  const x = { time: isTime };
  if (isTime && card.range) x.range = () => card.range;
  return {
    width,
    height: PLOT_HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { x },
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
