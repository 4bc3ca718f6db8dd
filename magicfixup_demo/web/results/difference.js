// Where two pictures differ, made bright enough to be seen.

export const GAIN = 5;

/** |a - b| times `gain`, RGBA bytes of equal length -> opaque RGBA bytes. */
export function difference(a, b, gain = GAIN) {
  const out = new Uint8ClampedArray(a.length);
  for (let i = 0; i < a.length; i += 4) {
    out[i] = gain * Math.abs(a[i] - b[i]);
    out[i + 1] = gain * Math.abs(a[i + 1] - b[i + 1]);
    out[i + 2] = gain * Math.abs(a[i + 2] - b[i + 2]);
    out[i + 3] = 255;
  }
  return out;
}

/** Draw the difference of two decoded images on a canvas, at the first one's size. */
export function drawDifference(canvas, after, before) {
  const { naturalWidth: width, naturalHeight: height } = after;
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const [a, b] = [after, before].map((image) => {
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  });
  context.putImageData(new ImageData(difference(a, b), width, height), 0, 0);
}
