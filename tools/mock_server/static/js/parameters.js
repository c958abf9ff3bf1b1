// The inputs for a command's parameters, made from the schema that the device announced.

import { element } from "./dom.js";

const MAX_PARAMETERS = 32;
const MAX_CHOICES = 100;

export class Parameters {
  /**
   * schema: {name: {type, min, max, choices, default, required}}; it comes from a device, so
   * anything may be odd.
   */
  constructor(schema) {
    const known = schema !== null && typeof schema === "object" ? Object.entries(schema) : [];
    this.fields = known.slice(0, MAX_PARAMETERS).map(([name, spec]) => {
      return new Field(name, spec !== null && typeof spec === "object" ? spec : {});
    });
    this.nodes = this.fields.map((field) => field.node);
  }

  /** {name: value}; what was left empty is left out, so that the device's default holds. */
  values() {
    const given = this.fields.map((field) => [field.name, field.value()]);
    return Object.fromEntries(given.filter(([, value]) => value !== undefined));
  }
}

class Field {
  constructor(name, spec) {
    this.name = name;
    this.type = spec.type;
    this.choices = Array.isArray(spec.choices) ? spec.choices.slice(0, MAX_CHOICES) : null;
    this.isNeeded = spec.required === true;
    this.input = this.choices ? this.select(spec) : this.plainInput(spec);
    this.node = element("label", { title: spec.description ?? null }, `${name} `, this.input);
  }

  select(spec) {
    const options = this.choices.map((choice, index) => {
      return element("option", { value: index }, choice);
    });
    const given = this.choices.indexOf(spec.default);
    if (given < 0 && !this.isNeeded) options.unshift(element("option", { value: "" }, "–"));
    const select = element("select", {}, ...options);
    if (given >= 0) select.value = String(given);
    return select;
  }

  plainInput(spec) {
    if (spec.type === "boolean") {
      const box = element("input", { type: "checkbox" });
      box.checked = spec.default === true;
      return box;
    }
    const isNumber = spec.type === "number" || spec.type === "integer";
    const limit = (value) => (isNumber && typeof value === "number" ? value : null);
    return element("input", {
      type: isNumber ? "number" : "text",
      step: spec.type === "integer" ? 1 : isNumber ? "any" : null,
      min: limit(spec.min),
      max: limit(spec.max),
      value: spec.default,
      required: isNumber && this.isNeeded ? "" : null,
      class: isNumber ? "rate-input" : null,
    });
  }

  value() {
    if (this.choices) return this.choices[this.input.value];
    if (this.type === "boolean") return this.input.checked;
    if (this.type === "number" || this.type === "integer") {
      return this.input.value === "" ? undefined : Number(this.input.value);
    }
    return this.input.value === "" && !this.isNeeded ? undefined : this.input.value;
  }
}
