// A strip that shows which state held when, for strings and booleans.

import { element, formatTime, formatValue, theme } from "./dom.js";

const BAR_HEIGHT = 44;
const LABEL_Y = BAR_HEIGHT + 20;
const CHARACTER_PX = 7;

/** Draws readings ({t: seconds, value}, in time order) from the time `from` to the newest. */
export function drawStrip(container, readings, from) {
  const width = container.clientWidth;
  const to = readings.at(-1).t;
  const start = Math.max(from, readings[0].t);
  const scale = (t) => (to > start ? ((t - start) / (to - start)) * width : 0);
  const colours = theme().series;
  const states = [...new Set(readings.map((reading) => String(reading.value)))].sort();
  const parts = [];
  for (const run of runs(readings)) {
    const left = scale(Math.max(run.t, start));
    const wide = Math.max(to > start ? scale(run.end) - left : width, 2);
    const text = formatValue(run.value);
    const colour = colours[states.indexOf(String(run.value)) % colours.length];
    const bar = element("rect",
      { x: left, y: 2, width: Math.max(wide - 1, 1), height: BAR_HEIGHT, rx: 3, fill: colour },
      element("title", {}, `${text} from ${formatTime(run.t * 1000)}`));
    parts.push(bar);
    if (text.length * CHARACTER_PX + 10 < wide) {
      parts.push(element("text", { class: "on", x: left + 7, y: 2 + BAR_HEIGHT / 2 + 4 }, text));
    }
  }
  const labels = [
    element("text", { x: 0, y: LABEL_Y }, formatTime(start * 1000).slice(0, -4)),
    element("text", { x: width, y: LABEL_Y, "text-anchor": "end" }, formatTime(to * 1000).slice(0, -4)),
  ];
  const legend = states.map((state, index) => {
    const key = element("span", { class: "key" }, state);
    key.style.setProperty("--swatch", colours[index % colours.length]);
    return key;
  });
  container.replaceChildren(
    element("svg", { class: "strip" }, ...parts, ...labels),
    element("div", { class: "legend" }, ...legend),
  );
}

/** Readings of equal value after one another as {t, end, value}. */
function runs(readings) {
  const found = [];
  for (const { t, value } of readings) {
    const last = found.at(-1);
    if (last) last.end = t;
    if (!last || last.value !== value) found.push({ t, end: t, value });
  }
  return found;
}
