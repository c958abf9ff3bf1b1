// Puts the page together: what the feed brings goes to the views.

import { Charts } from "./charts.js";
import { Devices, showHowToConnect } from "./devices.js";
import { byId, element } from "./dom.js";
import { setUpFaults, showPending } from "./faults.js";
import { follow } from "./feed.js";
import { PointTable, showRequests, showSessions } from "./tables.js";

const TOTALS = [["points", "readings"], ["duplicates", "sent again"], ["requests", "requests"],
  ["sessions", "sessions"]];

export const devices = new Devices();
const charts = new Charts(byId("charts"));
const points = new PointTable(byId("points"));
let outage = false;

function showLink(words, kind) {
  byId("link").textContent = words;
  byId("link").className = `pill ${kind}`;
}

function showState(state) {
  outage = state.outage;
  byId("profile").textContent = `${state.profile} profile`;
  byId("totals").replaceChildren(...TOTALS.map(([name, label]) => {
    const kind = name === "duplicates" && state.counts[name] ? "warn" : "";
    return element("div", { class: kind }, element("dt", {}, label),
      element("dd", {}, state.counts[name].toLocaleString("en")));
  }));
  showPending(state.faults);
  showHowToConnect(state.ports.main, state.profile);
  const empty = state.counts.points === 0;
  byId("empty").hidden = byId("example").hidden = !empty;
  byId("example").textContent = [
    `curl http://${location.hostname}:${state.ports.main}/api/ingest -H 'x-api-key: plx_test' \\`,
    `  -d '{"source_id": "sensor-001", "points": [{"metric": "temperature", "value": 21.5}]}'`,
  ].join("\n");
}

setUpFaults((message) => showLink(message, "bad"));
byId("window").addEventListener("change", (event) => charts.setWindow(Number(event.target.value)));

follow({
  onState: showState,
  onClear() {
    charts.clear();
    points.clear();
  },
  onPoints(news) {
    charts.add(news);
    points.add(news);
  },
  onRequests: (requests) => showRequests(byId("requests"), requests),
  onSessions: (sessions) => showSessions(byId("sessions"), sessions),
  onLink(connected) {
    if (!connected) showLink("server unreachable", "bad");
    else if (outage) showLink("outage", "warn");
    else showLink("live", "good");
  },
});
