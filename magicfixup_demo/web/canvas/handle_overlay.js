// What is drawn over the chosen layer: its box and handles, and while it is dragged, lines that say what it clings to.

import { apply } from "../model/affine.js";
import { DRAWN_RADIUS, handlesOf } from "../arrange/handles.js";
import { ACCENT, DARK, disc, strokeWith } from "./overlay.js";

const SIDE_LENGTH = 2.6; // of a side's handle, in radii of a corner's
const SIDE_WIDTH = 1.1;
const GUIDE = "#ff2d78";
const GUIDE_BEYOND = 60; // CSS pixels
const QUARTER = Math.PI / 2;

/** Box and handles of a layer. how: { pointerType, distorting, feedback }; locked and hidden layers have no handles. */
export function drawHandles(context, segment, layer, view, stage, { pointerType, distorting, feedback }) {
  const handles = handlesOf(segment, layer, view, stage, pointerType, distorting);
  const fixed = layer.locked || layer.hidden;
  context.save();
  if (fixed) context.setLineDash([5, 5]);
  strokeBox(context, handles, fixed || feedback?.kind === "move");
  context.restore();
  if (fixed || feedback?.kind === "move") return;
  const radius = DRAWN_RADIUS[pointerType] ?? DRAWN_RADIUS.mouse;
  handles.sides.forEach((at, k) => at && bar(context, at, sideAngle(handles.corners, k), radius));
  for (const corner of handles.corners) {
    if (distorting) diamond(context, corner, radius);
    else disc(context, ...corner, radius, "#fff", ACCENT);
  }
  if (handles.rotate) turner(context, handles.rotate, radius + 2.5);
}

/** The lines that a moving layer clings to, and the angle of a turning one. */
export function drawFeedback(context, feedback, view) {
  for (const { axis, at, from, to } of feedback?.guides ?? []) {
    const ends = [from, to].map((along) => apply(view, axis === 0 ? [at, along] : [along, at]));
    guide(context, ends);
  }
  if (feedback?.kind === "rotate") angle(context, apply(view, feedback.centre), { ...feedback, size: feedback.size * view[0] });
}

function strokeBox(context, { corners, rotate, stem }, bare) {
  const box = new Path2D();
  corners.forEach(([x, y], i) => (i ? box.lineTo(x, y) : box.moveTo(x, y)));
  box.closePath();
  if (rotate && !bare) box.moveTo(...stem), box.lineTo(...rotate);
  strokeWith(context, box, DARK, 3);
  strokeWith(context, box, "#fff", 1.5);
}

const sideAngle = (corners, k) => Math.atan2(corners[(k + 1) % 4][1] - corners[k][1], corners[(k + 1) % 4][0] - corners[k][0]);

// A small bar along the side: what it does is to push that side.
function bar(context, [x, y], angle, radius) {
  const [length, width] = [SIDE_LENGTH * radius, SIDE_WIDTH * radius];
  const path = new Path2D();
  path.roundRect(-length / 2, -width / 2, length, width, width / 2);
  context.save();
  context.translate(x, y);
  context.rotate(angle);
  filled(context, path);
  context.restore();
}

function diamond(context, [x, y], radius) {
  const path = new Path2D();
  const reach = 1.25 * radius;
  path.moveTo(x, y - reach);
  for (const [dx, dy] of [[1, 0], [0, 1], [-1, 0]]) path.lineTo(x + reach * dx, y + reach * dy);
  path.closePath();
  filled(context, path);
}

function filled(context, path) {
  context.shadowColor = "rgba(0, 0, 0, 0.35)";
  context.shadowBlur = 4;
  context.fillStyle = "#fff";
  context.fill(path);
  context.shadowBlur = 0;
  strokeWith(context, path, ACCENT, 2);
}

// A disc with an arrow going round in it.
function turner(context, [x, y], radius) {
  disc(context, x, y, radius, ACCENT, "#fff");
  const reach = radius * 0.5;
  const path = new Path2D();
  path.arc(x, y, reach, -2.4, 1.9);
  const [tipX, tipY] = [x + reach * Math.cos(-2.4), y + reach * Math.sin(-2.4)];
  path.moveTo(tipX + reach * 0.75, tipY - reach * 0.15);
  path.lineTo(tipX, tipY);
  path.lineTo(tipX + reach * 0.1, tipY - reach * 0.8);
  strokeWith(context, path, "#fff", Math.max(1.2, radius / 6));
}

function guide(context, [[x, y], [u, v]]) {
  const path = new Path2D();
  const crisp = (value) => Math.round(value) + 0.5;
  path.moveTo(x === u ? crisp(x) : x, y === v ? crisp(y) : y);
  path.lineTo(x === u ? crisp(u) : u, y === v ? crisp(v) : v);
  strokeWith(context, path, "rgba(255, 255, 255, 0.8)", 3);
  strokeWith(context, path, GUIDE, 1.25);
}

// The angle in a small plate at the middle; a line through it when a snap holds the layer there.
function angle(context, [x, y], { angle: turned, held, size }) {
  const along = Math.round(turned / QUARTER) * QUARTER === turned ? [0, QUARTER] : [turned];
  const reach = size / 2 + GUIDE_BEYOND;
  if (held) {
    for (const by of along) {
      const [dx, dy] = [reach * Math.cos(by), reach * Math.sin(by)];
      guide(context, Math.abs(dx) < 1e-6 ? [[x, y - dy], [x, y + dy]] : Math.abs(dy) < 1e-6 ? [[x - dx, y], [x + dx, y]] : [[x - dx, y - dy], [x + dx, y + dy]]);
    }
  }
  plate(context, `${Math.round((turned * 180) / Math.PI + 360) % 360}°`, x, y, held ? GUIDE : "#1d1d26");
}

function plate(context, text, x, y, fill) {
  context.font = "600 13px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 16;
  context.beginPath();
  context.roundRect(x - width / 2, y - 12, width, 24, 8);
  context.fillStyle = fill;
  context.fill();
  context.fillStyle = "#fff";
  context.fillText(text, x, y + 1);
}
