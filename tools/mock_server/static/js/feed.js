// Keeps up with the server: a doorbell says that something changed, then only news is fetched.

import * as api from "./api.js";

const HISTORY_POINTS = 10000;
const PAGE_POINTS = 2000;
const SHOWN_REQUESTS = 100;

/**
 * Calls views.onState(state), onClear(), onPoints(points), onRequests(requests),
 * onSessions(sessions) and onLink(connected) as things happen. Runs until the page closes.
 */
export function follow(views) {
  let generation = null;
  let lastPointId = 0;
  let busy = false;
  let rangMeanwhile = false;

  async function fetchNews() {
    const state = await api.getState();
    if (state.generation !== generation) {
      generation = state.generation;
      views.onClear();
      const points = await api.getNewestPoints(HISTORY_POINTS);
      lastPointId = points.length ? points.at(-1).id : state.counts.last_point_id;
      views.onPoints(points);
    }
    views.onState(state);
    for (;;) {
      const points = await api.getPointsSince(lastPointId, PAGE_POINTS);
      if (points.length === 0) break;
      lastPointId = points.at(-1).id;
      views.onPoints(points);
    }
    views.onRequests(await api.getNewestRequests(SHOWN_REQUESTS));
    views.onSessions(await api.getSessions());
  }

  async function ring() {
    rangMeanwhile = true;
    if (busy) return;
    busy = true;
    try {
      while (rangMeanwhile) {
        rangMeanwhile = false;
        await fetchNews();
      }
      views.onLink(true);
    } catch (error) {
      console.warn("cannot reach the server", error);
      views.onLink(false);
    } finally {
      busy = false;
    }
  }

  const bell = new EventSource("/admin/events");
  bell.addEventListener("changed", ring);
  bell.addEventListener("error", () => views.onLink(false));
}
