// The recording session of one device: starting it, stopping it, how long it has run.

import { button, element, formatDuration, labelled } from "./dom.js";
import { intervalSelect } from "./streams.js";

export class Recording {
  /** ask(command, params) sends to the device; see Panel.ask. */
  constructor(ask) {
    this.ask = ask;
    this.session = null;
    this.name = element("input", { type: "text", maxlength: 200, placeholder: "Motor test",
      class: "session-name grow" });
    this.interval = intervalSelect("100");
    this.form = element("form", { class: "start-session" }, labelled("Name", this.name),
      labelled("every", this.interval), element("button", { type: "submit" }, "Record"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    this.title = element("span", { class: "grow" });
    this.elapsed = element("span", { class: "time" });
    this.running = element("div", { class: "recording", hidden: "" },
      element("span", { class: "pill bad" }, "recording"), this.title, this.elapsed,
      button("Stop", { "aria-label": "Stop the session" }, () => this.stop()));
    this.node = element("section", { class: "box", "aria-label": "Session" },
      element("div", { class: "top" }, element("h3", {}, "Session")), this.form, this.running);
  }

  start() {
    const name = this.name.value.trim();
    this.ask("start_session", {
      ...(name && { session_name: name }), metrics: [], interval_ms: Number(this.interval.value),
    });
  }

  stop() {
    this.ask("stop_session", { session_id: this.session.session_id });
  }

  update(session) {
    this.session = session;
    this.form.hidden = session !== null;
    this.running.hidden = session === null;
    if (session === null) return;
    this.title.textContent = session.session_name || session.session_id;
    this.title.title = session.session_id;
    this.tick();
  }

  /** Once a second: how long it has run. */
  tick() {
    if (this.session === null) return;
    this.elapsed.textContent = formatDuration((Date.now() - this.session.started_ms) / 1000);
  }
}
