// The tables of requests, readings and sessions.

import { element, formatDelay, formatTime, formatValue } from "./dom.js";

const SHOWN_POINTS = 100;

function table(columns, rows, none) {
  if (rows.length === 0) return element("p", { class: "none" }, none);
  const head = columns.map(([title, kind]) => element("th", { class: kind }, title));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell, index) => {
    const title = columns[index][1] === "name" && !(cell instanceof Node) ? cell : null;
    return element("td", { class: columns[index][1], title }, cell ?? "");
  })));
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...body));
}

function badge(status) {
  if (status === null) return element("span", { class: "pill" }, "none");
  const kind = status < 300 ? "good" : status < 500 ? "warn" : "bad";
  return element("span", { class: `pill ${kind}` }, status);
}

const REQUEST_COLUMNS = [["Time", "time"], ["Request", "name"], ["Answer", ""],
  ["Points", "number"], ["Verdict", "wide"], ["Conn.", "number"]];

export function showRequests(container, requests) {
  const rows = requests.toReversed().map((request) => [
    formatTime(request.received_ms),
    `${request.method} ${request.path}`,
    badge(request.status),
    element("span", { title: `${request.body_bytes} bytes` }, request.points),
    request.verdict,
    request.connection,
  ]);
  container.replaceChildren(table(REQUEST_COLUMNS, rows, "No request yet."));
}

const POINT_COLUMNS = [["Read at", "time"], ["Metric", "name"], ["Source", "name"],
  ["Value", "wide"], ["Arrived after", "number"], ["Tags", "wide"]];

/** Keeps the newest readings over several calls. */
export class PointTable {
  constructor(container) {
    this.container = container;
    this.clear();
  }

  clear() {
    this.points = [];
    this.show();
  }

  add(points) {
    this.points = this.points.concat(points).slice(-SHOWN_POINTS);
    this.show();
  }

  show() {
    const rows = this.points.toReversed().map((point) => [
      formatTime(point.timestamp_ms),
      point.metric,
      point.source_id,
      element("span", {}, formatValue(point.value),
        ...(point.duplicate ? [" ", element("span", { class: "pill warn" }, "again")] : [])),
      formatDelay(point.received_ms - point.timestamp_ms),
      Object.entries(point.tags ?? {}).map(([key, value]) => `${key}=${value}`).join(", "),
    ]);
    this.container.replaceChildren(table(POINT_COLUMNS, rows, "No reading yet."));
  }
}

const SESSION_COLUMNS = [["Session", "name"], ["Name", "wide"], ["Source", "name"],
  ["Status", ""], ["Created", "time"], ["Ended", "time"], ["Points", "number"]];

export function showSessions(container, sessions) {
  const rows = sessions.toReversed().map((session) => [
    session.session_id,
    session.name,
    session.source_id,
    element("span", { class: session.status === "active" ? "pill good" : "pill" },
      session.status),
    formatTime(session.created_ms),
    session.ended_at ? formatTime(Date.parse(session.ended_at)) : "",
    session.points,
  ]);
  container.replaceChildren(table(SESSION_COLUMNS, rows, "No session yet."));
}
