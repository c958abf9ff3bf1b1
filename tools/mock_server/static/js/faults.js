// The buttons that script faults, and the list of those still to come.

import * as api from "./api.js";
import { button, byId, element } from "./dom.js";

const FAULTS = [
  ["503", { status: 503 }, "Answer 503 Service Unavailable"],
  ["429", { status: 429, retry_after: 5 }, "Answer 429 with Retry-After: 5"],
  ["400", { status: 400 }, "Answer 400 Bad Request"],
  ["401", { status: 401 }, "Answer 401 Unauthorized"],
  ["HTML portal", { html: true }, "Answer 200 with a captive portal's page"],
  ["Wrong count", { count: 0 }, "Answer 200 with a count of 0"],
  ["Stall", { stall: "before_headers" }, "Never answer; hold the connection open"],
  ["Cut answer", { cut_after: 40 }, "Close after 40 bytes of the answer"],
  ["Lost answer", { read_then_reset: true, store: true }, "Store the points, then reset"],
  ["Slow 3 s", { delay_ms: 3000 }, "Answer rightly, 3 s late"],
];
const OUTAGE_MS = 5000;

/** Sets the buttons up; onError(message) is told when one does not work. */
export function setUpFaults(onError) {
  const attempt = (work) => () => work().catch((error) => onError(error.message));
  const times = () => Number(byId("times").value);
  const faultButton = (label, title, work) => button(label, { title }, attempt(work));
  byId("fault-buttons").append(
    ...FAULTS.map(([label, action, title]) => faultButton(label, title, () => {
      return api.addFault({ ...action, times: times() });
    })),
    faultButton("Outage 5 s", "Close the ports and drop the connections for 5 s",
      () => api.startOutage(OUTAGE_MS)),
    faultButton("Clear", "Forget the faults still to come and end an outage", async () => {
      await api.clearFaults();
      await api.endOutage();
    }),
  );
  byId("reset").addEventListener("click", attempt(api.reset));
}

export function showPending(faults) {
  byId("pending").replaceChildren(...faults.map(({ times, ...effects }) => {
    const words = Object.entries(effects).map(([name, value]) => {
      return value === true ? name : `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`;
    });
    const often = times === -1 ? "every request" : times === 1 ? "next request" : `${times} requests`;
    return element("li", {}, `${often}: ${words.join(", ") || "as usual"}`);
  }));
}
