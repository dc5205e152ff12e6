// One colour scale for all maps: dark is usual on good parts, the middle is the threshold.

/**
 * @param {string[]} stops hexadecimal colours from low to high
 * @returns {Uint8Array} 256 colours of 3 bytes
 */
function colourTable(stops) {
  const parsed = stops.map((one) => [1, 3, 5].map((at) => parseInt(one.slice(at, at + 2), 16)));
  const table = new Uint8Array(768);
  for (let level = 0; level < 256; level += 1) {
    const place = (level / 255) * (parsed.length - 1);
    const below = Math.min(Math.floor(place), parsed.length - 2);
    for (let part = 0; part < 3; part += 1) {
      const [a, b] = [parsed[below][part], parsed[below + 1][part]];
      table[3 * level + part] = Math.round(a + (b - a) * (place - below));
    }
  }
  return table;
}

/**
 * A value's place on the scale, 0 to 1. @param {number} value @param {number} usual
 * @param {number} threshold
 */
function placeOnScale(value, usual, threshold) {
  const share = (value - usual) / Math.max(2 * (threshold - usual), 1e-6);
  return Math.min(Math.max(share, 0), 1);
}

/**
 * A map as pixels, the more opaque the higher. @param {{width: number, height: number,
 * values: Float32Array}} map @param {number} usual @param {number} threshold
 * @param {number} opacity @param {Uint8Array} table @returns {ImageData}
 */
function heatPixels(map, usual, threshold, opacity, table) {
  const image = new ImageData(map.width, map.height);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = new Uint32Array(256);
  for (let level = 0; level < 256; level += 1) {
    // Full opacity shows the map alone; below it, what is usual lets the picture through.
    const veil = opacity >= 1 ? 1 : opacity * (0.1 + 0.9 * Math.min(1, 2 * level / 255) ** 2);
    const [red, green, blue] = table.subarray(3 * level, 3 * level + 3);
    colours[level] = (Math.round(255 * veil) << 24) | (blue << 16) | (green << 8) | red;
  }
  for (let at = 0; at < pixels.length; at += 1) {
    pixels[at] = colours[Math.round(255 * placeOnScale(map.values[at], usual, threshold))];
  }
  return image;
}

/**
 * Heights as grey, lit from the upper left, so that shallow dents show.
 * @param {{width: number, height: number, values: Float32Array}} heights
 * @param {number} low @param {number} high @returns {ImageData}
 */
function heightPixels(heights, low, high) {
  const { width, height, values } = heights;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const span = Math.max(high - low, 1e-9);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      const right = values[x + 1 < width ? at + 1 : at];
      const below = values[y + 1 < height ? at + width : at];
      const slope = (right + below - 2 * values[at]) / span;
      const share = Math.min(Math.max((values[at] - low) / span, 0), 1);
      const grey = 255 * Math.min(Math.max(0.2 + 0.55 * share + 0.22 * Math.tanh(12 * slope), 0), 1);
      pixels[at] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
    }
  }
  return image;
}
