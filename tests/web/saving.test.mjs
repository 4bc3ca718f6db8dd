// Which files are saved work, told by their bytes; which files may be opened at all.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fileProblem } from "../../magicfixup_demo/web/photos/opening.js";
import { restoreWork } from "../../magicfixup_demo/web/share/saving.js";
import { isSaved, isZip } from "../../magicfixup_demo/web/share/sniff.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const letters = (text) => [...text].map((letter) => letter.charCodeAt(0));
const number = (value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
const chunk = (type, content) => [...number(content.length), ...letters(type), ...content, 0, 0, 0, 0];
const png = (...chunks) => new Blob([new Uint8Array([...SIGNATURE, ...chunks.flat()])]);

const HEADER = chunk("IHDR", new Array(13).fill(1));
const PIXELS = chunk("IDAT", new Array(3000).fill(7));
const OURS = letters("magicfixup\0\0\0\0\0{}");

test("a picture with our text is saved work, wherever the text stands and whatever kind it is", async () => {
  for (const type of ["iTXt", "tEXt", "zTXt"]) {
    assert.equal(await isSaved(png(HEADER, chunk(type, OURS), PIXELS, chunk("IEND", []))), true);
    assert.equal(await isSaved(png(HEADER, PIXELS, PIXELS, chunk(type, OURS), chunk("IEND", []))), true);
  }
});

test("other files are not", async () => {
  const others = [
    png(HEADER, PIXELS, chunk("IEND", [])),
    png(HEADER, chunk("iTXt", letters("magicfixup-collage\0{}")), PIXELS),
    png(HEADER, chunk("IDAT", OURS), chunk("IEND", [])),
    png(HEADER, [255, 255, 255, 255, 1, 2]),
    png(),
    new Blob([]),
    new Blob(["magicfixup\0"]),
  ];
  for (const file of others) assert.equal(await isSaved(file), false);
});

test("a zip is asked about on the server", async () => {
  assert.equal(await isSaved(new Blob([new Uint8Array([0x50, 0x4b, 3, 4, 0, 0])])), true);
  assert.ok(isZip({ name: "work.ZIP", type: "" }) && isZip({ name: "x", type: "application/x-zip-compressed" }));
  assert.ok(!isZip({ name: "zip.png", type: "image/png" }) && !isZip({}));
});

test("saved files may be larger than photos", () => {
  const limits = { fileBytes: 64 << 20, savedBytes: 256 << 20 };
  const problem = (name, type, size) => fileProblem({ name, type, size }, limits);
  assert.equal(problem("a.zip", "", 200 << 20), null);
  assert.equal(problem("a.zip", "application/zip", 200 << 20), null);
  assert.equal(problem("a.png", "image/png", 200 << 20), null);
  assert.match(problem("a.jpg", "image/jpeg", 65 << 20), /64 MB/);
  assert.match(problem("a.zip", "", 300 << 20), /256 MB/);
  assert.match(problem("a.txt", "text/plain", 5), /not a picture/);
});

test("what a saved file holds is put back: settings always, a result where there is one", () => {
  const done = [];
  const parts = {
    settings: { write: (options) => done.push(["settings", options]) },
    desk: { finished: (result) => done.push(["result", result]) },
    tell: (text) => done.push(["tell", text]),
  };
  restoreWork({}, {}, parts);
  assert.deepEqual(done, []); // a photo like any other
  const [options, state] = [{ seed: 3 }, { layers: [] }];
  restoreWork({ options, result: null }, state, parts);
  assert.deepEqual(done.map(([what]) => what), ["settings", "tell"]);
  restoreWork({ options, result: { job: "j" } }, state, parts);
  assert.deepEqual(done.at(-1), ["result", { job: "j", state, options }]);
});
