// Everything about selecting, put together for editor.js.

import { readMask } from "../canvas/masks.js";
import { isCutOut, layerAt } from "../canvas/hit.js";
import { strings } from "../page/strings.js";
import { Again } from "./again.js";
import { saveMask } from "./exporting.js";
import { HoverPreview } from "./hover.js";
import { Edges, refine } from "./matting.js";
import { makeOverlay } from "./overlay.js";
import { Rail } from "./rail.js";
import { Scales } from "./scales.js";
import { Selection } from "./selection.js";
import { SelectTools, TOOLS } from "./tools.js";

/**
 * root: the editor's element; api, doc, stage, tell: see editor.js; pointers(), sources(): made later; changed(): redraw
 * the page. Returns { selection, tools, leaveOut, toolHint, report, outline, finished, cut, actions, update }.
 */
export function makeSelecting({ root, api, doc, stage, tell, pointers, sources, changed }) {
  const photo = () => stage.subject();
  const leaveOut = new Switch(root, "leave-out");
  const alone = new Switch(root, "mask-view");

  const selection = new Selection({
    ask: async (prompt) => {
      const subject = photo();
      await subject.ready;
      return (await api.withPhoto(subject, (token) => api.call("segment", { token, prompt }))).candidates;
    },
    photo,
    context: () => doc.state,
    tell,
    changed,
  });
  const hint = new HoverPreview({
    photo,
    scale: () => stage.view[0],
    ask: ({ token }, point) => api.call("hover", { token, point }),
    read: readMask,
    blocked: (at) => !stage.source && (isCutOut(doc.state, at) || layerAt(doc.state, at) !== null),
    changed: () => stage.refresh(),
  });
  const tools = new SelectTools({
    stage,
    doc,
    selection,
    leaveOut: () => leaveOut.on,
    click: (at, event) => pointers().pressing.click(at, event),
    hint,
    tellEmpty: () => tell(strings.nothingToErase, "info"),
    changed: () => (rail.update(), changed()),
  });
  const cutOutLabel = root.querySelector('[data-do="cut-out"] span');
  const railMore = root.querySelector('[data-part="rail-more"]');
  const rail = new Rail(root, { tools, stage, sizeText: strings.brushSize, softnessText: strings.brushSoftness });
  const scales = new Scales(root.querySelector('[data-part="scales"]'), { selection, photo, label: strings.scaleLabel });
  const refining = new Set(); // promises of edges in the making
  const edges = new Edges(api);
  const edgeArguments = () => {
    const others = stage.source ? [] : doc.state.segments.filter(({ source }) => !source);
    return [selection.mask, photo(), others, selection.soft];
  };
  const again = new Again({
    doc,
    selection,
    enter: (source) => sources().enter(source),
    leave: () => sources().leave(),
    locked: () => tell(strings.layerLocked, "info"),
  });

  stage.overlays.push(makeOverlay({ stage, photo, selection, tools, hint, alone: () => alone.on }));
  stage.moving = () => selection.active;
  doc.onChange(() => selection.outdate());

  const choose = (name) => () => {
    pointers().cancel();
    tools.choose(name);
  };

  return {
    selection,
    tools,
    leaveOut: () => leaveOut.on,
    /** The name of the sentence that says what the tool in hand does, or null: then others know better. */
    toolHint: (group) => {
      if (selection.editing && tools.active === "select") return "hintAgain";
      return (["idle", "selection"].includes(group) && HINTS[tools.active]) || null;
    },
    /** For scripts and tests: what is selected; areas in square photo pixels; how many edges are in the making. */
    report: () => ({
      ...{ tool: tools.active, brush: tools.brush, editing: selection.editing, waiting: selection.waiting },
      refining: refining.size,
      ...{ points: selection.points, area: areaOf(selection.mask, photo()), hinted: areaOf(hint.mask, photo()) },
    }),
    /** The object of the photo that would be cut out now: { mask, finished() -> a promise of it with its edge }, or null. */
    outline: () => {
      if (!selection.mask || selection.waiting || selection.editing || stage.source) return null;
      return { mask: selection.mask, finished: () => edges.finish(...edgeArguments()) };
    },
    /** What is selected with its finished edge, where that is there already; else null. */
    finished: () => edges.finished(...edgeArguments()),
    /** A segment was just cut out of the selection: its edge is finished behind the scenes. */
    cut: (segment) => {
      refine(segment, edges.finish(...edgeArguments()), { photo: photo(), doc });
      refining.add(segment.refining);
      segment.refining.finally(() => refining.delete(segment.refining));
    },
    actions: {
      ...Object.fromEntries(TOOLS.map((name) => [`tool-${name}`, choose(name)])),
      "leave-out": () => leaveOut.set(!leaveOut.on),
      "mask-view": () => selection.active && (alone.set(!alone.on), stage.refresh()),
      "mask-save": () => selection.mask && saveMask(selection.mask, photo(), api).catch((problem) => tell(problem.message)),
      "brush-larger": () => tools.resize(1),
      "brush-smaller": () => tools.resize(-1),
      reselect: () => again.begin(),
    },
    update: () => {
      again.update();
      if (selection.active) hint.clear();
      else leaveOut.set(false), alone.set(false);
      railMore.hidden = !selection.active;
      cutOutLabel.textContent = selection.editing ? strings.useSelection : strings.cutOut;
      if (doc.layer && tools.active !== "select") tools.choose("select");
      scales.update();
    },
  };
}

const areaOf = (mask, photo) => (mask ? mask.alpha.reduce((sum, value) => sum + value, 0) / 255 / photo.scale ** 2 : 0);

const HINTS = { box: "hintBox", lasso: "hintLasso", brush: "hintBrush", eraser: "hintEraser" };

/** A button, wherever it stands on the page, that is on or off. */
class Switch {
  constructor(root, name) {
    this.buttons = [...root.querySelectorAll(`[data-do="${name}"]`)];
  }

  get on() {
    return this.buttons[0].getAttribute("aria-pressed") === "true";
  }

  set(on) {
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(on));
  }
}
