import assert from "node:assert/strict";
import test from "node:test";

import { linkTo, readAddress, withoutLink } from "../../magicfixup_demo/web/share/address.js";
import { decodeEdit, encodeEdit, inPlace, withLayers } from "../../magicfixup_demo/web/share/code.js";
import { MyLinks } from "../../magicfixup_demo/web/share/mine.js";

const third = 1 / 3;
const LAYERS = [
  { id: "l1", segment: "s1", matrix: [Math.SQRT2, third, -third, Math.SQRT2, 1e-9, -12.75] },
  {
    ...{ id: "l2", segment: "s2", matrix: [1, 0, 0, 1, 0, 0], distort: [[0, 0], [1.5, -2], [third, 4], [0, 0]] },
    ...{ name: "Кот 🐈 </script>", hidden: true, locked: true, opacity: 0.35, shadow: 1.2, softness: 0.5 },
  },
];
const OPTIONS = { seed: 77, steps: null, model: "small", other: null, sampler: null, prompt: "a dog", sdedit: true, samples: 2 };
const EDIT = { layers: LAYERS, shadows: true };
const COLLAGE = JSON.stringify({
  version: 1,
  photo: { width: 6, height: 4 },
  segments: [{ id: "s1", mask: "m" }, { id: "s2", mask: "m" }, { id: "s3", mask: "m", source: "p2" }],
  layers: [{ id: "own" }],
});

/** Any JSON as the text of a link, without the checks of encodeEdit. */
async function packed(value) {
  const stream = new Blob([JSON.stringify(value)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return Buffer.from(await new Response(stream).arrayBuffer()).toString("base64url");
}

test("layers and settings come back exactly, to the last bit of every number", async () => {
  const text = await encodeEdit(EDIT, OPTIONS);
  assert.match(text, /^[A-Za-z0-9_-]+$/);
  assert.deepEqual(await decodeEdit(text), { ...EDIT, options: OPTIONS });
  assert.deepEqual(await decodeEdit(await encodeEdit({ layers: [], shadows: false }, {})), { layers: [], shadows: false, options: {} });
});

test("forty layers that were all moved and turned still fit into a link", async () => {
  const many = Array.from({ length: 40 }, (_, i) => ({
    ...{ id: `l${(0.1 * (i + 1)).toString(36).slice(2, 10)}`, segment: `s${(0.7 * (i + 1)).toString(36).slice(2, 10)}` },
    matrix: [1, 2, 3, 4, 5, 6].map((k) => Math.sin(i * k + k) * 100),
  }));
  assert.ok((await encodeEdit({ layers: many, shadows: true }, OPTIONS)).length < 7500);
});

test("what is not such a text is refused", async () => {
  const layer = LAYERS[0];
  const bad = [
    ...[null, [], 5, {}, { v: 2, layers: [], options: {} }, { v: 1 }, { v: 1, layers: {} }, { v: 1, layers: [null] }],
    ...[{ id: "" }, { id: 5 }, { segment: "x".repeat(65) }, { matrix: [1, 0, 0, 1, 0] }, { matrix: [0, 0, 0, 0, 5, 5] }].map(
      (change) => ({ v: 1, layers: [{ ...layer, ...change }] }),
    ),
    ...[{ matrix: [1, 0, 0, 1, 0, 1e7] }, { matrix: ["1", 0, 0, 1, 0, 0] }, { distort: [[0, 0]] }, { distort: "x" }].map(
      (change) => ({ v: 1, layers: [{ ...layer, ...change }] }),
    ),
    ...[{ opacity: 2 }, { opacity: "1" }, { shadow: 1.6 }, { shadow: null }, { softness: 1.1 }, { softness: "0" }, { name: "x".repeat(201) }, { name: {} }].map((change) => ({ v: 1, layers: [{ ...layer, ...change }] })),
    { v: 1, layers: [layer, layer] },
    { v: 1, layers: Array(201).fill(layer) },
  ];
  for (const value of bad) await assert.rejects(decodeEdit(await packed(value)), RangeError, JSON.stringify(value)?.slice(0, 80));
  const good = await encodeEdit(EDIT, OPTIONS);
  for (const text of ["", "!!!", "abc", good.slice(0, -8), good.slice(9), "%".repeat(9), "A".repeat(500)])
    await assert.rejects(decodeEdit(text), RangeError, text.slice(0, 20));
});

test("a small text that unpacks to very much is refused before it has", async () => {
  const text = await packed({ v: 1, layers: [], junk: "0".repeat(20_000_000) });
  assert.ok(text.length < 40_000);
  await assert.rejects(decodeEdit(text), RangeError);
});

test("settings of another kind, and unknown ones, are left out", async () => {
  const options = { seed: -1, steps: 2.5, model: "x".repeat(65), prompt: 5, sdedit: "yes", samples: 99, visit: "v", sampler: null };
  const { options: read } = await decodeEdit(await packed({ v: 1, layers: [], options }));
  assert.deepEqual(read, { sampler: null });
});

test("layers take the place of a collage's own, and each must show one of its segments", () => {
  const collage = JSON.parse(withLayers(COLLAGE, EDIT));
  assert.deepEqual(collage.layers, LAYERS);
  assert.equal(collage.version, 3);
  assert.equal(JSON.parse(withLayers(COLLAGE, { layers: LAYERS, shadows: false })).version, 2);
  assert.equal(collage.segments.length, 3);
  assert.throws(() => withLayers(COLLAGE, { ...EDIT, layers: [{ ...LAYERS[0], segment: "other" }] }), RangeError);
  const back = JSON.parse(inPlace(COLLAGE)).layers;
  assert.deepEqual(back.map(({ segment }) => segment), ["s1", "s2"], "an object of another photo has no place of its own here");
});

test("addresses name what they lead to, and forget everything else of the page's own", () => {
  const base = "https://user.example.org/app/?__theme=dark&photo=old#e=old";
  const photo = linkTo(base, { photo: "abc-_" }, "EDIT");
  assert.equal(photo, "https://user.example.org/app/?photo=abc-_#e=EDIT");
  assert.deepEqual(readAddress(photo), { photo: "abc-_", example: "", edit: "EDIT" });
  const example = linkTo(base, { example: "a b&c" }, "EDIT");
  assert.deepEqual(readAddress(example), { photo: "", example: "a b&c", edit: "EDIT" });
  assert.deepEqual(readAddress("https://x.org/?example=bee"), { photo: "", example: "bee", edit: "" });
  assert.equal(readAddress("https://x.org/?__theme=dark#e=EDIT"), null);
  assert.equal(withoutLink("https://x.org/app/?__theme=dark&photo=abc#e=EDIT"), "https://x.org/app/?__theme=dark");
});

class Storage {
  kept = {};
  getItem = (key) => this.kept[key] ?? null;
  setItem = (key, value) => (this.kept[key] = value);
}

test("this browser's links: newest first, until they end or are deleted", () => {
  let now = 1000;
  const storage = new Storage();
  const mine = new MyLinks(() => storage, () => now);
  mine.add({ id: "a", expires: 2 });
  mine.add({ id: "b", expires: 5 });
  mine.add({ id: "c", expires: 9 });
  assert.deepEqual(mine.list().map(({ id }) => id), ["c", "b", "a"]);
  now = 3000;
  assert.deepEqual(mine.list().map(({ id }) => id), ["c", "b"]);
  assert.ok(!storage.getItem("magicfixup.links").includes('"a"'), "its picture is not kept longer than the link");
  mine.remove("b");
  assert.deepEqual(new MyLinks(() => storage, () => now).list(), [{ id: "c", expires: 9 }]);
});

test("a browser without storage, or with nonsense in it, still has the links of this page", () => {
  const refusing = [
    () => {
      throw new Error("forbidden");
    },
    () => ({ getItem: () => "[]", setItem: () => { throw new Error("full"); } }),
  ];
  for (const storage of refusing) {
    const mine = new MyLinks(storage, () => 0);
    mine.add({ id: "a", key: "k", expires: 2 });
    assert.deepEqual(mine.list(), [{ id: "a", key: "k", expires: 2 }]);
  }
  for (const text of ["{", "5", "null", '[null, 5, {"id": 3}]']) {
    assert.deepEqual(new MyLinks(() => ({ getItem: () => text }), () => 0).list(), []);
  }
});
