// What selecting draws over the photo: the mask, clicks, boxes and strokes under way. view: photo -> CSS pixels.

import { makeCanvas } from "../canvas/masks.js";
import { traceOutline } from "../canvas/outline.js";
import { ACCENT, AWAY, DARK, disc, ring, strokeWith } from "../canvas/overlay.js";
import { apply, compose } from "../model/affine.js";

const RED = "#e5484d";
const TINT = { red: 124, green: 92, blue: 255, share: 0.3 };
const paths = new WeakMap(); // live mask -> Path2D in scene pixels
const tints = new WeakMap(); // live mask -> canvas

const onScene = (view, photo) => compose(view, [1 / photo.scale, 0, 0, 1 / photo.scale, 0, 0]);

/** Tint and running outline of the object under selection; `time` in ms moves the dashes (0 when motion is unwanted). */
export function drawSelection(context, mask, photo, view, time) {
  drawOnScene(context, tintOf(mask), [mask.sx, mask.sy], photo, view);
  drawOutline(context, mask, photo, view, time);
}

function drawOutline(context, mask, photo, view, time) {
  const path = outlineOnScreen(mask, photo, view);
  context.save();
  context.lineJoin = "round";
  strokeWith(context, path, DARK, 5);
  strokeWith(context, path, "#fff", 2.5);
  context.setLineDash([7, 7]);
  context.lineDashOffset = -time / 60;
  strokeWith(context, path, ACCENT, 2.5);
  context.restore();
}

/** What a click would select: light enough to see the photo through it, and still. */
export function drawHint(context, mask, photo, view) {
  const path = outlineOnScreen(mask, photo, view);
  context.save();
  context.fillStyle = "rgba(255, 255, 255, 0.14)";
  context.fill(path, "evenodd");
  strokeWith(context, path, "rgba(16, 16, 24, 0.45)", 3);
  strokeWith(context, path, "rgba(255, 255, 255, 0.9)", 1.5);
  context.restore();
}

/** The object alone, on a checkerboard (a pattern) that covers the photo. */
export function drawCutout(context, mask, photo, view, checker) {
  const [x0, y0] = apply(view, [0, 0]).map(Math.floor);
  const [x1, y1] = apply(view, [photo.width, photo.height]).map(Math.ceil);
  context.fillStyle = checker;
  context.fillRect(x0, y0, x1 - x0, y1 - y0);
  drawOnScene(context, cutoutOf(mask, photo), [mask.sx, mask.sy], photo, view);
}

/** The clicks so far: plus for what is included, minus for what is left out. */
export function drawPoints(context, points, view, waiting, time) {
  for (const [x, y, include] of points) {
    const [cx, cy] = apply(view, [x, y]);
    if (waiting) ring(context, cx, cy, 10 + 6 * Math.abs(Math.sin(time / 350)), "rgba(124, 92, 255, 0.7)");
    disc(context, cx, cy, 8, include ? ACCENT : RED);
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(cx - 3.5, cy);
    context.lineTo(cx + 3.5, cy);
    if (include) context.moveTo(cx, cy - 3.5), context.lineTo(cx, cy + 3.5);
    context.stroke();
  }
}

/** A lasso under way: points in photo pixels; the line that would close it is dashed. */
export function drawLasso(context, points, view, erase) {
  const path = new Path2D();
  points.map((point) => apply(view, point)).forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  context.save();
  context.lineJoin = "round";
  context.fillStyle = erase ? "rgba(229, 72, 77, 0.22)" : "rgba(124, 92, 255, 0.2)";
  context.fill(path);
  strokeWith(context, path, DARK, 4);
  strokeWith(context, path, erase ? AWAY : "#fff", 2);
  const closing = new Path2D();
  closing.moveTo(...apply(view, points.at(-1)));
  closing.lineTo(...apply(view, points[0]));
  context.setLineDash([5, 5]);
  strokeWith(context, closing, "#fff", 1.5);
  context.restore();
}

/** The ring that shows the brush: its edge, and inside it where a soft edge begins. at: CSS point. */
export function drawRing(context, [x, y], radius, softness, erase) {
  context.save();
  ring(context, x, y, radius, DARK, 3.5);
  ring(context, x, y, radius, erase ? AWAY : "#fff", 1.5);
  context.setLineDash([3, 3]);
  if (softness > 0.05) ring(context, x, y, radius * (1 - softness), "rgba(255, 255, 255, 0.8)", 1);
  context.restore();
}

/** A canvas of scene pixels whose top left is scene pixel `at`. */
export function drawOnScene(context, canvas, [x, y], photo, view) {
  context.save();
  context.transform(...onScene(view, photo));
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, x, y);
  context.restore();
}

/** Coverage -> pixels of the tint, in place. pixels: an ImageData's data. */
export function tintPixels(pixels, alpha) {
  for (let i = 0; i < alpha.length; i++) {
    pixels[4 * i] = TINT.red;
    pixels[4 * i + 1] = TINT.green;
    pixels[4 * i + 2] = TINT.blue;
    pixels[4 * i + 3] = TINT.share * alpha[i];
  }
}

function tintOf(mask) {
  if (!tints.has(mask)) {
    const canvas = makeCanvas(mask.sw, mask.sh);
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(mask.sw, mask.sh);
    tintPixels(pixels.data, mask.alpha);
    context.putImageData(pixels, 0, 0);
    tints.set(mask, canvas);
  }
  return tints.get(mask);
}

let cutout = { mask: null, canvas: null }; // one is enough: the mask that is looked at

/** The photo inside the mask, clear elsewhere: a canvas of the mask's size. */
export function cutoutOf(mask, photo) {
  if (cutout.mask === mask) return cutout.canvas;
  const canvas = makeCanvas(mask.sw, mask.sh);
  const context = canvas.getContext("2d");
  context.drawImage(photo.bitmap, -mask.sx, -mask.sy);
  const pixels = context.getImageData(0, 0, mask.sw, mask.sh);
  for (let i = 0; i < mask.alpha.length; i++) pixels.data[4 * i + 3] = mask.alpha[i];
  context.putImageData(pixels, 0, 0);
  cutout = { mask, canvas };
  return canvas;
}

function outlineOnScreen(mask, photo, view) {
  const path = new Path2D();
  path.addPath(outlineOf(mask), new DOMMatrix(onScene(view, photo)));
  return path;
}

function outlineOf(mask) {
  if (!paths.has(mask)) paths.set(mask, buildPath(mask));
  return paths.get(mask);
}

function buildPath({ alpha, sw, sh, sx, sy }) {
  const path = new Path2D();
  for (const loop of traceOutline(alpha, sw, sh)) {
    loop.forEach(([x, y], i) => (i ? path.lineTo(sx + x, sy + y) : path.moveTo(sx + x, sy + y)));
    path.closePath();
  }
  return path;
}
