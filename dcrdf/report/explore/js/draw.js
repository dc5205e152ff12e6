// A picture of an image: colour or height, a map over it, the truth around it.

/** The threshold that colours a branch's map: the moved one for the fused map. */
function limitOf(run, branch) {
  return branch === "fused" ? state.thresholds[run] : data.runs[run].maps[branch].threshold;
}

/** @param {ImageData} pixels @returns {OffscreenCanvas} */
function canvasOf(pixels) {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** The picture below the map: what is asked for or, where that is missing, the other. */
async function baseOf(run, at, base) {
  const order = base === "height" ? [heightsOf, colourOf] : [colourOf, heightsOf];
  const found = order[0](run, at) ?? order[1](run, at);
  if (found === null) return null;
  const picture = await found;
  const [low, high] = picturesOf(run).shown;
  return picture.values ? canvasOf(heightPixels(picture, low, high)) : picture;
}

/** A branch's map in colours, or null. */
async function heatOf(run, branch, at, opacity) {
  const map = await mapOf(run, branch, at);
  if (map === null || opacity <= 0) return null;
  const { usual } = data.runs[run].maps[branch];
  return canvasOf(heatPixels(map, usual, limitOf(run, branch), opacity, TABLE));
}

/**
 * Draw an image onto a canvas; the last call for a canvas wins.
 * @param {HTMLCanvasElement & {turn?: number}} canvas
 * @param {{run: number, branch: string, at: number, whole?: boolean}} what `whole`: not zoomed
 */
async function draw(canvas, { run, branch, at, whole = false }) {
  const turn = canvas.turn = (canvas.turn ?? 0) + 1;
  const [base, heat] = await Promise.all(
    [baseOf(run, at, state.base), heatOf(run, branch, at, state.opacity)]);
  if (canvas.turn !== turn) return;
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const { zoom, x, y } = whole ? { zoom: 1, x: 0.5, y: 0.5 } : state;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  context.setTransform(zoom, 0, 0, zoom, width * (0.5 - zoom * x), height * (0.5 - zoom * y));
  if (base) context.drawImage(base, 0, 0, width, height);
  if (heat) context.drawImage(heat, 0, 0, width, height);
  if (state.truth) drawOutlines(context, picturesOf(run).outlines[at], width, height, zoom);
}

/** A light line with a dark halo around every true defect. */
function drawOutlines(context, outlines, width, height, zoom) {
  const scale = Math.max(1, width / 200) / zoom;
  for (const [colour, thickness] of [["#000", 3], ["#00e5ff", 1.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = thickness * scale;
    for (const line of outlines) {
      context.beginPath();
      for (let at = 0; at < line.length; at += 2) {
        context.lineTo(line[at] * width, line[at + 1] * height);
      }
      context.closePath();
      context.stroke();
    }
  }
}
