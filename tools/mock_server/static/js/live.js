// Charts of what a device sends this moment: they scroll with its time, frame by frame.

import { Charts } from "./charts.js";

export const WINDOWS_S = [10, 30, 60];
const KEEP_S = WINDOWS_S.at(-1);
const MAX_READINGS = 100 * KEEP_S;
const MAX_CARDS = 48;
const SETTLE_MS = 1500;
const STEP_S = 2;
const DRIFT = 0.02;

export class LiveCharts extends Charts {
  constructor(container) {
    super(container, {
      windowS: WINDOWS_S[1], maxCards: MAX_CARDS, maxReadings: MAX_READINGS, keepS: KEEP_S,
      showsSource: false,
    });
    this.received = 0;
    this.ahead = null; // how far the device's clock is ahead of performance.now(), in seconds
    this.arrivedAt = 0;
    this.pauseUntil = 0;
    this.measuredAt = performance.now();
    this.counts = new WeakMap(); // readings of a card when its rate was last measured
  }

  add(points) {
    if (points.length === 0) return;
    this.received += points.length;
    this.arrivedAt = performance.now();
    const newest = points.reduce((most, point) => Math.max(most, point.timestamp_ms), -Infinity);
    this.follow(newest / 1000 - this.arrivedAt / 1000);
    super.add(points);
  }

  /** The right edge goes on evenly, however unevenly the readings arrive. */
  follow(ahead) {
    if (this.ahead === null || Math.abs(ahead - this.ahead) > STEP_S || ahead > this.ahead) {
      this.ahead = ahead;
    } else {
      this.ahead += (ahead - this.ahead) * DRIFT;
    }
  }

  redraw() {
    if (this.redrawing) return;
    this.redrawing = true;
    const frame = (now) => {
      if (now >= this.pauseUntil && this.container.clientWidth > 0) {
        const began = performance.now();
        // Once nothing comes any more, the charts stand still.
        const until = Math.min(began, this.arrivedAt + SETTLE_MS);
        const edge = until / 1000 + (this.ahead ?? 0);
        for (const card of this.cards.values()) card.draw(this.windowS, edge);
        // Half of the time is for the rest of the page, however slow the drawing is.
        this.pauseUntil = now + 2 * (performance.now() - began);
      }
      this.redrawing = performance.now() < this.arrivedAt + SETTLE_MS;
      if (this.redrawing) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  /** Shows on each card how many readings a second came since the last call; returns the sum. */
  measure() {
    const now = performance.now();
    const seconds = (now - this.measuredAt) / 1000;
    this.measuredAt = now;
    let sum = 0;
    for (const card of this.cards.values()) {
      const rate = (card.received - (this.counts.get(card) ?? 0)) / seconds;
      this.counts.set(card, card.received);
      card.rate.textContent = rate ? `${formatRate(rate)}/s` : "";
      sum += rate;
    }
    return sum;
  }
}

export const formatRate = (rate) => String(rate < 9.5 ? Number(rate.toFixed(1)) : Math.round(rate));
