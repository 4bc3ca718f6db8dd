// What is drawn over the photo while editing: the selection's outline, its points, a layer's box and handles.

import { apply, compose } from "./affine.js";
import { handlesOf } from "./handles.js";
import { traceOutline } from "./outline.js";

const ACCENT = "#7c5cff";
const DARK = "rgba(16, 16, 24, 0.75)";
const paths = new WeakMap(); // live mask -> Path2D in scene pixels

/** Tint and running outline of the object under selection; `time` in ms moves the dashes (0 when motion is unwanted). */
export function drawSelection(context, mask, photo, view, time) {
  const path = new Path2D();
  path.addPath(outlinePath(mask), new DOMMatrix(compose(view, [1 / photo.scale, 0, 0, 1 / photo.scale, 0, 0])));
  context.save();
  context.fillStyle = "rgba(124, 92, 255, 0.28)";
  context.fill(path, "evenodd");
  context.lineJoin = "round";
  strokeWith(context, path, DARK, 5);
  strokeWith(context, path, "#fff", 2.5);
  context.setLineDash([7, 7]);
  context.lineDashOffset = -time / 60;
  strokeWith(context, path, ACCENT, 2.5);
  context.restore();
}

/** The clicks so far: plus for what is included, minus for what is left out. */
export function drawPoints(context, points, view, waiting, time) {
  for (const [x, y, include] of points) {
    const [cx, cy] = apply(view, [x, y]);
    if (waiting) ring(context, cx, cy, 10 + 6 * Math.abs(Math.sin(time / 350)), "rgba(124, 92, 255, 0.7)");
    disc(context, cx, cy, 8, include ? ACCENT : "#e5484d");
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(cx - 3.5, cy);
    context.lineTo(cx + 3.5, cy);
    if (include) context.moveTo(cx, cy - 3.5), context.lineTo(cx, cy + 3.5);
    context.stroke();
  }
}

/** The rubber band of a box selection. */
export function drawBox(context, [x0, y0, x1, y1], view) {
  const [ax, ay] = apply(view, [x0, y0]);
  const [bx, by] = apply(view, [x1, y1]);
  const path = new Path2D();
  path.rect(Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay));
  strokeWith(context, path, DARK, 4);
  strokeWith(context, path, "#fff", 2);
}

/** Box, corner handles and the turning handle of the chosen layer. Bigger for fingers. */
export function drawHandles(context, segment, matrix, view, stage, touch) {
  const { corners, rotate, stem } = handlesOf(segment, matrix, view, stage);
  const box = new Path2D();
  corners.forEach(([x, y], i) => (i ? box.lineTo(x, y) : box.moveTo(x, y)));
  box.closePath();
  box.moveTo(...stem);
  box.lineTo(...rotate);
  strokeWith(context, box, DARK, 3);
  strokeWith(context, box, "#fff", 1.5);
  const radius = touch ? 10 : 6;
  for (const [x, y] of corners) disc(context, x, y, radius, "#fff", ACCENT);
  disc(context, ...rotate, radius + 1, ACCENT, "#fff");
}

function outlinePath(mask) {
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

function strokeWith(context, path, style, width) {
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke(path);
}

function ring(context, x, y, radius, style) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.strokeStyle = style;
  context.lineWidth = 3;
  context.stroke();
}

function disc(context, x, y, radius, fill, edge = "#fff") {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.shadowColor = "rgba(0, 0, 0, 0.35)";
  context.shadowBlur = 4;
  context.fill();
  context.shadowBlur = 0;
  context.strokeStyle = edge;
  context.lineWidth = 2;
  context.stroke();
}
