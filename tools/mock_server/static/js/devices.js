// The devices: a tab and a panel for each, and what is shown while there is none.

import { byId, element } from "./dom.js";
import { Link } from "./link.js";
import { Panel } from "./panel.js";

const TICK_MS = 1000;
const MAX_DEVICES = 32;

export class Devices {
  constructor() {
    this.panels = new Map(); // source -> {panel, tab}
    this.added = 0;
    this.chosen = null;
    this.link = new Link({
      onMessage: (message) => this.receive(message),
      onState: (connected) => this.showLink(connected),
    });
    byId("tabs").addEventListener("keydown", (event) => this.move(event));
    setInterval(() => {
      for (const { panel } of this.panels.values()) panel.tick();
    }, TICK_MS);
  }

  panel(source) {
    return this.panels.get(source)?.panel;
  }

  receive(message) {
    if (message.type === "devices") this.update(message.devices);
    else this.panel(message.source_id)?.receive(message);
  }

  update(devices) {
    const shown = this.worthATab(devices);
    const sources = new Set(shown.map((device) => device.source_id));
    for (const source of [...this.panels.keys()]) {
      if (!sources.has(source)) this.remove(source);
    }
    for (const device of shown) {
      if (!this.panels.has(device.source_id)) this.add(device.source_id);
      const { panel, tab } = this.panels.get(device.source_id);
      tab.classList.toggle("gone", !device.connected);
      tab.lastChild.textContent = device.connected ? "" : " gone";
      panel.update(device);
    }
    if (!this.panels.has(this.chosen)) {
      const first = shown.find((device) => device.connected) ?? shown[0];
      this.choose(first?.source_id ?? null);
    }
    const hidden = devices.length - shown.length;
    byId("more-devices").hidden = hidden === 0;
    byId("more-devices").textContent = `${hidden} more not shown`;
    byId("no-device").hidden = devices.length > 0;
  }

  /** The chosen one and those that are connected before those that are gone, as they came. */
  worthATab(devices) {
    const rank = ({ source_id, connected }) => (source_id === this.chosen ? 0 : connected ? 1 : 2);
    const first = devices.toSorted((a, b) => rank(a) - rank(b)).slice(0, MAX_DEVICES);
    return devices.filter((device) => first.includes(device));
  }

  add(source) {
    const panel = new Panel(source, this.link);
    const number = ++this.added;
    const tab = element("button", { type: "button", role: "tab", id: `tab-${number}`,
      "aria-controls": `panel-${number}`, title: source },
    element("span", { class: "name" }, source), element("span", { class: "state" }));
    panel.node.id = `panel-${number}`;
    panel.node.setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => this.choose(source));
    this.panels.set(source, { panel, tab });
    byId("tabs").append(tab);
    byId("panels").append(panel.node);
    panel.node.hidden = true;
    tab.tabIndex = -1;
  }

  remove(source) {
    const { panel, tab } = this.panels.get(source);
    panel.node.remove();
    tab.remove();
    this.panels.delete(source);
  }

  choose(source) {
    this.chosen = source;
    for (const [name, { panel, tab }] of this.panels) {
      const isChosen = name === source;
      tab.setAttribute("aria-selected", isChosen);
      tab.tabIndex = isChosen ? 0 : -1;
      panel.node.hidden = !isChosen;
    }
  }

  /** The arrow keys go from tab to tab. */
  move(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const sources = [...this.panels.keys()];
    const next = (sources.indexOf(this.chosen) + step + sources.length) % sources.length;
    this.choose(sources[next]);
    this.panels.get(this.chosen).tab.focus();
  }

  showLink(connected) {
    byId("devices-link").textContent = connected ? "" : "live link lost, trying again";
    byId("devices-link").className = "pill bad";
    byId("panels").inert = !connected;
  }
}

/** How to connect a device to the main port of the server that the page came from. */
export function showHowToConnect(port, profile) {
  // A device tells by its path which server it speaks to.
  const path = profile === "documented" ? "/party/org_mock" : "/ws/device";
  const url = `ws://${location.hostname}:${port}${path}`;
  byId("agent-config").textContent = `"agent": {"url": "${url}"}`;
  byId("agent-program").textContent = [
    `agent = Agent(px, sensors, url="${url}")`,
    "await agent.run()",
  ].join("\n");
}
