import assert from "node:assert/strict";

/** Numbers, or lists of them, are equal up to a relative tolerance. */
export function close(actual, expected, tolerance = 1e-6) {
  const [a, e] = [actual, expected].map((value) => [value].flat());
  assert.equal(a.length, e.length);
  a.forEach((value, i) => assert.ok(Math.abs(value - e[i]) <= tolerance * Math.max(1, Math.abs(e[i])), `${a} is not ${e}`));
}
