// "Select again": a layer's object is the live selection once more, at the place in the photo that it was cut from.

import { makeCanvas } from "../canvas/masks.js";
import { findLayer, photoOf, segmentOf } from "../model/collage.js";

export class Again {
  #layer = null; // the one that is chosen again at the end; null while nothing is selected again
  #segment = null;
  #standIn = null; // takes the segment's place in what is shown, so that the photo is whole there

  /** doc, selection; enter(photo) and leave() show a second photo or the document's; locked() is told of a lock. */
  constructor({ doc, selection, enter, leave, locked }) {
    Object.assign(this, { doc, selection, enter, leave, locked });
  }

  /** Begin with the chosen layer; false when there is none. Until it ends the photo is shown with the object in it. */
  begin() {
    const { doc, selection } = this;
    const { layer, state } = doc;
    if (!layer) return false;
    if (layer.locked) return this.locked(), true;
    const segment = segmentOf(state, layer);
    doc.choose(null);
    if (segment.source) this.enter(photoOf(state, segment));
    this.#layer = layer.id;
    this.#segment = segment;
    selection.edit(segment);
    return true;
  }

  /** Called after every change: keeps the photo whole while the object is selected, and as it was once that is over. */
  update() {
    if (this.#layer === null) return;
    if (!this.selection.editing) this.#end();
    else if (!this.#segment.source) this.#keepWhole();
  }

  #end() {
    const [id, { doc }] = [this.#layer, this];
    this.#layer = this.#segment = this.#standIn = null;
    doc.dropDraft();
    this.leave();
    if (findLayer(doc.state, id)) doc.choose(id);
  }

  // What others commit meanwhile (a layer locked, say) was made from what is shown: the segment comes back into it.
  #keepWhole() {
    const { doc } = this;
    const { settled } = doc;
    if (settled.segments.includes(this.#standIn)) return doc.rewrite(putBack(this.#standIn, this.#segment));
    if (doc.state !== settled) return;
    if (!settled.segments.some(({ id }) => id === this.#segment.id)) return this.selection.clear();
    this.#standIn = standInFor(this.#segment);
    doc.draft(withStandIn(settled, this.#standIn));
  }
}

// Its picture is a copy: a matte that arrives meanwhile is meant for the segment itself.
function standInFor(segment) {
  const cutout = makeCanvas(segment.sw, segment.sh);
  cutout.getContext("2d").drawImage(segment.cutout, 0, 0);
  return { ...segment, cutout, hole: makeCanvas(1, 1), alpha: new Uint8Array(segment.alpha.length), covers: () => false };
}

// Its layers stay in the list, out of sight.
const withStandIn = (state, standIn) => ({
  ...state,
  segments: state.segments.map((segment) => (segment.id === standIn.id ? standIn : segment)),
  layers: state.layers.map((layer) => (layer.segment === standIn.id ? { ...layer, hidden: true, wasHidden: layer.hidden } : layer)),
});

const putBack = (standIn, segment) => (state) =>
  state.segments.includes(standIn)
    ? {
        ...state,
        segments: state.segments.map((other) => (other === standIn ? segment : other)),
        layers: state.layers.map((layer) => (layer.segment === segment.id ? seenAgain(layer) : layer)),
      }
    : state;

function seenAgain({ wasHidden, ...layer }) {
  return { ...layer, hidden: wasHidden };
}
