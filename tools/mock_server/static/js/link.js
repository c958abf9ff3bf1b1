// The page's WebSocket to the server: devices and what they send come in, commands go out.

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5000;

export class Link {
  /** Calls onMessage(message) and onState(connected) as things happen. */
  constructor({ onMessage, onState }) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.asked = []; // {resolve, reject} of the commands that the server did not answer yet
    this.retryMs = FIRST_RETRY_MS;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/admin/live`);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.retryMs = FIRST_RETRY_MS;
      this.onState(true);
    });
    socket.addEventListener("message", (event) => this.receive(JSON.parse(event.data)));
    socket.addEventListener("close", () => {
      for (const { reject } of this.asked.splice(0)) reject(new Error("the server went away"));
      this.onState(false);
      setTimeout(() => this.connect(), this.retryMs);
      this.retryMs = Math.min(2 * this.retryMs, LAST_RETRY_MS);
    });
  }

  /** The server answers commands in their order. */
  receive(message) {
    if (message.type === "sent") this.asked.shift()?.resolve(message.id);
    else if (message.type === "refused") this.asked.shift()?.reject(new Error(message.error));
    else this.onMessage(message);
  }

  /** Has the server send a command; resolves to its id, or rejects with the server's reason. */
  command(source, command, params) {
    if (this.socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Error("not connected to the server"));
    }
    return new Promise((resolve, reject) => {
      this.asked.push({ resolve, reject });
      const message = { type: "command", source_id: source, command, params };
      this.socket.send(JSON.stringify(message));
    });
  }
}
