// "Fix it up": sends the arrangement, follows the work, stops it when asked. The photo itself is on the server.

import { hasEdits, toJson } from "./collage.js";
import { strings } from "./strings.js";

const STOP_PATIENCE_MS = 20_000;

export class Fixup {
  #job = null;

  /** send(request) starts the queued event; its messages come back through `receive`. preview(url) shows one, or none. */
  constructor({ api, doc, send, tell, show, hide, preview, changed, finished }) {
    Object.assign(this, { api, doc, send, tell, show, hide, preview, changed, finished });
  }

  get running() {
    return this.#job !== null;
  }

  /** options: as Settings reads them. */
  async run(options) {
    const { state } = this.doc;
    if (this.running) return;
    if (!state.photo) return this.tell(strings.openFirst, "info");
    if (!hasEdits(state)) return this.tell(strings.nothingMoved, "info");
    const name = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    this.#job = { name, state, stopping: false };
    this.#progress(0, strings.queued);
    this.changed();
    try {
      // Any answer means that the photo is there; if it was dropped meanwhile, this sends it again.
      await this.api.withPhoto(state.photo, (token) => this.api.call("status", { token }));
    } catch (problem) {
      return this.#end(() => this.tell(problem.message));
    }
    if (this.#job?.stopping) return this.#end(() => this.tell(strings.stopped, "info"));
    this.send({ token: state.photo.token, job: name, collage: toJson(state), options });
  }

  stop() {
    if (!this.running || this.#job.stopping) return;
    this.#job.stopping = true;
    this.show(null, strings.stopping);
    this.changed();
    const { name } = this.#job;
    const giveUp = () => this.#job?.name === name && this.#end(() => this.tell(strings.stopped, "info"));
    this.api.call("stop", { job: name }).catch(giveUp);
    setTimeout(giveUp, STOP_PATIENCE_MS); // the server's word may be lost with the connection
  }

  receive(message) {
    if (!this.#job || message.job !== this.#job.name) return;
    const { name, state } = this.#job;
    if (message.kind === "progress") {
      if (message.preview) this.preview(message.preview);
      return this.#progress(message.fraction, message.text);
    }
    if (message.kind === "stopped") return this.#end(() => this.tell(strings.stopped, "info"));
    if (message.kind === "error") return this.#end(() => this.tell(message.message));
    if (message.kind === "done") this.#end(() => this.finished({ ...message.value, job: name, state }));
  }

  #progress(fraction, text) {
    if (!this.#job.stopping) this.show(fraction, text || strings.running);
  }

  #end(afterwards) {
    this.#job = null;
    this.preview(null);
    this.hide();
    this.changed();
    afterwards();
  }
}
