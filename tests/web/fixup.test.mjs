import assert from "node:assert/strict";
import { test } from "node:test";

import { Document } from "../../magicfixup_demo/web/model/document.js";
import { EMPTY } from "../../magicfixup_demo/web/model/collage.js";
import { Fixup } from "../../magicfixup_demo/web/results/fixup.js";

const nothing = () => {};

function fixupOf(doc, holdAll) {
  const sent = [];
  const told = [];
  const hooks = { show: nothing, hide: nothing, preview: nothing, changed: nothing, ended: nothing, finished: nothing };
  const fixup = new Fixup({ ...hooks, doc, api: { holdAll }, send: (request) => sent.push(request), tell: (text) => told.push(text) });
  return { fixup, sent, told };
}

const photo = (token) => ({ id: "", token, width: 8, height: 8 });

test("an arrangement is sent with its own photo", async () => {
  const doc = new Document();
  doc.commit({ ...EMPTY, photo: photo("first") });
  const { fixup, sent } = fixupOf(doc, async () => {});
  await fixup.run({});
  assert.equal(sent[0].token, "first");
  assert.ok(fixup.running);
});

test("a photo that comes up before the arrangement is sent is not repaired in its place", async () => {
  const doc = new Document();
  doc.commit({ ...EMPTY, photo: photo("first") });
  const { fixup, sent, told } = fixupOf(doc, async () => doc.commit({ ...EMPTY, photo: photo("second") }));
  await fixup.run({});
  assert.deepEqual(sent, []);
  assert.equal(told.length, 1);
  assert.ok(!fixup.running);
});
