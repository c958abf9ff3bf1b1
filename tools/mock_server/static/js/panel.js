// One device: who it is, its streams, session, live charts, sensors and commands.

import { Commands } from "./commands.js";
import {
  button, element, foldedText, formatDuration, formatTime, labelled, replaceIfChanged,
} from "./dom.js";
import { formatRate, LiveCharts, WINDOWS_S } from "./live.js";
import { Recording } from "./recording.js";
import { Sensors } from "./sensors.js";
import { Streams } from "./streams.js";

const MAX_AWAITED = 200;
const REFUSABLE = ["start_stream", "stop_stream", "start_session", "stop_session", "cancel"];
const FACTS = ["uptime", "connected", "frames", "points", "points/s"];

export class Panel {
  constructor(source, link) {
    this.source = source;
    this.link = link;
    this.device = null;
    this.awaited = new Map(); // id of a command -> what to do with its answers
    this.early = new Map(); // id -> answers that were faster than the server's word on the id
    this.uptime = { value: null, at: 0 };

    const ask = (command, params, onAnswer) => this.ask(command, params, onAnswer);
    this.sensors = new Sensors(ask);
    this.streams = new Streams(ask);
    this.recording = new Recording(ask);
    this.commands = new Commands(ask);
    this.grid = element("div", { class: "live-charts" });
    this.charts = new LiveCharts(this.grid);

    this.state = element("span", { class: "pill" });
    this.about = element("span", { class: "muted" });
    this.facts = new Map(FACTS.map((name) => [name, element("dd", {}, "–")]));
    this.note = button("", { class: "note", title: "Hide" }, () => this.say(""));
    this.errors = new Remarks("error");
    this.violations = new Remarks("protocol breach");
    const controls = (name, ...nodes) => element("fieldset", { class: "panel-grid",
      "aria-label": `${name} of ${source}` }, ...nodes);
    const streams = controls("Streams and session", this.streams.node, this.recording.node);
    const rest = controls("Sensors and commands", this.sensors.node, this.commands.node,
      this.commands.output);
    this.controls = [streams, rest];
    this.node = element("div", { class: "panel", role: "tabpanel" },
      this.head(), streams, this.liveSection(), rest,
      element("div", { role: "status" }, this.note));
  }

  head() {
    const facts = [...this.facts].map(([name, value]) => {
      return element("div", {}, element("dt", {}, name), value);
    });
    return element("div", { class: "box head" },
      element("div", { class: "who-line" },
        element("strong", { class: "source-name" }, this.source), " ", this.state, " ", this.about),
      element("dl", { class: "facts" }, ...facts),
      element("div", { class: "all-remarks" }, this.errors.node, this.violations.node));
  }

  liveSection() {
    const windows = element("select", { class: "live-window" }, ...WINDOWS_S.map((seconds) => {
      return element("option", { value: seconds }, `${seconds} s`);
    }));
    windows.value = String(this.charts.windowS);
    windows.addEventListener("change", () => this.charts.setWindow(Number(windows.value)));
    this.silence = element("p", { class: "none" },
      "Start a stream to see readings as they are made.");
    return element("section", { class: "live", "aria-label": "Live readings" },
      element("div", { class: "heading" }, element("h3", {}, "Live"),
        element("div", { class: "tools" }, labelled("Show the last", windows),
          button("Clear charts", { class: "quiet" }, () => {
            this.charts.clear();
            this.silence.hidden = false;
          }))),
      this.silence, this.grid);
  }

  /**
   * Sends a command; resolves to its id, or to null if it could not be sent, which is shown.
   * onAnswer(event, message) gets the device's answers: ack, result, error.
   */
  async ask(command, params, onAnswer = () => {}) {
    this.say("");
    let id;
    try {
      id = await this.link.command(this.source, command, params);
    } catch (error) {
      this.say(`${command}: ${error.message}`);
      onAnswer("error", { error: error.message });
      return null;
    }
    this.awaited.set(id, onAnswer);
    bound(this.awaited);
    for (const answer of this.early.get(id) ?? []) onAnswer(answer.event, answer);
    this.early.delete(id);
    return id;
  }

  receive(message) {
    if (message.type === "telemetry") this.onTelemetry(message);
    else if (message.type === "output") this.commands.onOutput(message);
    else if (message.type === "command_result") this.onResult(message);
    else if (message.type === "command_status") this.commands.onStatus(message);
    else if (message.type === "device_error") this.onError(message);
  }

  /** Of a sensor, or of a bare command that is refused: nothing else tells of that. */
  onError(message) {
    if (REFUSABLE.includes(message.source)) this.say(`${message.source}: ${message.error}`);
    else this.sensors.onError(message);
  }

  onTelemetry({ points }) {
    const now = Date.now();
    const readings = points.filter((point) => point.value !== null && point.value !== undefined)
      .map(({ metric, value, timestamp }) => ({
        source_id: this.source,
        metric,
        value,
        timestamp_ms: Number.isFinite(timestamp) ? timestamp : now,
      }));
    this.charts.add(readings);
    this.streams.offer([...new Set(readings.map((reading) => reading.metric))]);
    this.silence.hidden = true;
  }

  onResult(message) {
    const { id, event } = message;
    if (event === "error") this.say(`${message.command}: ${message.error}`);
    const onAnswer = this.awaited.get(id);
    if (onAnswer) {
      onAnswer(event, message);
    } else {
      this.early.set(id, [...(this.early.get(id) ?? []), message]);
      bound(this.early);
    }
  }

  update(device) {
    this.device = device;
    const isThere = device.connected;
    const [words, kind] = !isThere ? ["gone", "bad"]
      : device.answers === false ? ["does not answer", "warn"] : ["connected", "good"];
    this.state.textContent = words;
    this.state.className = `pill ${kind}`;
    const about = [device.platform, device.agent_version, device.path].filter(Boolean).join(" · ");
    replaceIfChanged(this.about, about, () => [foldedText(about)]);
    for (const controls of this.controls) controls.disabled = !isThere;
    if (device.uptime_s !== this.uptime.value) {
      this.uptime = { value: device.uptime_s, at: performance.now() };
    }
    this.setFact("frames", device.frames.toLocaleString("en"));
    this.setFact("points", device.points.toLocaleString("en"));
    this.errors.show(device.errors.length, device.errors.map(errorWords));
    this.violations.show(device.violation_count ?? 0, device.violations ?? []);
    this.sensors.update(device.sensors);
    this.streams.offer(device.sensors.flatMap((sensor) => sensor.metrics ?? []));
    this.streams.update(device.streams);
    this.recording.update(device.session);
    this.commands.update(device.commands, device.open_commands ?? []);
    this.showTimes();
  }

  /** Once a second. */
  tick() {
    this.setFact("points/s", formatRate(this.charts.measure()));
    this.streams.tick();
    this.recording.tick();
    this.showTimes();
  }

  showTimes() {
    if (this.device === null) return;
    const { connected, connected_ms: since } = this.device;
    this.setFact("connected", connected ? formatDuration((Date.now() - since) / 1000) : "–");
    const { value, at } = this.uptime;
    const isKnown = connected && Number.isFinite(value);
    this.setFact("uptime", isKnown
      ? formatDuration(value + (performance.now() - at) / 1000)
      : "–");
  }

  setFact(name, text) {
    this.facts.get(name).textContent = text;
  }

  say(text) {
    this.note.textContent = text;
  }
}

/** A number of remarks and the last one, in a line; behind it all that are known. */
class Remarks {
  constructor(what) {
    this.what = what;
    this.summary = element("summary", {});
    this.list = element("ul", {});
    this.node = element("details", { class: "remarks" }, this.summary, this.list);
    this.show(0, []);
  }

  show(count, lines) {
    const { what } = this;
    const words = count ? `${count} ${plural(what, count)}` : `No ${plural(what, 0)}`;
    this.summary.textContent = lines.length ? `${words}, the last: ${lines.at(-1)}` : words;
    this.node.classList.toggle("none-yet", count === 0);
    replaceIfChanged(this.list, lines, () => {
      return lines.toReversed().map((line) => element("li", {}, line));
    });
  }
}

const plural = (word, count) => (count === 1 ? word : `${word}${word.endsWith("ch") ? "es" : "s"}`);

function errorWords({ source, error, severity, timestamp }) {
  const time = Number.isFinite(timestamp) ? `${formatTime(timestamp)} ` : "";
  return `${time}${source}: ${error}${severity ? ` (${severity})` : ""}`;
}

function bound(map) {
  if (map.size > MAX_AWAITED) map.delete(map.keys().next().value);
}
