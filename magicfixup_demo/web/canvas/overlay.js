// Strokes and shapes that everything drawn over the photo shares: seen on dark and on light, on any photo.

import { apply } from "../model/affine.js";

export const ACCENT = "#7c5cff";
export const DARK = "rgba(16, 16, 24, 0.75)";
export const AWAY = "#ffb3b5"; // of what takes away

/** A box [x0, y0, x1, y1] in photo pixels; `erase`: it takes away. */
export function drawBox(context, [x0, y0, x1, y1], view, erase = false) {
  const [ax, ay] = apply(view, [x0, y0]);
  const [bx, by] = apply(view, [x1, y1]);
  const path = new Path2D();
  path.rect(Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay));
  strokeWith(context, path, DARK, 4);
  strokeWith(context, path, erase ? AWAY : "#fff", 2);
}

export function strokeWith(context, path, style, width) {
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke(path);
}

export function ring(context, x, y, radius, style, width = 3) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke();
}

export function disc(context, x, y, radius, fill, edge = "#fff") {
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
