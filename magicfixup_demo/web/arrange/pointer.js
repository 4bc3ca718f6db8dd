// Pointer events -> tools. A tool is { move, end, cancel }; one is made at pointer-down from what lies under it.

import { handleCursor } from "./handles.js";
import { DRAG_FROM, Pressing } from "./pressing.js";
import { Transforming } from "./transforming.js";
import { Viewing } from "./viewing.js";
import { layersAt } from "../canvas/hit.js";
import { isInside, viewToPhoto } from "../canvas/view.js";

const NO_TOOLS = { active: "select", toolFor: () => null, hover: () => {} };

export class Pointers {
  #down = new Map(); // pointer id -> latest CSS point
  #fingers = []; // the pointers that the tool under way follows
  #tool = null;

  /**
   * tools: { active, toolFor(point, at, event), hover(at or null, event) }, those of the selection;
   * cutOut() -> segment or null; leaveOut() -> whether a click excludes; onHole() says why nothing happens there.
   */
  constructor({ stage, doc, selection, tools = NO_TOOLS, cutOut, leaveOut, onHole, isLocked }) {
    Object.assign(this, { stage, doc, selection, tools, isLocked });
    this.viewing = new Viewing(stage, this.#point, () => (stage.canvas.style.cursor = this.viewing.ready ? "grab" : ""));
    this.transforming = new Transforming({ stage, doc });
    this.pressing = new Pressing({ stage, doc, selection, cutOut, leaveOut, onHole, transform: (what) => this.transforming.tool(what) });
    const { canvas } = stage;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#end(event));
    canvas.addEventListener("pointercancel", (event) => this.#lost(event));
    canvas.addEventListener("lostpointercapture", (event) => this.#lost(event));
    canvas.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && this.tools.hover(null, event));
  }

  /** Drop the gesture under way; everything is as before it. True when there was one. */
  cancel() {
    const tool = this.#take(null);
    this.#down.clear();
    tool?.cancel();
    return tool !== null;
  }

  // The tool before it. What floats over the canvas makes room while there is one.
  #take(tool) {
    const before = this.#tool;
    this.#tool = tool;
    this.stage.canvas.toggleAttribute("data-gesture", tool !== null);
    return before;
  }

  #begin(event) {
    const looking = this.viewing.wants(event);
    if ((event.button > 0 && !looking) || !this.stage.subject()) return;
    event.preventDefault();
    this.stage.canvas.focus({ preventScroll: true });
    this.stage.canvas.setPointerCapture(event.pointerId);
    this.stage.pointerType = event.pointerType;
    this.#down.set(event.pointerId, this.#point(event));
    if (this.#down.size > 2) return;
    if (this.#down.size === 2) this.#take(this.#secondFinger());
    else this.#take(looking ? this.viewing.drag(this.#point(event)) : this.#toolFor(event));
    this.#fingers = [...this.#down.keys()];
  }

  #move(event) {
    if (!this.#down.has(event.pointerId)) return this.#hover(event);
    this.#down.set(event.pointerId, this.#point(event));
    if (this.#fingers.includes(event.pointerId)) this.#tool?.move(this.#point(event), event);
  }

  // A finger that stays when the other one of a pair has gone does nothing until a new one joins it.
  #end(event) {
    if (!this.#down.delete(event.pointerId) || !this.#fingers.includes(event.pointerId)) return;
    const tool = this.#take(null);
    tool?.end(this.#point(event), event);
  }

  #lost(event) {
    if (!this.#down.delete(event.pointerId) || !this.#fingers.includes(event.pointerId)) return;
    this.cancel();
  }

  #point = ({ clientX, clientY }) => {
    const { left, top } = this.stage.canvas.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };

  #photoPoint = (point) => viewToPhoto(this.stage.view, point);

  #toolFor(event) {
    if (this.isLocked()) return null;
    const { doc, selection, stage, tools } = this;
    const point = this.#point(event);
    const at = this.#photoPoint(point);
    const handle = this.transforming.handleAt(point, event.pointerType);
    if (handle) return this.transforming.tool({ ...handle, layer: doc.layer, at });
    if (tools.active !== "select") {
      const tool = tools.toolFor(point, at, event);
      if (tool) return tool;
    }
    const layers = this.#layersAt(at);
    const layer = event.altKey ? behind(layers, doc.chosen) : layers[0];
    if (layer) {
      selection.clear();
      doc.choose(layer.id);
      return this.transforming.tool({ kind: "move", layer, at, slack: DRAG_FROM[event.pointerType] ?? DRAG_FROM.mouse, from: point });
    }
    return this.pressing.tool(point, at, event);
  }

  #layersAt(at) {
    const { stage, doc } = this;
    return !stage.source && isInside(doc.state.photo, at) ? layersAt(doc.state, at) : [];
  }

  // Two fingers on the chosen layer change it, elsewhere the view. A drag that the first finger began goes on, so that
  // both together are one step to undo.
  #secondFinger() {
    const { stage, tools, transforming } = this;
    const tool = this.#tool;
    const points = () => [...this.#down.values()].slice(0, 2);
    const onLayer = !this.isLocked() && tools.active === "select" && (tool?.goesOn || transforming.isUnder(points()));
    if (!onLayer || !tool?.goesOn) tool?.cancel();
    stage.band = null;
    return onLayer ? transforming.pinch(points) : this.viewing.pinch(points);
  }

  #hover(event) {
    const { stage, selection, tools } = this;
    if (!stage.subject() || event.pointerType === "touch") return;
    if (this.viewing.ready) return (stage.canvas.style.cursor = "grab");
    if (stage.pointerType !== event.pointerType) (stage.pointerType = event.pointerType), stage.refresh();
    const point = this.#point(event);
    const at = this.#photoPoint(point);
    const handle = this.transforming.handleAt(point, event.pointerType);
    const layer = !handle && tools.active === "select" && this.#layersAt(at)[0];
    let cursor = isInside(stage.subject(), at) ? "crosshair" : "default";
    if (layer || (selection.mask && selection.covers(...at))) cursor = "move";
    if (handle) cursor = handleCursor(this.transforming.handles(event.pointerType), handle);
    stage.canvas.style.cursor = cursor;
    tools.hover(handle || layer ? null : at, event);
  }
}

// The next layer below the chosen one, or below the topmost; undefined where only the photo is left.
const behind = (layers, chosen) => layers[Math.max(layers.findIndex(({ id }) => id === chosen), 0) + 1];
