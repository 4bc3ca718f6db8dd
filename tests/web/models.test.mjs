import assert from "node:assert/strict";
import { test } from "node:test";

import { problemOf } from "../../magicfixup_demo/web/settings/following.js";
import { strings } from "../../magicfixup_demo/web/page/strings.js";

const offer = (name, more = {}) => ({ name, megabytes: 0, loading: false, fraction: 0, text: "", problem: null, info: null, ...more });
const models = (offers, more = {}) => ({ problem: null, wanted: "magicfixup", default: "magicfixup", offers, ...more });

test("a default that failed is told with its reason and what runs instead", () => {
  const failed = offer("magicfixup", { problem: "The Hub does not answer." });
  const text = problemOf(models([offer("small"), failed], { default: "small" }));
  assert.match(text, /Magic Fixup is not available, so Small repairs: The Hub does not answer\./);
});

test("a default that failed and is tried again has no reason to tell", () => {
  const again = offer("magicfixup", { loading: true, megabytes: 7700, fraction: 0.1, text: "Downloading" });
  assert.equal(problemOf(models([offer("small"), again], { default: "small" })), "Downloading (10 %)");
});

test("a model that somebody else tried in vain is not everybody's news", () => {
  const failed = offer("magicfixup", { problem: "The Hub does not answer." });
  assert.equal(problemOf(models([offer("small"), failed], { wanted: "small", default: "small" })), "");
});

test("no model at all, and a download under way, are said", () => {
  assert.match(problemOf(models([], { problem: "Torch is missing." })), /Torch is missing/);
  assert.match(problemOf(models([offer("small", { problem: "Broken." })], { wanted: "small", default: "small" })), /Broken/);
  const coming = offer("magicfixup", { loading: true, megabytes: 7700, fraction: 0.43, text: "Downloading" });
  assert.equal(problemOf(models([coming])), "Downloading (43 %)");
});

test("the size of a download is said before it begins, in GB or MB", () => {
  assert.match(strings.modelState(offer("magicfixup", { megabytes: 7700 })), /7\.7 GB, once/);
  assert.match(strings.modelState(offer("other", { megabytes: 39 })), /39 MB/);
  assert.equal(strings.modelState(offer("small")), "");
  assert.match(strings.modelState(offer("x", { megabytes: 7700, problem: "No room." })), /^No room\. .*again/);
  assert.match(strings.downloading([offer("magicfixup", { megabytes: 7700 })]), /7\.7 GB.*Stop/);
});

test("the facts of a result name the model's own licence", () => {
  const result = { model: "small", licence: "MIT; beside it, another", seconds: 1.26, steps: 1, seed: 7 };
  assert.equal(strings.facts(result), "Small · MIT · 1.3 s · 1 step · seed 7");
  assert.equal(strings.facts({ ...result, steps: 2, images: ["a", "b"], rounds: 2 }, 8), "Small · MIT · 1.3 s for 2 variants · 2 steps · seed 8 · round 2");
});
