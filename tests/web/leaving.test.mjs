import assert from "node:assert/strict";
import { test } from "node:test";

import { EMPTY, addObject, setMatrix } from "../../magicfixup_demo/web/model/collage.js";
import { Document } from "../../magicfixup_demo/web/model/document.js";
import { wouldBeLost } from "../../magicfixup_demo/web/page/leaving.js";

test("the page is left without a question until something was done, and once it is undone or saved", () => {
  const doc = new Document();
  const opened = { ...EMPTY, photo: { id: "", width: 10, height: 10 } };
  assert.ok(!wouldBeLost(doc, null));
  doc.commit(opened);
  assert.ok(!wouldBeLost(doc, null), "a photo that was only opened");
  const segment = { id: "s", left: 0, top: 0, width: 2, height: 2 };
  doc.commit(setMatrix(addObject(opened, segment, "l"), "l", [1, 0, 0, 1, 5, 0]));
  assert.ok(wouldBeLost(doc, null));
  assert.ok(!wouldBeLost(doc, doc.settled), "saved");
  doc.undo();
  assert.ok(!wouldBeLost(doc, null), "undone");
});
