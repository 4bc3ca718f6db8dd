// How the photo lies on the canvas: one matrix from photo pixels to CSS pixels, and back. Pure.
//   camera = { scale, centre }   CSS pixels per photo pixel, and the photo point in the middle of the stage

import { apply, compose, invert, scaling, translation } from "../model/affine.js";

export const MOST_SCALE = 16; // CSS pixels per photo pixel
export const LEAST_ZOOM = 0.5; // of the fitted view
const ROOM = 0.25; // of the stage, that a photo which was zoomed far in may be pushed beyond its place
const AS_GOOD_AS_FITTED = 0.005;

/** Fit the photo into a stage of CSS pixels with a margin, centred; never enlarged more than `most` times. */
export function fit(photo, stage, margin, most = 4) {
  const width = Math.max(stage.width - 2 * margin, 1);
  const height = Math.max(stage.height - 2 * margin, 1);
  const scale = Math.min(width / photo.width, height / photo.height, most);
  const x = (stage.width - photo.width * scale) / 2;
  const y = (stage.height - photo.height * scale) / 2;
  return [scale, 0, 0, scale, x, y];
}

export const viewToPhoto = (view, point) => apply(invert(view), point);

export const isInside = (photo, [x, y]) => x >= 0 && y >= 0 && x < photo.width && y < photo.height;

export const cameraOf = (view, stage) => ({ scale: view[0], centre: viewToPhoto(view, [stage.width / 2, stage.height / 2]) });

export const viewOf = ({ scale, centre }, stage) =>
  compose(translation(stage.width / 2 - scale * centre[0], stage.height / 2 - scale * centre[1]), scaling(scale, scale));

/** The view with the photo enlarged `factor` times about a point of the stage, as far as the limits allow. */
export function zoomed(view, factor, point, photo, stage, margin) {
  const wanted = clampScale(view[0] * factor, fit(photo, stage, margin)[0]) / view[0];
  return kept(compose(scaling(wanted, wanted, point), view), photo, stage, margin);
}

export const panned = (view, dx, dy, photo, stage, margin) => kept(compose(translation(dx, dy), view), photo, stage, margin);

/** Two fingers went from `from` to `to` (each two stage points): the middle goes along, the distance is the zoom. */
export function pinched(view, from, to, photo, stage, margin) {
  const [[x, y], [u, v]] = [middle(...from), middle(...to)];
  const factor = distance(...to) / Math.max(distance(...from), 1);
  return panned(zoomed(compose(translation(u - x, v - y), view), factor, [u, v], photo, stage, margin), 0, 0, photo, stage, margin);
}

/**
 * The view within its limits: between half the fitted size and 16 times the photo's pixel, and never away from the
 * photo. Fitted or smaller it stays centred. Larger, it covers the place where it was fitted, but for some room that
 * grows with the zoom. So zooming in at any point of the photo is never held up, and zooming out ends at the fit.
 */
export function kept(view, photo, stage, margin) {
  const fitted = fit(photo, stage, margin)[0];
  const camera = cameraOf(view, stage);
  const scale = clampScale(camera.scale, fitted);
  const free = Math.max(0, 1 - fitted / scale);
  const along = (value, size, length) => {
    const reach = free * (size / 2 + (ROOM * length) / scale);
    return clamp(value, size / 2 - reach, size / 2 + reach);
  };
  const [x, y] = camera.centre;
  return viewOf({ scale, centre: [along(x, photo.width, stage.width), along(y, photo.height, stage.height)] }, stage);
}

/** Whether the view may count as fitted, so that it stays fitted when the window changes. */
export const isFitted = (view, photo, stage, margin) => Math.abs(view[0] / fit(photo, stage, margin)[0] - 1) < AS_GOOD_AS_FITTED;

const clampScale = (scale, fitted) => clamp(scale, LEAST_ZOOM * fitted, Math.max(MOST_SCALE, fitted));

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const middle = ([x, y], [u, v]) => [(x + u) / 2, (y + v) / 2];

const distance = ([x, y], [u, v]) => Math.hypot(u - x, v - y);
