// A grid of cards, one for each source and metric.

import { Card } from "./card.js";

const MAX_READINGS = 20000;

export class Charts {
  /** options: windowS, maxCards, and what Card takes. */
  constructor(container, { windowS = 300, maxCards = Infinity, ...cardOptions } = {}) {
    this.container = container;
    this.cards = new Map();
    this.windowS = windowS;
    this.maxCards = maxCards;
    this.cardOptions = { maxReadings: MAX_READINGS, ...cardOptions };
    this.redrawing = false;
    const redrawAll = () => {
      for (const card of this.cards.values()) card.forgetPlot();
      this.redraw();
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
    new ResizeObserver(() => this.redraw()).observe(container);
  }

  setWindow(seconds) {
    this.windowS = seconds;
    this.redraw();
  }

  clear() {
    this.cards.clear();
    this.container.replaceChildren();
  }

  card(source, metric) {
    return this.cards.get(JSON.stringify([source, metric]));
  }

  add(points) {
    for (const point of points) {
      let card = this.card(point.source_id, point.metric);
      if (!card) {
        if (this.cards.size >= this.maxCards) continue;
        card = new Card(point.source_id, point.metric, this.cardOptions);
        this.cards.set(JSON.stringify([point.source_id, point.metric]), card);
        this.place(card);
      }
      card.add(point);
    }
    this.redraw();
  }

  /** Cards are in the order of their names, so that they do not jump about. */
  place(card) {
    const later = [...this.container.children].find((node) => node.dataset.name > card.name);
    this.container.insertBefore(card.node, later ?? null);
  }

  redraw() {
    if (this.redrawing) return;
    this.redrawing = true;
    requestAnimationFrame(() => {
      this.redrawing = false;
      for (const card of this.cards.values()) card.draw(this.windowS);
    });
  }
}
