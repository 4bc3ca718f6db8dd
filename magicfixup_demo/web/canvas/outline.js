// The outline of a binary mask as closed loops along its pixel edges. Pure; the canvas side is in select/drawing.js.

/** alpha: Uint8Array of width x height, inside where >= 128. Returns loops of [x, y] at the middles of pixel edges. */
export function traceOutline(alpha, width, height) {
  const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && alpha[y * width + x] >= 128;
  const edges = collectEdges(inside, width, height);
  const loops = [];
  for (const first of edges.keys()) {
    while (edges.get(first)?.length) loops.push(followLoop(edges, first));
  }
  return loops;
}

// Directed edges with the inside on their right hand, by the vertex where they begin (vertices as y * 65536 + x).
function collectEdges(inside, width, height) {
  const edges = new Map();
  const add = (x0, y0, x1, y1) => {
    const key = y0 * 65536 + x0;
    if (edges.has(key)) edges.get(key).push([x1, y1]);
    else edges.set(key, [[x1, y1]]);
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue;
      if (!inside(x, y - 1)) add(x, y, x + 1, y);
      if (!inside(x + 1, y)) add(x + 1, y, x + 1, y + 1);
      if (!inside(x, y + 1)) add(x + 1, y + 1, x, y + 1);
      if (!inside(x - 1, y)) add(x, y + 1, x, y);
    }
  }
  return edges;
}

// Middles of edges, not corners: that alone turns stairs into slopes.
function followLoop(edges, first) {
  const loop = [];
  let key = first;
  do {
    const [x, y] = [key % 65536, Math.floor(key / 65536)];
    const [nx, ny] = edges.get(key).pop();
    loop.push([(x + nx) / 2, (y + ny) / 2]);
    key = ny * 65536 + nx;
  } while (key !== first);
  return loop;
}
