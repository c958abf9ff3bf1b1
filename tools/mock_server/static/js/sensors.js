// A device's sensors as rows, each with a form that configures it.

import { element, foldedText, labelled, replaceIfChanged } from "./dom.js";

const MAX_SENSORS = 64;
const SILENCE_MS = 1000; // a bare command that is not refused until then was taken
const ANSWER_MS = 15000;

export class Sensors {
  /** ask(command, params, onAnswer) sends to the device; see Panel.ask. */
  constructor(ask) {
    this.ask = ask;
    this.rows = new Map();
    this.list = element("ul", { class: "rows" });
    this.none = element("p", { class: "none" }, "This device announced no sensors.");
    this.node = element("section", { class: "box sensors", "aria-label": "Sensors" },
      element("h3", {}, "Sensors"), this.none, this.list);
  }

  update(sensors) {
    const wanted = new Map();
    for (const sensor of sensors.slice(0, MAX_SENSORS)) {
      const name = String(sensor.name);
      const row = wanted.get(name) ?? this.rows.get(name) ?? new SensorRow(name, this.ask);
      row.update(sensor);
      wanted.set(name, row);
    }
    const isSame = wanted.size === this.rows.size
      && [...wanted.keys()].every((name) => this.rows.has(name));
    // Moving a row would take the cursor out of it.
    if (!isSame) this.list.replaceChildren(...[...wanted.values()].map((row) => row.node));
    this.rows = wanted;
    this.none.hidden = wanted.size > 0;
  }

  /** The device has an error to tell of a sensor, maybe because it refuses a bare command. */
  onError({ source, error, severity }) {
    this.rows.get(source)?.fail(error, severity === "info" ? "" : "bad");
  }
}

/** An input that shows what is in force, until a person has changed it. */
class Field {
  constructor(input, { mayBeEmpty = false } = {}) {
    this.input = input;
    this.inForce = "";
    this.isChanged = false;
    input.addEventListener("input", () => {
      const isEmpty = input.value === "" && !input.validity.badInput;
      this.isChanged = input.value !== this.inForce && (mayBeEmpty || !isEmpty);
    });
    input.addEventListener("blur", () => this.show(this.inForce));
  }

  show(value) {
    this.inForce = String(value ?? "");
    if (this.input.value === this.inForce) this.isChanged = false;
    if (!this.isChanged && document.activeElement !== this.input) this.input.value = this.inForce;
  }

  /** The device has taken the text that was sent. */
  settle(sent) {
    if (this.input.value !== sent) return;
    this.isChanged = false;
    this.input.value = this.inForce;
  }
}

class SensorRow {
  constructor(name, ask) {
    this.name = name;
    this.ask = ask;
    this.asked = null; // what was last sent: {config, texts, isAcknowledged, isDone}
    this.about = element("span", { class: "muted" });
    this.metrics = element("p", { class: "metrics" });
    this.available = element("span", { class: "pill warn" }, "absent");
    this.rate = new Field(element("input", { type: "number", min: 0, step: "any",
      class: "rate-input", "aria-label": `Sample rate of ${name} in Hz` }));
    this.prefix = new Field(element("input", { type: "text", size: 10, maxlength: 64,
      "aria-label": `Prefix of ${name}` }), { mayBeEmpty: true });
    this.options = element("input", { type: "text", size: 18, placeholder: '{"gain": 2}',
      "aria-label": `Driver options of ${name} as JSON` });
    this.result = element("div", { class: "result", role: "status" });
    this.more = element("details", {}, element("summary", {}, "More"),
      element("div", { class: "more" }, labelled("Prefix", this.prefix.input),
        labelled("Options", this.options)));
    const form = element("form", { novalidate: "" },
      element("label", {}, this.rate.input, " Hz"),
      element("button", { type: "submit", "aria-label": `Set ${name}` }, "Set"), this.more);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.set();
    });
    this.node = element("li", { class: "sensor" },
      element("div", {}, element("strong", {}, name), " ", this.available, " ", this.about),
      this.metrics, form, this.result);
  }

  update(sensor) {
    const about = sensor.description ?? "";
    replaceIfChanged(this.about, about, () => [foldedText(about)]);
    this.metrics.textContent = (sensor.metrics ?? []).join(", ");
    this.metrics.title = this.metrics.textContent;
    this.available.hidden = sensor.available !== false;
    this.rate.show(sensor.sample_rate);
    this.prefix.show(sensor.prefix);
  }

  /** What a person has changed. */
  config() {
    const options = this.options.value.trim() ? JSON.parse(this.options.value) : {};
    if (options === null || typeof options !== "object" || Array.isArray(options)) {
      throw new SyntaxError("not an object");
    }
    return {
      ...options,
      ...(this.rate.isChanged && { sample_rate: Number(this.rate.input.value) }),
      ...(this.prefix.isChanged && { prefix: this.prefix.input.value }),
    };
  }

  set() {
    const { input, isChanged } = this.rate;
    if (isChanged && (!input.validity.valid || Number(input.value) <= 0)) {
      this.say("sample rate: a number of Hz over 0", "bad");
      return;
    }
    let config;
    try {
      config = this.config();
    } catch (error) {
      this.say(`options: a JSON object is needed (${error.message})`, "bad");
      return;
    }
    if (Object.keys(config).length === 0) {
      this.say("nothing was changed", "");
      return;
    }
    this.say("sent", "");
    this.send(config);
  }

  async send(config) {
    const texts = [this.rate.input.value, this.prefix.input.value, this.options.value];
    const asked = { config, texts, isAcknowledged: false, isDone: false };
    this.asked = asked;
    const id = await this.ask("configure", { sensor: this.name, config }, (event, answer) => {
      if (this.asked !== asked) return;
      if (event === "ack") asked.isAcknowledged = true;
      else if (event === "result") this.apply(answer.result ?? {});
      else this.fail(answer.error, "bad");
    });
    if (id === null) return;
    const isWaiting = () => this.asked === asked && !asked.isDone;
    setTimeout(() => {
      if (!isWaiting() || asked.isAcknowledged) return;
      this.settle();
      this.say(`not refused: ${words(config)}`, "");
    }, SILENCE_MS);
    setTimeout(() => {
      if (isWaiting()) this.fail("no answer", "bad");
    }, ANSWER_MS);
  }

  /** What is now in force, in the device's words. */
  apply(result) {
    if (result.sample_rate !== undefined) this.rate.show(result.sample_rate);
    if (result.prefix !== undefined) this.prefix.show(result.prefix);
    this.settle();
    this.say(`in force: ${words(result) || "as asked"}`, "good");
  }

  /** What was sent is done with; what was typed since then stays. */
  settle() {
    const [rate, prefix, options] = this.asked.texts;
    this.asked.isDone = true;
    this.rate.settle(rate);
    this.prefix.settle(prefix);
    if (this.options.value === options) this.options.value = "";
  }

  /** What was refused stays where it can be seen and mended. */
  fail(error, kind) {
    if (this.asked) this.asked.isDone = true;
    if (this.options.value) this.more.open = true;
    this.say(error, kind);
  }

  say(text, kind) {
    this.result.textContent = this.result.title = text;
    this.result.className = `result ${kind}`;
  }
}

function words(config) {
  const given = Object.entries(config).filter(([, value]) => value !== "");
  return given.map(([name, value]) => {
    return `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`;
  }).join(", ");
}
