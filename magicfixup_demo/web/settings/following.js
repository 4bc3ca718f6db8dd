// Asks the server how far its models are while one still loads, and says so below the stage.

import { strings } from "../page/strings.js";

const POLL_MS = 1000;

export class ModelsFollower {
  #timer = null;

  /** note(text) is the line below the stage; busy() tells whether a fix-up runs, which may load a model. */
  constructor(api, settings, note, busy) {
    Object.assign(this, { api, settings, note, busy });
  }

  /** Ask now, and again until nothing changes any more. */
  async follow() {
    clearTimeout(this.#timer);
    let settled = false;
    try {
      const { models, segmenter, note } = await this.api.call("status", {});
      this.note([segmenter.ready ? "" : strings.modelLoading(segmenter), problemOf(models), note].filter(Boolean).join(" "));
      this.settings.models.offer(models);
      settled = segmenter.ready && isSettled(models) && !this.busy();
    } catch {
      // The server does not answer now; asking again is all there is to do.
    }
    clearTimeout(this.#timer);
    if (!settled) this.#timer = setTimeout(() => this.follow(), POLL_MS);
  }
}

/** One sentence where what was asked for, or everything, cannot be had; how far a download is while one runs. */
export function problemOf({ problem, wanted, default: running, offers }) {
  const record = (name) => offers.find((offer) => offer.name === name);
  if (problem || record(running)?.problem) return strings.engineMissing(problem || record(running).problem);
  if (wanted !== running && record(wanted)?.problem) return strings.defaultMissing(record(wanted), running);
  const downloading = offers.find(({ loading, megabytes }) => loading && megabytes > 0);
  return downloading ? strings.modelLoading(downloading) : "";
}

function isSettled({ problem, offers }) {
  return Boolean(problem) || (offers.length > 0 && !offers.some(({ loading }) => loading) && offers.some(({ info, problem }) => info || problem));
}
