// What commands said, the newest last; bounded.

import { button, element, formatTime } from "./dom.js";

const MAX_ENTRIES = 500;
const MAX_CHARACTERS = 4096;

export class Console {
  constructor() {
    this.lines = element("div", { class: "console", role: "log", tabindex: 0,
      "aria-label": "Output" });
    this.clear = button("Clear output", { class: "quiet" }, () => {
      this.open = null;
      this.lines.replaceChildren();
    });
    this.open = null; // {id, said}: the entry that the next piece of that command goes on in
  }

  /** Text of a command as it comes: a piece may end within a line. */
  print(id, name, text) {
    if (text === "") return;
    if (this.open?.id !== id || this.open.said.textContent.length + text.length > MAX_CHARACTERS) {
      this.write(name, "", "");
      this.open = { id, said: this.lines.lastChild.lastChild };
    }
    this.keepAtEnd(() => this.open.said.append(text.slice(0, MAX_CHARACTERS)));
  }

  /** kind: "", "good" or "bad"; name: of the command. */
  write(name, event, text, kind = "") {
    this.open = null;
    const shown = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)} ...` : text;
    const entry = element("div", { class: "line" },
      element("span", { class: "time" }, formatTime(Date.now())), " ",
      element("span", { class: "who" }, name), " ",
      ...(event ? [element("span", { class: `event ${kind}` }, event), " "] : []),
      element("span", { class: "said" }, shown));
    this.keepAtEnd((lines) => {
      lines.append(entry);
      while (lines.childElementCount > MAX_ENTRIES) lines.firstChild.remove();
    });
  }

  /** Who looks at the end goes on seeing it; who has scrolled up is left there. */
  keepAtEnd(change) {
    const { lines } = this;
    const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 4;
    change(lines);
    if (isAtEnd) lines.scrollTop = lines.scrollHeight;
  }
}
