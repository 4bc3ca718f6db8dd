// What can be done with results: keep them, bring one back, go on from one, make one again, delete one.

import { strings } from "../page/strings.js";
import { ResultHistory, sameArrangement } from "./history.js";
import { Results } from "./results.js";
import { Strip, thumbnail } from "./strip.js";

const ROUNDS_BEFORE_A_WARNING = 2;

export class ResultDesk {
  #warned = false;
  #cameFrom = "edit"; // where the fix-up under way was started
  #takeBack = null; // the seed that it was started with for its own sake

  /** root: the editor's element; mode() and setMode(name): what is in view; run() starts a fix-up. */
  constructor({ root, doc, api, settings, opening, tell, mode, setMode, run }) {
    Object.assign(this, { root, doc, api, settings, opening, tell, mode, setMode, run });
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.history = new ResultHistory();
    this.view = new Results(part("result"), {
      api,
      tell,
      models: () => settings.models.offers.map(({ name }) => name),
      isOpen: () => mode() === "result",
      ask: () => (part("settings").open = true),
    });
    this.strip = new Strip(part("past"), this.history, { restore: (entry) => this.restore(entry), remove: (entry) => this.remove(entry) });
    this.parts = { strip: part("past"), stale: part("stale"), open: root.querySelector('[data-do="show-result"]'), other: root.querySelector('[data-do="download-other"]') };
  }

  actions = {
    "show-result": () => this.show(),
    "keep-editing": () => this.keepEditing(),
    "make-again": () => this.makeAgain(),
    "another-seed": () => this.anotherSeed(),
    restore: () => this.restore(this.view.entry),
  };

  /** A fix-up begins: it is watched on the stage. */
  begin() {
    this.#cameFrom = this.mode();
    if (this.#cameFrom === "result") this.setMode("edit");
  }

  /** It ended without a result: what was there is there again. */
  ended() {
    this.#takeBack?.();
    if (this.#cameFrom === "result" && this.view.entry) this.setMode("result");
  }

  /** result: what the server sent, with its job, state and options. */
  async finished(result) {
    const { job, state, options } = result;
    this.#takeBack = null;
    const entry = this.history.add({ id: job, state, options, result, at: new Date(), thumb: result.images[0] });
    this.show(entry);
    if (result.note) this.tell(result.note, "info");
    entry.thumb = await thumbnail(result.images[0]).catch(() => entry.thumb);
    this.strip.show(this.view.entry);
  }

  show(entry = this.view.entry) {
    if (!entry) return false;
    this.view.show(entry, entry === this.view.entry ? this.view.sample : 0);
    this.setMode("result");
    this.strip.show(entry);
    this.view.place();
    this.view.focus();
    return true;
  }

  /** The whole of a result again: arrangement (one undo step), settings and seed, and its pictures. */
  restore(entry) {
    if (!sameArrangement(entry.state, this.doc.state)) {
      this.doc.commit(entry.state);
      this.doc.choose(null);
      this.tell(strings.restored, "info");
    }
    this.settings.write(entry.options);
    this.show(entry);
  }

  remove(entry) {
    const next = this.history.remove(entry);
    this.api.call("forget_result", { token: entry.state.photo.token, job: entry.result.job }).catch(() => {}); // it goes with the visit
    if (entry !== this.view.entry) return this.strip.show(this.view.entry);
    if (next) return this.show(next);
    this.view.show(null);
    this.setMode("edit");
    this.tell(strings.noneLeft, "info");
  }

  /** The same again, for a result whose full-size pictures the server has dropped. */
  makeAgain() {
    const { entry } = this.view;
    this.restore(entry);
    this.run();
  }

  /** The same with another seed; the settings keep that seed only if a result comes of it. */
  anotherSeed() {
    this.#takeBack = this.settings.dice();
    this.run();
  }

  /** The chosen result as the photo to arrange next. */
  async keepEditing() {
    const { view, api, opening } = this;
    const record = { ...view.request(), visit: api.visit };
    const { photo } = view.entry.state;
    await opening.record(async () => {
      try {
        return await api.call("open_result", { ...record, token: photo.token });
      } catch (problem) {
        if (this.mode() === "result") view.missing(problem);
        if (problem.lost || problem.gone) problem.message = strings.roundGone;
        throw problem;
      }
    }, strings.openingResult);
    const { rounds } = this.doc.state.photo;
    if (this.doc.state.photo === photo || rounds < ROUNDS_BEFORE_A_WARNING || this.#warned) return;
    this.#warned = true;
    this.tell(strings.manyRounds(rounds), "info");
  }

  // While arranging: where what is on the page has a result, that one is in reach and no other. Undo leads to it, too.
  #follow() {
    const { history, view, doc } = this;
    if (this.mode() !== "edit" || doc.drafting || !view.entry) return;
    const fits = ({ state }) => sameArrangement(state, doc.state);
    const fitting = fits(view.entry) ? null : history.entries.find(fits);
    if (fitting) view.show(fitting);
  }

  /** Buttons that depend on what is there, after any change of the page. */
  update() {
    this.#follow();
    const { entry, current } = this.view;
    const stale = Boolean(entry) && !sameArrangement(entry.state, this.doc.state);
    this.parts.open.hidden = !(entry && this.mode() === "edit");
    this.parts.open.dataset.stale = stale;
    this.parts.open.querySelector("span").textContent = stale ? strings.earlierResult : strings.result;
    this.parts.open.title = stale ? strings.earlierResultLong : strings.resultLong;
    this.parts.stale.hidden = !stale;
    this.parts.strip.hidden = this.history.entries.length < 2;
    const { other } = current ?? {};
    this.parts.other.hidden = !other;
    if (!other) return;
    this.parts.other.title = this.parts.other.ariaLabel = strings.downloadOther(other.model);
    this.parts.other.querySelector("span").textContent = this.parts.other.title;
  }
}
