// The commands that a device announced: a form for each, those that run, and what they said.

import { Console } from "./console.js";
import { button, element, foldedText, replaceIfChanged } from "./dom.js";
import { Parameters } from "./parameters.js";

const MAX_COMMANDS = 64;
const TIMEOUT_S = 300;
const MAX_TIMEOUT_S = 3600; // a device takes no more
const MAX_REMEMBERED = 200;
// Commands of the protocol that run nothing; any other name is one that the device registered.
const NOT_RUN = ["start_stream", "stop_stream", "start_session", "stop_session", "configure",
  "cancel", "ping"];

export class Commands {
  /** ask(command, params, onAnswer) sends to the device; see Panel.ask. */
  constructor(ask) {
    this.ask = ask;
    this.names = new Map(); // id -> name of what was executed
    this.open = []; // {id, command} of what runs
    this.console = new Console();
    this.timeout = element("input", { type: "number", min: 1, max: MAX_TIMEOUT_S, value: TIMEOUT_S,
      class: "rate-input" });
    this.list = element("div", { class: "rows" });
    this.runs = element("ul", { class: "rows running" });
    this.node = element("section", { class: "box", "aria-label": "Commands" },
      element("div", { class: "top" }, element("h3", {}, "Commands"),
        element("label", {}, "Time limit ", this.timeout, " s")), this.list);
    this.output = element("section", { class: "box output", "aria-label": "Output of commands" },
      element("div", { class: "top" }, element("h3", {}, "Output"), this.console.clear),
      this.runs, this.console.lines);
  }

  update(commands, open) {
    replaceIfChanged(this.list, commands, () => {
      if (commands.length === 0) {
        return [element("p", { class: "none" }, "This device announced no commands.")];
      }
      return commands.slice(0, MAX_COMMANDS).map((command) => this.form(command));
    });
    // The server's list is right, whoever began a command and whatever this page did not hear.
    this.open = open.filter(({ command }) => !NOT_RUN.includes(command));
    this.show();
  }

  form({ name, description, params }) {
    const parameters = new Parameters(params);
    const form = element("form", { class: "command" },
      element("div", { class: "grow" }, element("strong", {}, name), " ",
        element("span", { class: "muted" }, foldedText(description ?? ""))),
      ...parameters.nodes,
      element("button", { type: "submit", "aria-label": `Run ${name}` }, "Run"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run(name, parameters.values());
    });
    return form;
  }

  async run(name, params) {
    if (!this.timeout.reportValidity()) return;
    const timeout = Number(this.timeout.value) || TIMEOUT_S;
    const id = await this.ask("execute",
      { command: name, params, timeout_seconds: timeout },
      (event, answer) => this.onAnswer(name, event, answer));
    if (id !== null) this.call(id, name);
  }

  /** The answer to a typed command; what it said in between comes as output. */
  onAnswer(name, event, { result, error }) {
    if (event === "ack") return;
    if (event === "error") this.console.write(name, "error", String(error), "bad");
    else this.console.write(name, "result", JSON.stringify(result ?? null), "good");
  }

  onOutput(message) {
    const { id, event } = message;
    if (event === "start") this.call(id, String(message.command));
    const name = this.names.get(id) ?? id;
    if (event === "start") this.console.write(name, "start", "");
    else if (event === "data") this.console.print(id, name, String(message.data));
    else if (event === "exit") {
      this.console.write(name, "exit", String(message.code), message.code === 0 ? "good" : "bad");
    } else this.console.write(name, event, String(message.error ?? ""), "bad");
  }

  /** What a device says of a run of a command that it declared. */
  onStatus({ run_id: id, state, progress, result, message, error_code: code, error_message: error }) {
    const name = this.names.get(id) ?? id;
    if (state === "failed") {
      this.console.write(name, state, [code, error].filter(Boolean).join(": "), "bad");
    } else if (state === "succeeded") {
      this.console.write(name, state, JSON.stringify(result ?? null), "good");
    } else if (state === "progress") {
      this.console.write(name, state, [progress, message].filter((said) => said !== undefined).join(" "));
    }
  }

  /** What was executed under that id has that name. */
  call(id, name) {
    this.names.set(id, name);
    if (this.names.size > MAX_REMEMBERED) this.names.delete(this.names.keys().next().value);
    this.show();
  }

  show() {
    const running = this.open.map(({ id, command }) => [id, this.names.get(id) ?? command]);
    replaceIfChanged(this.runs, running, () => running.map(([id, name]) => {
      return element("li", {}, element("span", { class: "grow", title: id }, `${name} runs`),
        button("Cancel", { "aria-label": `Cancel ${name}` }, () => this.ask("cancel", { id })));
    }));
  }
}
