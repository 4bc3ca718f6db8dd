// Calls to the server. An answer with an error becomes a thrown Problem whose message is meant for the user.

import { strings } from "./strings.js";

const POLL_MS = 200;
const DEAD_AFTER = 2; // times in a row that the server gave no sign of life while something was waited for
const DEAD_AFTER_UPLOADING = 8; // a large file on a slow line leaves no room for other questions

export class Problem extends Error {
  /** gone: the server dropped the photo; lost: it dropped a full-size result. */
  constructor(message, { gone = false, lost = false } = {}) {
    super(message);
    Object.assign(this, { gone, lost });
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Api {
  #renewing = null;

  /** line: of line.js, which knows whether the server is there. */
  constructor(server, line) {
    Object.assign(this, { server, line, visit: null });
  }

  async call(name, record) {
    const reply = await this.#answer(() => this.server[name](record), DEAD_AFTER);
    if (!reply) throw new Problem(strings.noAnswer);
    if (reply.error) throw new Problem(reply.error, reply);
    return reply;
  }

  /**
   * Send a file; the server answers with the photo as it reads it. `known`: tokens of photos on the page, which a saved
   * picture without its photo may be about. `rounds`: how many fix-ups its pixels have been through.
   */
  async openFile(file, known = [], rounds = 0) {
    const path = await this.#answer(() => this.line.upload(file), DEAD_AFTER_UPLOADING);
    return this.call("open_upload", { path, name: file.name, visit: this.visit, known, rounds });
  }

  /** A file that the server makes, in parts: a phone need not hold a large one as one long text. */
  async fetchFile(request) {
    const { token } = request;
    const first = await this.call("save", request);
    const parts = [await decoded(first.data)];
    for (let { next } = first; next !== null; ) {
      const part = await this.call("save_part", { token, key: first.key, at: next });
      parts.push(await decoded(part.data));
      ({ next } = part);
    }
    return { blob: new Blob(parts, { type: first.type }), name: first.name };
  }

  openExample = (name) => this.call("open_example", { name, visit: this.visit });

  /** Wait until the photo can be clicked; show(fraction, text) as it goes. Resolves to the segmenter's note. */
  async untilReady(token, show) {
    for (;;) {
      const { photo, note } = await this.call("status", { token });
      if (photo.problem) throw new Problem(photo.problem);
      if (photo.ready) return note;
      show(photo.fraction, photo.text);
      await pause(POLL_MS);
    }
  }

  /** Make sure that the server has all these photos, by asking for any answer about each. */
  async holdAll(photos) {
    for (const photo of photos) await this.withPhoto(photo, (token) => this.call("status", { token }));
  }

  /** Do something with a photo; if the server has dropped it meanwhile, send it again first, without a question. */
  async withPhoto(photo, work) {
    try {
      return await work(photo.token);
    } catch (problem) {
      if (!problem.gone) throw problem;
      await this.#renewVisit();
      const again = await photo.reopen();
      photo.token = again.token;
      await this.untilReady(photo.token, () => {});
      return work(photo.token);
    }
  }

  // The server forgets a visit when the connection broke or it was started anew; photos of an unknown one would stay long.
  async #renewVisit() {
    const { known } = await this.call("visiting", { visit: this.visit });
    if (known) return;
    this.#renewing ??= this.line.begin().finally(() => (this.#renewing = null));
    this.visit = (await this.#renewing) ?? this.visit;
  }

  // Waits for as long as the server shows that it is alive, however slow it is; a dead one is not waited for.
  async #answer(ask, deadAfter) {
    let over = false;
    const dead = this.line.dead(deadAfter, () => over);
    try {
      return await Promise.race([ask(), dead]);
    } catch (problem) {
      throw new Problem(problem?.sentence ?? strings.noAnswer);
    } finally {
      over = true;
    }
  }
}

const decoded = async (base64) => (await fetch(`data:application/octet-stream;base64,${base64}`)).blob();
