import assert from "node:assert/strict";
import { test } from "node:test";

import { IDENTITY } from "../../magicfixup_demo/web/model/affine.js";
import { EMPTY, addForeign, addObject, boxOf, changeLayer, duplicateLayer, removeLayer, setMatrix } from "../../magicfixup_demo/web/model/collage.js";
import { boundsOf } from "../../magicfixup_demo/web/arrange/align.js";
import { nameOf } from "../../magicfixup_demo/web/arrange/layer_commands.js";
import { fitted, homeOf, resetAll, resetLayer } from "../../magicfixup_demo/web/arrange/placing.js";
import { close } from "./close.mjs";

const photo = { id: "", width: 600, height: 400 };
const other = { id: "p1", width: 3000, height: 4000 };
const segment = (id, left = 10, width = 80) => ({ id, left, top: 20, width, height: 60, covers: () => false });
const base = ["s1", "s2"].reduce((state, id) => addObject(state, segment(id), `l-${id}`), { ...EMPTY, photo });
const withForeign = () => addForeign(base, other, segment("s3"), "l-s3", fitted(other, segment("s3"), photo));
const ids = (list) => list.map(({ id }) => id);

test("an object from elsewhere comes to the middle, upright, in its own proportions", () => {
  for (const size of [
    [3000, 4000],
    [50, 40],
    [600, 400],
  ]) {
    const from = { width: size[0], height: size[1] };
    const whole = { ...segment("s"), left: 0, top: 0, ...from };
    for (const piece of [whole, { ...whole, left: size[0] / 4, width: size[0] / 8, height: size[1] / 3 }]) {
      const matrix = fitted(from, piece, photo);
      const [left, top, right, bottom] = boundsOf(piece, { matrix });
      close([(left + right) / 2, (top + bottom) / 2], [photo.width / 2, photo.height / 2]);
      assert.ok(left >= 0 && top >= 0 && right <= photo.width && bottom <= photo.height, "all of it can be seen");
      close([matrix[0], matrix[1], matrix[2]], [matrix[3], 0, 0]);
    }
  }
});

test("resetting a layer undoes its shape and place, and nothing else", () => {
  let state = setMatrix(withForeign(), "l-s1", [0, 2, -2, 0, 7, 9]);
  state = changeLayer(state, "l-s1", { distort: boxOf(segment("s1")), name: "Dog", opacity: 0.4 });
  const [layer] = resetLayer(state, "l-s1").layers;
  assert.deepEqual(layer, { ...state.layers[0], matrix: IDENTITY, distort: null });
  const foreign = resetLayer(setMatrix(state, "l-s3", IDENTITY), "l-s3");
  assert.deepEqual(foreign.layers[2].matrix, homeOf(state, state.segments[2]));
  assert.notDeepEqual(foreign.layers[2].matrix, IDENTITY);
});

test("reset all is the photo as it was opened, with every cut-out kept and named as before", () => {
  let state = changeLayer(setMatrix(withForeign(), "l-s2", [2, 0, 0, 2, 0, 0]), "l-s2", { name: "Cat", hidden: true, opacity: 0.2 });
  state = removeLayer(duplicateLayer(state, "l-s2", "copy", [5, 5]), "l-s1");
  const back = resetAll(state, () => "new");
  assert.deepEqual(ids(back.segments), ["s1", "s2"]);
  assert.deepEqual(back.layers.map(({ segment: of }) => of), ["s1", "s2"]);
  assert.deepEqual(ids(back.layers), ["new", "l-s2"]);
  assert.ok(back.layers.every((layer) => layer.matrix === IDENTITY && !layer.hidden && layer.opacity === undefined));
  assert.equal(back.layers[1].name, "Cat");
  assert.deepEqual(back.sources, []);
});

test("a layer without a name is called by its cut-out's number, wherever it lies", () => {
  const [first, second] = base.layers;
  assert.deepEqual([nameOf(base, first), nameOf(base, second)], ["Object 1", "Object 2"]);
  const swapped = { ...base, layers: [second, first] };
  assert.equal(nameOf(swapped, first), "Object 1");
  assert.equal(nameOf(base, { ...first, name: "Moon" }), "Moon");
});
