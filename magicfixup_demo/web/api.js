// Calls to the server. An answer with an error becomes a thrown Problem whose message is meant for the user.

import { strings } from "./strings.js";

const POLL_MS = 200;

export class Problem extends Error {
  constructor(message, gone = false) {
    super(message);
    this.gone = gone;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Api {
  constructor(server, upload) {
    Object.assign(this, { server, upload, visit: null });
  }

  async call(name, record) {
    let reply = null;
    try {
      reply = await this.server[name](record);
    } catch {
      throw new Problem(strings.noAnswer);
    }
    if (!reply) throw new Problem(strings.noAnswer);
    if (reply.error) throw new Problem(reply.error, reply.gone);
    return reply;
  }

  /** Send a file; the server answers with the photo as it reads it. */
  async openFile(file) {
    let path = null;
    try {
      ({ path } = await this.upload(file));
    } catch {
      throw new Problem(strings.noAnswer);
    }
    return this.call("open_upload", { path, name: file.name, visit: this.visit });
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

  /** Do something with a photo; if the server has dropped it meanwhile, send it again first, without a question. */
  async withPhoto(photo, work) {
    try {
      return await work(photo.token);
    } catch (problem) {
      if (!problem.gone) throw problem;
      const again = await photo.reopen();
      photo.token = again.token;
      await this.untilReady(photo.token, () => {});
      return work(photo.token);
    }
  }
}
