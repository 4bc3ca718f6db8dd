// What buttons and keys do, by name. Each returns false when there was nothing to do, so the key stays the browser's.

import { addObject, duplicateLayer, flipLayer, newId, removeLayer, reorderLayer, segmentOf, setMatrix } from "./collage.js";
import { nudge } from "./gestures.js";
import { makeSegment, subtractMasks } from "./masks.js";
import { strings } from "./strings.js";

/** doc, selection, pointers(), tell: see editor.js. Returns { name: function }. */
export function makeCommands({ doc, selection, pointers, tell }) {
  /** The selected object as a segment, without what is cut out already. */
  const takeSelection = () => {
    const { photo, segments } = doc.state;
    const mask = selection.mask && subtractMasks(selection.mask, segments);
    if (selection.mask && !mask) tell(strings.alreadyCut, "info");
    return mask ? makeSegment(newId("s"), mask, photo) : null;
  };

  const onLayer = (change) => () => {
    if (!doc.layer) return false;
    doc.commit(change(doc.state, doc.chosen));
    return true;
  };

  const cutOut = () => {
    const segment = takeSelection();
    if (!segment) return false;
    const state = addObject(doc.state, segment, newId("l"));
    selection.clear();
    doc.commit(state);
    doc.choose(state.layers.at(-1).id);
    return true;
  };

  const duplicate = onLayer((state, id) => {
    const step = 0.05 * Math.min(state.photo.width, state.photo.height);
    const copy = newId("l");
    const next = duplicateLayer(state, id, copy, [step, step]);
    queueMicrotask(() => doc.choose(copy));
    return next;
  });

  // Delete on a selection cuts the object out of the photo and away, in one step.
  const remove = () => {
    if (doc.layer) return onLayer(removeLayer)();
    const segment = takeSelection();
    if (!segment) return false;
    selection.clear();
    doc.commit({ ...doc.state, segments: [...doc.state.segments, segment] });
    return true;
  };

  const escape = () => {
    if (pointers().cancel()) return true;
    if (selection.active) return selection.clear(), true;
    if (!doc.layer) return false;
    doc.choose(null);
    return true;
  };

  return {
    takeSelection,
    cutOut,
    duplicate,
    remove,
    escape,
    flip: onLayer(flipLayer),
    forward: onLayer((state, id) => reorderLayer(state, id, 1)),
    backward: onLayer((state, id) => reorderLayer(state, id, -1)),
    nudge: (dx, dy) =>
      onLayer((state, id) => {
        const segment = segmentOf(state, doc.layer);
        return setMatrix(state, id, nudge({ matrix: doc.layer.matrix, segment, photo: state.photo }, dx, dy));
      })(),
    undo: () => pointers().cancel() || (selection.active ? selection.stepBack() : doc.undo()),
    redo: () => (pointers().cancel(), selection.clear(), doc.redo()),
    smaller: () => selection.resize(-1),
    larger: () => selection.resize(1),
    clear: () => selection.clear(),
  };
}
