// From the texts in the page to pixels and numbers; each is decoded when it is first looked at.

const KEPT = 400;
/** @type {Map<string, Promise<any>>} */
const decoded = new Map();

/** What `make` gives for a key, kept while it is among the last used. */
function remembered(key, make) {
  const found = decoded.get(key) ?? make();
  decoded.delete(key);
  decoded.set(key, found);
  if (decoded.size > KEPT) decoded.delete(decoded.keys().next().value);
  return found;
}

/** @param {string} text base64 of a WebP file @returns {Promise<ImageBitmap>} */
function bitmapOf(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const blob = new Blob([bytes], { type: "image/webp" });
  return createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
}

/** @param {string} text @param {(pixels: Uint8ClampedArray, at: number) => number} value */
async function valuesOf(text, value) {
  const bitmap = await bitmapOf(text);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, width, height).data;
  const values = new Float32Array(width * height);
  for (let at = 0; at < values.length; at += 1) values[at] = value(pixels, 4 * at);
  return { width, height, values };
}

const picturesOf = (run) => data.prepared[data.runs[run].prepared];

/** The colour image, or null where the page holds none. */
function colourOf(run, at) {
  const text = picturesOf(run).colour[at];
  return text ? remembered(`c${data.runs[run].prepared}/${at}`, () => bitmapOf(text)) : null;
}

/** Heights of an image, or null. */
function heightsOf(run, at) {
  const { images, low, high } = picturesOf(run).heights;
  if (!images[at]) return null;
  return remembered(`h${data.runs[run].prepared}/${at}`, () => valuesOf(images[at], (pixels, place) =>
    low + (high - low) * ((pixels[place] << 2) | (pixels[place + 1] >> 6)) / 1023));
}

/** A branch's map of an image, or null. */
function mapOf(run, branch, at) {
  const map = data.runs[run].maps[branch];
  if (!map?.images[at]) return null;
  return remembered(`m${run}/${branch}/${at}`, () => valuesOf(map.images[at], (pixels, place) =>
    map.low + (map.high - map.low) * (pixels[place] / 255) ** 2));
}
