// What can be done to a layer besides dragging it. Every command is one undo step; false when there was nothing to do.

import { centreOf, changeLayer, findLayer, flipLayer, newId, reorderLayer, segmentOf, setMatrix } from "../model/collage.js";
import { compose, scaling } from "../model/affine.js";
import { EDGE_NAMES, aligned } from "./align.js";
import { setField } from "./fields.js";
import { keepReachable } from "./gestures.js";
import { resetAll, resetLayer } from "./placing.js";
import { strings } from "../page/strings.js";

/** The name that people see: the one they gave, or the number of its cut-out. */
export function nameOf(state, layer) {
  return layer.name || strings.objectName(state.segments.findIndex(({ id }) => id === layer.segment) + 1);
}

/** A name for a copy of the layer that no other has: "Sun" -> "Sun (2)" -> "Sun (3)". */
export function copyName(state, layer) {
  const taken = new Set(state.layers.map((other) => nameOf(state, other)));
  const stem = nameOf(state, layer).replace(/ \(\d+\)$/, "");
  let number = 2;
  while (taken.has(strings.copyOf(stem, number))) number += 1;
  return strings.copyOf(stem, number);
}

/** onLayer(change, { evenLocked }) -> command; see commands.js. */
export function makeLayerCommands({ doc, onLayer, choose, tell }) {
  const toEnd = (by) => onLayer((state, id) => reorderLayer(state, id, by * state.layers.length), { evenLocked: true });
  const toggle = (field) => onLayer((state, id) => changeLayer(state, id, { [field]: !doc.layer[field] }), { evenLocked: true });
  const placed = (state, id, matrix) =>
    setMatrix(state, id, keepReachable(matrix, { segment: segmentOf(state, doc.layer), photo: state.photo }));

  const walk = (by) => () => {
    const { layers } = doc.state;
    if (!layers.length) return false;
    const now = layers.findIndex(({ id }) => id === doc.chosen);
    choose(layers[now < 0 ? layers.length - 1 : (now + by + layers.length) % layers.length].id);
    return true;
  };

  const alignments = EDGE_NAMES.map((edge) => [
    `align-${edge}`,
    onLayer((state, id) => setMatrix(state, id, aligned(segmentOf(state, doc.layer), doc.layer, state.photo, edge))),
  ]);

  return {
    ...Object.fromEntries(alignments),
    "flip-vertical": onLayer((state, id) => {
      const centre = centreOf(segmentOf(state, doc.layer), doc.layer.matrix, doc.layer.distort);
      return setMatrix(state, id, compose(scaling(1, -1, centre), doc.layer.matrix));
    }),
    flip: onLayer(flipLayer),
    forward: onLayer((state, id) => reorderLayer(state, id, 1), { evenLocked: true }),
    backward: onLayer((state, id) => reorderLayer(state, id, -1), { evenLocked: true }),
    "to-front": toEnd(1),
    "to-back": toEnd(-1),
    hide: toggle("hidden"),
    lock: toggle("locked"),
    "next-layer": walk(-1),
    "last-layer": walk(1),
    reset: onLayer(resetLayer),
    "reset-all": () => {
      if (!doc.state.segments.length) return false;
      doc.commit(resetAll(doc.state, newId));
      tell(strings.everythingBack, "info");
      return true;
    },
    setField: (field, value, linked) =>
      onLayer((state, id) =>
        placed(state, id, setField(segmentOf(state, doc.layer), doc.layer.matrix, field, value, linked)),
      )(),
    setName: (id, name) => changed(doc, id, { name: name.trim().slice(0, 60) }),
    toggle: (id, field) => changed(doc, id, { [field]: !findLayer(doc.state, id)[field] }),
    moveTo: (id, index) => {
      const from = doc.state.layers.findIndex((layer) => layer.id === id);
      doc.commit(reorderLayer(doc.state, id, index - from));
    },
    /** While the slider of a field moves: shown, not yet a step. `keep` makes it one. */
    setShare: (field, share) => doc.layer && doc.draft(changeLayer(doc.state, doc.chosen, { [field]: share })),
    keep: () => doc.commit(),
  };
}

function changed(doc, id, patch) {
  const layer = findLayer(doc.state, id);
  if (!layer || Object.entries(patch).every(([field, value]) => (layer[field] ?? "") === value)) return false;
  doc.commit(changeLayer(doc.state, id, patch));
  return true;
}
