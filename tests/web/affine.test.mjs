import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as affine from "../../magicfixup_demo/web/model/affine.js";
import { close } from "./close.mjs";

const vectors = JSON.parse(readFileSync(new URL("../affine_vectors.json", import.meta.url), "utf8"));

for (const name of ["translation", "scaling", "rotation", "compose", "apply"]) {
  test(`shared vectors: ${name}`, () => {
    assert.ok(vectors[name].length > 2);
    for (const { in: input, out } of vectors[name]) close(affine[name](...input), out);
  });
}

for (const name of ["invert", "determinant"]) {
  test(`shared vectors: ${name}`, () => {
    for (const { in: matrix, out } of vectors[name]) close(affine[name](matrix), out);
  });
}

test("a singular matrix has no inverse", () => {
  assert.throws(() => affine.invert(affine.scaling(0, 1)), RangeError);
});

test("only the exact identity is the identity", () => {
  assert.ok(affine.isIdentity(affine.translation(0, 0)));
  assert.ok(!affine.isIdentity(affine.translation(0, 1e-12)));
});
