// Shapes drawn by hand -> coverage on the scene's pixel grid. Pure; all coordinates are scene pixels.
//   patch = { sx, sy, sw, sh, alpha }   alpha (Uint8Array, 255 = inside) of sw x sh pixels, top left at pixel (sx, sy)
//   grid = { width, height }   of the scene

const SUBROWS = 4; // scan lines per pixel row, for smooth edges of a lasso

/** How much a brush covers at `distance` from its path: all in its core, nothing from its radius on. softness 0..1. */
export function brushCoverage(distance, radius, softness) {
  const edge = Math.max(softness * radius, 1); // a hard brush is smooth over one pixel
  const t = Math.min(Math.max((radius + (softness ? 0 : 0.5) - distance) / edge, 0), 1);
  return Math.round(255 * t * t * (3 - 2 * t));
}

/** An empty patch of the whole grid, to stamp on. */
export const blankPatch = ({ width, height }) => ({ sx: 0, sy: 0, sw: width, sh: height, alpha: new Uint8Array(width * height) });

/**
 * Draw one straight piece of a stroke into `patch`, in place: the most that any piece covers counts, so pieces may
 * overlap. brush = { radius, softness }. Returns the box that may have changed, [x0, y0, x1, y1], or null.
 */
export function stampPiece(patch, [ax, ay], [bx, by], { radius, softness }) {
  const reach = radius + 1;
  const x0 = Math.max(patch.sx, Math.floor(Math.min(ax, bx) - reach));
  const y0 = Math.max(patch.sy, Math.floor(Math.min(ay, by) - reach));
  const x1 = Math.min(patch.sx + patch.sw, Math.ceil(Math.max(ax, bx) + reach));
  const y1 = Math.min(patch.sy + patch.sh, Math.ceil(Math.max(ay, by) + reach));
  if (x0 >= x1 || y0 >= y1) return null;
  const [dx, dy] = [bx - ax, by - ay];
  const squared = dx * dx + dy * dy;
  const { alpha } = patch;
  for (let y = y0; y < y1; y++) {
    let i = (y - patch.sy) * patch.sw + x0 - patch.sx;
    for (let x = x0; x < x1; x++, i++) {
      if (alpha[i] === 255) continue; // most of a stroke lies over itself
      const px = x + 0.5 - ax;
      const py = y + 0.5 - ay;
      const along = squared ? Math.min(Math.max((px * dx + py * dy) / squared, 0), 1) : 0;
      const [ox, oy] = [px - along * dx, py - along * dy];
      const covered = brushCoverage(Math.sqrt(ox * ox + oy * oy), radius, softness);
      if (covered > alpha[i]) alpha[i] = covered;
    }
  }
  return [x0, y0, x1, y1];
}

/** A closed freehand line, points [x, y] -> patch with smooth edges, or null when it encloses nothing on the grid. */
export function polygonPatch(points, grid) {
  if (points.length < 3) return null;
  const patch = blankPatch(grid);
  const row = new Float32Array(grid.width);
  const ys = points.map(([, y]) => y);
  const last = Math.min(grid.height, Math.ceil(Math.max(...ys)));
  for (let y = Math.max(0, Math.floor(Math.min(...ys))); y < last; y++) {
    row.fill(0);
    for (let sub = 0; sub < SUBROWS; sub++) addSpans(row, crossings(points, y + (sub + 0.5) / SUBROWS));
    for (let x = 0; x < grid.width; x++) patch.alpha[y * grid.width + x] = Math.round((255 * row[x]) / SUBROWS);
  }
  return cropped(patch);
}

// A loop that crosses itself encloses all that it goes around (winding number), as a hand would mean it.
function crossings(points, y) {
  const found = [];
  points.forEach(([ax, ay], i) => {
    const [bx, by] = points[(i + 1) % points.length];
    if (ay <= y !== by <= y) found.push([ax + ((y - ay) / (by - ay)) * (bx - ax), by > ay ? 1 : -1]);
  });
  return found.sort(([a], [b]) => a - b);
}

function addSpans(row, found) {
  let winding = 0;
  found.forEach(([x, turn], i) => {
    if (winding !== 0) addSpan(row, found[i - 1][0], x);
    winding += turn;
  });
}

function addSpan(row, from, to) {
  const end = Math.min(to, row.length);
  for (let x = Math.max(0, Math.floor(from)); x < end; x++) row[x] += Math.min(x + 1, end) - Math.max(x, from);
}

/**
 * Layers of patches, each { patch, erase }, in order -> one patch cropped to what is inside, or null. Adding takes the
 * larger coverage; erasing takes away what it covers.
 */
export function combined(layers) {
  const added = layers.filter(({ erase }) => !erase).map(({ patch }) => patch);
  if (!added.length) return null;
  const sx = Math.min(...added.map((patch) => patch.sx));
  const sy = Math.min(...added.map((patch) => patch.sy));
  const sw = Math.max(...added.map((patch) => patch.sx + patch.sw)) - sx;
  const sh = Math.max(...added.map((patch) => patch.sy + patch.sh)) - sy;
  const target = { sx, sy, sw, sh, alpha: new Uint8Array(sw * sh) };
  for (const { patch, erase } of layers) mix(target, patch, erase);
  return cropped(target);
}

/** Put `patch` onto `target`, in place; only inside the box [x0, y0, x1, y1] when one is given. */
export function mix(target, patch, erase, box = [-Infinity, -Infinity, Infinity, Infinity]) {
  const x0 = Math.max(target.sx, patch.sx, box[0]);
  const x1 = Math.min(target.sx + target.sw, patch.sx + patch.sw, box[2]);
  const y1 = Math.min(target.sy + target.sh, patch.sy + patch.sh, box[3]);
  for (let y = Math.max(target.sy, patch.sy, box[1]); y < y1; y++) {
    let i = (y - target.sy) * target.sw + x0 - target.sx;
    let j = (y - patch.sy) * patch.sw + x0 - patch.sx;
    for (let x = x0; x < x1; x++, i++, j++) {
      const now = target.alpha[i];
      const by = patch.alpha[j];
      target.alpha[i] = erase ? Math.min(now, 255 - by) : Math.max(now, by);
    }
  }
}

/** `matte` where `drawn` is all or nothing; where that lies between, it was meant to. Both are patches; so is the answer. */
export function withOwnEdge(matte, drawn) {
  const sx = Math.min(matte.sx, drawn.sx);
  const sy = Math.min(matte.sy, drawn.sy);
  const sw = Math.max(matte.sx + matte.sw, drawn.sx + drawn.sw) - sx;
  const sh = Math.max(matte.sy + matte.sh, drawn.sy + drawn.sh) - sy;
  const target = { sx, sy, sw, sh, alpha: new Uint8Array(sw * sh) };
  mix(target, matte, false);
  drawn.alpha.forEach((value, i) => {
    const row = Math.floor(i / drawn.sw);
    if (value > 0 && value < 255) target.alpha[(row + drawn.sy - sy) * sw + (i % drawn.sw) + drawn.sx - sx] = value;
  });
  return cropped(target) ?? target;
}

/** The patch without its empty margins, or null when nothing of it is more inside than outside. */
export function cropped({ sx, sy, sw, sh, alpha }) {
  let [left, top, right, bottom, most] = [sw, sh, 0, 0, 0];
  for (let y = 0; y < sh; y++) {
    for (let x = 0; x < sw; x++) {
      const value = alpha[y * sw + x];
      if (!value) continue;
      if (value > most) most = value;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  }
  if (most < 128) return null;
  if (right - left === sw && bottom - top === sh) return { sx, sy, sw, sh, alpha };
  const kept = new Uint8Array((right - left) * (bottom - top));
  for (let y = top; y < bottom; y++) kept.set(alpha.subarray(y * sw + left, y * sw + right), (y - top) * (right - left));
  return { sx: sx + left, sy: sy + top, sw: right - left, sh: bottom - top, alpha: kept };
}

/** A patch -> live mask of canvas/masks.js: with its box in whole photo pixels. photo = { width, height, scale }. */
export function liveMask(patch, { width, height, scale }) {
  const left = Math.floor(patch.sx / scale);
  const top = Math.floor(patch.sy / scale);
  const right = Math.min(width, Math.ceil((patch.sx + patch.sw) / scale));
  const bottom = Math.min(height, Math.ceil((patch.sy + patch.sh) / scale));
  return { ...patch, left, top, width: right - left, height: bottom - top, png: null };
}
