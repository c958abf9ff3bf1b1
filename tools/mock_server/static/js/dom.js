// Building elements and formatting values. Text from readings goes in as text, never as markup.

const SVG_ELEMENTS = new Set(["svg", "rect", "text", "title"]);

/** An element with attributes and children; strings become text nodes. */
export function element(name, attributes = {}, ...children) {
  const made = SVG_ELEMENTS.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}
export const byId = (id) => document.getElementById(id);

const two = (number) => String(number).padStart(2, "0");

/** Local time of day with milliseconds, after the date if it is not today's. */
export function formatTime(ms) {
  const time = new Date(ms);
  const day = time.toDateString() === new Date().toDateString()
    ? ""
    : `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} `;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return `${day}${clock}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** A number short enough for a heading; a value of any other kind as JSON. */
export function formatValue(value) {
  if (typeof value === "number") {
    if (value !== 0 && (Math.abs(value) >= 1e9 || Math.abs(value) < 1e-4)) {
      return value.toExponential(3);
    }
    return Number(value.toPrecision(7)).toLocaleString("en", { maximumFractionDigits: 6 });
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** How long after it was read a reading arrived, in words. */
export function formatDelay(ms) {
  if (Math.abs(ms) < 1000) return `${ms} ms`;
  if (Math.abs(ms) < 60000) return `${(ms / 1000).toFixed(1)} s`;
  if (Math.abs(ms) < 7200000) return `${Math.round(ms / 60000)} min`;
  if (Math.abs(ms) < 172800000) return `${Math.round(ms / 3600000)} h`;
  return `${Math.round(ms / 86400000)} d`;
}

/** A length of time as a clock shows it: 0:07, 1:02:03, 2 d 03:04:05. */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  if (days) return `${days} d ${two(hours)}:${rest}`;
  return hours ? `${hours}:${rest}` : rest.replace(/^0/, "");
}

/** A button with that text, and what a click does. */
export function button(label, attributes, work) {
  const made = element("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", work);
  return made;
}

const SHORT_LENGTH = 160;
const CUT_LENGTH = 120;

/** Words of any length; the rest of long ones comes when they are pressed. */
export function foldedText(text) {
  const characters = Array.from(text.slice(0, SHORT_LENGTH + 1));
  if (characters.length <= SHORT_LENGTH) return element("span", {}, text);
  const shown = characters.slice(0, CUT_LENGTH).join("");
  return element("details", { class: "folded" },
    element("summary", {}, `${shown}… `, element("span", { class: "unfold" }, "more")),
    text.slice(shown.length));
}

/** A label with its control behind the words. */
export const labelled = (words, control) => element("label", {}, words, " ", control);

/** Replaces the children only if the data behind them is other than last time. */
export function replaceIfChanged(container, data, build) {
  const signature = JSON.stringify(data);
  if (container.dataset.shown === signature) return;
  container.dataset.shown = signature;
  container.replaceChildren(...build());
}

/** The colours of the current scheme. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { series: read("--series").split(/\s+/), muted: read("--muted"), grid: read("--grid") };
}
