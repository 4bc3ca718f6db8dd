// The object's own colours at its soft edge, where the photo shows them mixed with the background. Pure.
// Twin of foreground.py, which says how it works; a browser test holds the two together.

const REACH = 0.014; // of the photo's long side
const LEAST_REACH = 6; // pixels
const PLANES = 8; // sums of red, green, blue and weight, of the object and of the background

// Whole numbers, so that running sums stay exact.
const PURITY = Float64Array.from({ length: 256 }, (_, alpha) => alpha && 1 + Math.floor(1000 * (alpha / 255) ** 6));

/** How far off the pure colours are looked for, in pixels of a picture of this size. */
export const reachOf = ({ width, height }) => Math.max(LEAST_REACH, Math.round(REACH * Math.max(width, height)));

/**
 * pixels: RGBA bytes of width x height; alpha: as many bytes. Where 0 < alpha < 255 the colours are replaced, in place,
 * by the object's own. Give `reach` pixels of the photo around the object, where there are any.
 */
export function decontaminate(pixels, alpha, width, height, reach) {
  const before = pixels.slice(); // the estimate of one pixel must not see that of another
  const columns = new Float64Array(PLANES * width); // sums over the rows y - reach ... y + reach
  for (let y = 0; y < Math.min(reach, height); y++) addRow(columns, before, alpha, y, width, 1);
  for (let y = 0; y < height; y++) {
    if (y + reach < height) addRow(columns, before, alpha, y + reach, width, 1);
    if (y - reach > 0) addRow(columns, before, alpha, y - reach - 1, width, -1);
    estimateRow(pixels, before, alpha, columns, y, width, reach);
  }
}

function addRow(columns, pixels, alpha, y, width, sign) {
  for (let x = 0, i = y * width; x < width; x++, i++) {
    const front = sign * PURITY[alpha[i]];
    const back = sign * PURITY[255 - alpha[i]];
    const [p, k] = [4 * i, PLANES * x];
    for (let c = 0; c < 3; c++) {
      columns[k + c] += front * pixels[p + c];
      columns[k + 4 + c] += back * pixels[p + c];
    }
    columns[k + 3] += front;
    columns[k + 7] += back;
  }
}

// The window slides along the row, and is summed anew where the last soft pixel is too far behind.
function estimateRow(pixels, before, alpha, columns, y, width, reach) {
  const sums = new Float64Array(PLANES);
  let [from, to] = [0, 0]; // the columns in `sums`
  for (let x = 0; x < width; x++) {
    const a = alpha[y * width + x];
    if (a === 0 || a === 255) continue;
    const [low, high] = [Math.max(0, x - reach), Math.min(width, x + reach + 1)];
    if (low >= to) sums.fill(0), (from = to = low);
    for (; to < high; to++) addColumn(sums, columns, to, 1);
    for (; from < low; from++) addColumn(sums, columns, from, -1);
    estimate(pixels, before, 4 * (y * width + x), a / 255, sums);
  }
}

function addColumn(sums, columns, x, sign) {
  for (let k = 0; k < PLANES; k++) sums[k] += sign * columns[PLANES * x + k];
}

function estimate(pixels, before, p, cover, sums) {
  for (let c = 0; c < 3; c++) {
    const front = sums[c] / Math.max(sums[3], 1);
    const back = sums[4 + c] / Math.max(sums[7], 1);
    pixels[p + c] = front + cover * (before[p + c] - cover * front - (1 - cover) * back); // the array clamps and rounds
  }
}
