import assert from "node:assert/strict";
import { test } from "node:test";

import { HoverPreview } from "../../magicfixup_demo/web/select/hover.js";

/** A preview with a clock of its own; each question waits until the test answers it. */
function bench({ photo = { width: 500, height: 400 } } = {}) {
  const world = { now: 1000, timers: [], asked: [], photo, redrawn: 0 };
  world.hint = new HoverPreview({
    photo: () => world.photo,
    scale: () => 1,
    ask: (_, point) => new Promise((answer, fail) => world.asked.push({ point, at: world.now, answer, fail })),
    read: async (record) => record,
    changed: () => (world.redrawn += 1),
    now: () => world.now,
    later: (work, wait) => world.timers.push({ work, at: world.now + wait }),
  });
  world.pass = (ms) => {
    const end = world.now + ms;
    for (;;) {
      const next = world.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      world.timers.splice(world.timers.indexOf(next), 1);
      world.now = Math.max(world.now, next.at);
      next.work();
    }
    world.now = end;
  };
  world.answer = async (reply) => {
    world.asked.at(-1).answer(reply);
    for (let i = 0; i < 5; i++) await null;
  };
  return world;
}

test("at most ten questions a second, however the mouse moves, and one at a time", async () => {
  const world = bench();
  for (let i = 0; i < 200; i++) {
    world.hint.at([2 * i, 50]);
    const before = world.asked.length;
    world.pass(10);
    assert.ok(world.asked.length - before <= 1);
    if (world.asked.length > before) await world.answer({ mask: `mask ${i}` });
  }
  const times = world.asked.map(({ at }) => at);
  assert.ok(times.length >= 15 && times.length <= 21, `${times.length} in two seconds`);
  assert.ok(times.every((time, i) => i === 0 || time - times[i - 1] >= 100));
});

test("while a question is under way nothing else is asked, and then only the newest place", async () => {
  const world = bench();
  world.hint.at([10, 10]);
  world.pass(0);
  for (const x of [50, 100, 150]) {
    world.hint.at([x, 10]);
    world.pass(500);
  }
  assert.equal(world.asked.length, 1);
  await world.answer({ mask: "old place" });
  assert.equal(world.hint.mask, null, "an answer for a place that was left is not shown");
  world.pass(0);
  assert.deepEqual(world.asked[1].point, [150, 10]);
  await world.answer({ mask: "here" });
  assert.equal(world.hint.mask, "here");
});

test("a few pixels share one answer, and a place that was asked is known", async () => {
  const world = bench();
  for (const point of [[12, 12], [14, 15], [100, 12], [13, 13]]) {
    world.hint.at(point);
    world.pass(200);
    if (world.asked.length && !world.asked.at(-1).done) {
      world.asked.at(-1).done = true;
      await world.answer({ mask: String(world.asked.length) });
    }
  }
  assert.equal(world.asked.length, 2);
  assert.equal(world.hint.mask, "1");
});

test("nowhere is nothing: no question, no picture, and a late answer is not shown", async () => {
  const world = bench();
  world.hint.at([10, 10]);
  world.pass(0);
  world.hint.clear();
  await world.answer({ mask: "late" });
  assert.equal(world.hint.mask, null);
  world.hint.at([-3, 10]);
  world.pass(500);
  assert.equal(world.asked.length, 1);
});

test("a photo that has not been read is not asked about", async () => {
  let read;
  const world = bench({ photo: { width: 500, height: 400, ready: new Promise((done) => (read = done)) } });
  world.hint.at([10, 10]);
  world.pass(500);
  assert.equal(world.asked.length, 0);
  read();
  await null;
  await null;
  world.pass(500);
  assert.equal(world.asked.length, 1, "a pointer that rests gets its answer once the photo is read");
});

test("a busy server is asked again in a while; one that never answers is left alone; a failure is silent", async () => {
  const world = bench();
  world.hint.at([10, 10]);
  world.pass(0);
  await world.answer({ mask: null, busy: true });
  world.pass(100);
  assert.equal(world.asked.length, 2);
  world.asked.at(-1).fail(new Error("gone"));
  for (let i = 0; i < 5; i++) await null;
  world.hint.at([100, 10]);
  world.pass(200);
  await world.answer({ mask: null, off: true });
  world.hint.at([200, 10]);
  world.pass(1000);
  assert.equal(world.asked.length, 3);
  assert.equal(world.hint.mask, null);
});

test("another photo forgets what was known", async () => {
  const world = bench();
  world.hint.at([10, 10]);
  world.pass(0);
  await world.answer({ mask: "first photo" });
  world.photo = { width: 500, height: 400 };
  world.hint.at([10, 10]);
  assert.equal(world.hint.mask, null);
  world.pass(200);
  assert.equal(world.asked.length, 2);
});
