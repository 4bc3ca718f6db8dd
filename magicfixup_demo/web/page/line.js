// The line to the server: whether anybody is there, files on their way, and a visit of one's own when Gradio's has ended with
// the connection.

import { secretName } from "./secret.js";

const PAUSE_MS = 7000; // between two questions whether it is alive
const ANSWER_MS = 8000; // a busy server is slow, not dead

/** The server's own sentence where it does not take something, or null. */
async function refusalOf(answer) {
  const { detail } = await answer.json().catch(() => ({}));
  return typeof detail === "string" ? detail : null;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Line {
  /** address: the server's, without a slash. */
  constructor(address, { pauseMs = PAUSE_MS, answerMs = ANSWER_MS } = {}) {
    Object.assign(this, { address, pauseMs, answerMs });
  }

  /** Rejects once `times` questions in a row had no answer; never, when over() is true before. */
  async dead(times, over) {
    for (let silent = 0; silent < times; ) {
      await pause(this.pauseMs);
      if (over()) return new Promise(() => {});
      silent = (await this.isAlive()) ? 0 : silent + 1;
    }
    if (!over()) throw new Error("dead");
    return new Promise(() => {});
  }

  async isAlive() {
    try {
      return (await this.#ask("app_id", { signal: AbortSignal.timeout(this.answerMs) })).ok;
    } catch {
      return false;
    }
  }

  /** Send a file. Resolves to where the server put it, a path for its handlers; rejects with the server's `sentence`. Gradio's way would add a message of its own. */
  async upload(file) {
    const body = new FormData();
    body.append("files", file, secretName()); // Gradio's place for it is its content's hash and this name
    const answer = await this.#ask("upload", { method: "POST", body });
    if (!answer.ok) throw Object.assign(new Error(answer.statusText), { sentence: await refusalOf(answer) });
    return (await answer.json())[0];
  }

  /** Begin another visit, which lasts as long as this page. Resolves to its name, or null where that fails. */
  async begin() {
    const session = secretName();
    try {
      const body = JSON.stringify({ data: [], session_hash: session });
      const answer = await this.#ask("run/welcome", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      const { data } = await answer.json();
      this.#beat(session);
      return data[0].visit;
    } catch {
      return null;
    }
  }

  // The server ends a visit when this connection closes.
  async #beat(session) {
    try {
      const { body } = await this.#ask(`heartbeat/${session}`);
      const reader = body.getReader();
      while (!(await reader.read()).done);
    } catch {
      // the next photo that is gone begins another one
    }
  }

  #ask = (path, options) => fetch(`${this.address}/gradio_api/${path}`, options);
}
