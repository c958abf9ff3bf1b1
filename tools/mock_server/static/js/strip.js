// A strip that shows which state held when, for strings and booleans.

import { element, formatTime, formatValue, theme } from "./dom.js";

const BAR_HEIGHT = 44;
const LABEL_Y = BAR_HEIGHT + 20;
const CHARACTER_PX = 7;
const NARROWEST_PX = 2;
const MAX_NAMED = 12;

/**
 * Draws readings ({t: seconds, value}, in time order) from the time `from` to the newest; where
 * the time `edge` is given, all of the time until then, in which the last state goes on.
 */
export function drawStrip(container, readings, from, edge) {
  const width = container.clientWidth;
  const to = edge ?? readings.at(-1).t;
  const start = edge === undefined ? Math.max(from, readings[0].t) : from;
  const scale = (t) => (to > start ? ((t - start) / (to - start)) * width : 0);
  const colours = theme().series;
  const states = [...new Set(readings.map((reading) => String(reading.value)))].sort();
  const parts = [];
  let free = -Infinity;
  for (const run of runs(readings, to)) {
    const left = scale(Math.max(run.t, start));
    // Of many states on the same few pixels, one is drawn.
    if (left < free) continue;
    const wide = Math.max(to > start ? scale(run.end) - left : width, NARROWEST_PX);
    free = left + NARROWEST_PX;
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
    element("text", { x: width, y: LABEL_Y, "text-anchor": "end" },
      formatTime(to * 1000).slice(0, -4)),
  ];
  const legend = states.slice(0, MAX_NAMED).map((state, index) => {
    const key = element("span", { class: "key" }, state);
    key.style.setProperty("--swatch", colours[index % colours.length]);
    return key;
  });
  if (states.length > MAX_NAMED) legend.push(`and ${states.length - MAX_NAMED} more`);
  container.replaceChildren(
    element("svg", { class: "strip" }, ...parts, ...labels),
    element("div", { class: "legend" }, ...legend),
  );
}

/** Readings of equal value after one another as {t, end, value}; the last ends at `to`. */
function runs(readings, to) {
  const found = [];
  for (const { t, value } of readings) {
    const last = found.at(-1);
    if (last) last.end = t;
    if (!last || last.value !== value) found.push({ t, end: t, value });
  }
  found.at(-1).end = to;
  return found;
}
