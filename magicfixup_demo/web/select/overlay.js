// What selecting draws over the photo, frame by frame, in this order.

import { drawBox } from "../canvas/overlay.js";
import { drawCutout, drawHint, drawLasso, drawOnScene, drawPoints, drawRing, drawSelection } from "./drawing.js";

/** An overlay of the stage. photo(): the one on show; alone(): whether the cut-out is shown without the photo. */
export function makeOverlay({ stage, photo, selection, tools, hint, alone }) {
  return (context, view, time) => {
    const shown = photo();
    if (!shown) return;
    const { stroke, band, lasso, ring, brush } = tools;
    if (stroke) drawOnScene(context, stroke.canvas, [0, 0], shown, view); // the mask as it will be
    else if (selection.mask && alone()) drawCutout(context, selection.mask, shown, view, stage.checker);
    else if (selection.mask) drawSelection(context, selection.mask, shown, view, time);
    if (hint.mask && !selection.active) drawHint(context, hint.mask, shown, view);
    if (selection.box) drawBox(context, selection.box, view);
    if (band) drawBox(context, band.box, view, band.erase);
    if (lasso) drawLasso(context, lasso.points, view, lasso.erase);
    drawPoints(context, selection.points, view, selection.waiting, time);
    if (ring) drawRing(context, ring, brush.size / 2, brush.softness, tools.active === "eraser");
  };
}
