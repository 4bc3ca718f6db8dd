// "Fix it up": sends the arrangement, follows the work, stops it when asked. The photo itself is on the server.

import { hasEdits, sourceTokens, toJson } from "../model/collage.js";
import { secretName } from "../page/secret.js";
import { strings } from "../page/strings.js";

const STOP_PATIENCE_MS = 20_000;

export class Fixup {
  #job = null;

  /**
   * send(request) starts the queued event; its messages come back through `receive`. preview(url) shows one, or none.
   * finished(result) at the end, or ended() where there is no result.
   */
  constructor({ api, doc, send, tell, show, hide, preview, changed, finished, ended }) {
    Object.assign(this, { api, doc, send, tell, show, hide, preview, changed, finished, ended });
  }

  get running() {
    return this.#job !== null;
  }

  /** Why there is nothing to do, or null. */
  get problem() {
    const { state } = this.doc;
    if (!state.photo) return strings.openFirst;
    return hasEdits(state) ? null : strings.nothingMoved;
  }

  /** options: as Settings reads them. */
  async run(options) {
    if (this.running) return;
    const name = secretName();
    this.#job = { name, options, state: this.doc.state, stopping: false };
    this.#progress(0, strings.queued);
    this.changed();
    try {
      await this.#prepare();
    } catch (problem) {
      return this.#end(() => this.tell(problem.message));
    }
    if (this.#job?.name !== name) return;
    if (this.#job.stopping) return this.#end(() => this.tell(strings.stopped, "info"));
    if (this.doc.state.photo !== this.#job.state.photo) return this.#end(() => this.tell(strings.photoChanged, "info"));
    const { state } = (this.#job = { ...this.#job, state: this.doc.state });
    this.send({ token: state.photo.token, job: name, collage: toJson(state), sources: sourceTokens(state), options });
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
    const { name, state, options } = this.#job;
    if (message.kind === "progress") {
      if (message.preview) this.preview(message.preview);
      return this.#progress(message.fraction, message.text);
    }
    if (message.kind === "stopped") return this.#end(() => this.tell(strings.stopped, "info"));
    if (message.kind === "error") return this.#end(() => this.tell(message.message));
    if (message.kind === "done") this.#finish({ ...message.value, job: name, state, options });
  }

  // Soft edges that are still being made shall be in the picture; where one fails, the hard edge stays. And any
  // answer about a photo means that it is there: if it was dropped meanwhile, this sends it again.
  async #prepare() {
    const { state } = this.doc;
    await Promise.allSettled(state.segments.map(({ refining }) => refining));
    await this.api.holdAll([state.photo, ...state.sources]);
  }

  #progress(fraction, text) {
    if (!this.#job.stopping) this.show(fraction, text || strings.running);
  }

  #finish(result) {
    this.#close();
    this.finished(result);
  }

  #end(afterwards) {
    this.#close();
    this.ended();
    afterwards();
  }

  #close() {
    this.#job = null;
    this.preview(null);
    this.hide();
    this.changed();
  }
}
