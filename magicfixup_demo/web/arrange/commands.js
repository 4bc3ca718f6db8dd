// What buttons and keys do, by name. Each returns false when there was nothing to do, so the key stays the browser's.

import { addForeign, addObject, changeLayer, duplicateLayer, newId, removeLayer, replaceSegment, segmentOf, setMatrix } from "../model/collage.js";
import { copyName, makeLayerCommands } from "./layer_commands.js";
import { nudge } from "./gestures.js";
import { fitted } from "./placing.js";
import { makeSegment, subtractMasks } from "../canvas/masks.js";
import { strings } from "../page/strings.js";

/**
 * doc, selection, pointers(), tell: see editor.js; sources: { current, leave() } of photos/sources.js; finished() -> the
 * selection's mask with its finished edge, or null where that is not there yet: then cut(segment) is told of the segment
 * that was just made. Returns { name: function }.
 */
export function makeCommands({ doc, selection, pointers, sources, tell, finished = () => null, cut = () => {} }) {
  /** The selected object as a segment, without what is cut out already (but for the one that is selected again). */
  const takeSelection = () => {
    if (!selection.mask) return null;
    const { source, others } = placeOf(doc.state, selection, sources.current);
    const mask = subtractMasks(selection.mask, others);
    if (!mask) return tell(strings.alreadyCut, "info"), null;
    const ready = finished();
    const segment = makeSegment(newId("s"), ready ?? mask, source);
    if (!ready) cut(segment);
    return segment;
  };

  /** change(state, layer id) -> state, as one step; a locked layer says so, unless the command is meant for those too. */
  const onLayer =
    (change, { evenLocked = false } = {}) =>
    () => {
      if (!doc.layer) return false;
      if (doc.layer.locked && !evenLocked) return tell(strings.layerLocked, "info"), true;
      doc.commit(change(doc.state, doc.chosen));
      return true;
    };

  const choose = (id) => {
    pointers().cancel();
    sources.leave();
    selection.clear();
    doc.choose(id);
  };

  const cutOut = () => {
    const { editing = null } = selection;
    if (editing && !selection.edited) return selection.clear(), true;
    const chosen = doc.chosen ?? doc.settled.layers.find((layer) => layer.segment === editing)?.id;
    const segment = takeSelection();
    if (!segment) return false;
    const state = editing ? replaceSegment(doc.settled, editing, segment) : added(doc.state, segment, sources.current);
    sources.leave();
    selection.clear();
    doc.commit(state);
    doc.choose(editing ? chosen : state.layers.at(-1).id);
    return true;
  };

  /** An object that is selected again is used as it is now, so that nothing is lost by what comes next. */
  const finish = () => {
    if (selection.editing && !cutOut()) selection.clear();
  };

  const duplicate = onLayer(
    (state, id) => {
      const step = 0.05 * Math.min(state.photo.width, state.photo.height);
      const copy = newId("l");
      const name = copyName(state, doc.layer);
      queueMicrotask(() => doc.choose(copy));
      return changeLayer(duplicateLayer(state, id, copy, [step, step]), copy, { name });
    },
    { evenLocked: true },
  );

  // Delete on a selection cuts the object out of the photo and away, in one step.
  const remove = () => {
    if (doc.layer) return onLayer(removeLayer)();
    if (sources.current || selection.editing) return false;
    const segment = takeSelection();
    if (!segment) return false;
    selection.clear();
    doc.commit({ ...doc.state, segments: [...doc.state.segments, segment] });
    return true;
  };

  const escape = () => {
    if (pointers().cancel()) return true;
    if (selection.active) return selection.dismiss(), true;
    if (sources.current) return sources.leave(), true;
    if (!doc.layer) return false;
    if (!pointers().transforming.leaveDistort()) doc.choose(null);
    return true;
  };

  return {
    ...makeLayerCommands({ doc, onLayer, choose, tell }),
    takeSelection,
    choose,
    cutOut,
    finish,
    duplicate,
    remove,
    escape,
    nudge: (dx, dy) =>
      onLayer((state, id) => {
        const segment = segmentOf(state, doc.layer);
        return setMatrix(state, id, nudge({ ...doc.layer, segment, photo: state.photo }, dx, dy));
      })(),
    undo: () => pointers().cancel() || (selection.canUndo ? selection.stepBack() : sources.leave() || doc.undo()),
    redo: () => pointers().cancel() || (selection.canRedo ? selection.redo() : (selection.clear(), sources.leave(), doc.redo())),
    smaller: () => selection.resize(-1),
    larger: () => selection.resize(1),
    clear: () => selection.dismiss(),
  };
}

/** The photo that is selected in, and the segments that have taken a part of it already. */
function placeOf(state, selection, current) {
  const editing = state.segments.find(({ id }) => id === selection.editing);
  const from = editing?.source ? state.sources.find(({ id }) => id === editing.source) : current;
  const others = from ? [] : state.segments.filter((segment) => !segment.source && segment !== editing);
  return { source: from ?? state.photo, others };
}

function added(state, segment, source) {
  const layer = newId("l");
  return source ? addForeign(state, source, segment, layer, fitted(source, segment, state.photo)) : addObject(state, segment, layer);
}
