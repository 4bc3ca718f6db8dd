// Whether a file is work that was saved here, by its first bytes: no upload, and little of it is read.

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const ZIP = [0x50, 0x4b, 0x03, 0x04];
const OURS = "magicfixup\0"; // the keyword of the text that saving/picture.py writes
const TEXTS = ["tEXt", "zTXt", "iTXt"];
const MOST_CHUNKS = 512;

/** A picture that carries its collage, or a zip. */
export async function isSaved(file) {
  const head = await bytesOf(file, 0, 8);
  if (startsWith(head, ZIP)) return true;
  return startsWith(head, PNG) && hasOurText(file);
}

/** Whether the browser calls it a zip, or its name does. */
export const isZip = ({ name, type }) => /zip/.test(type ?? "") || /\.zip$/i.test(name ?? "");

// Chunks: length, type, content, checksum; other programs may have moved ours behind the pixels.
async function hasOurText(file) {
  let at = PNG.length;
  for (let i = 0; i < MOST_CHUNKS && at + 8 <= file.size; i++) {
    const bytes = await bytesOf(file, at, 8 + OURS.length);
    const type = String.fromCharCode(...bytes.subarray(4, 8));
    if (TEXTS.includes(type) && String.fromCharCode(...bytes.subarray(8)) === OURS) return true;
    at += 12 + new DataView(bytes.buffer).getUint32(0);
  }
  return false;
}

const bytesOf = async (file, at, length) => new Uint8Array(await file.slice(at, at + length).arrayBuffer());

const startsWith = (bytes, wanted) => wanted.every((byte, i) => bytes[i] === byte);
