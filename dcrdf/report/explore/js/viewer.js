// One image large: all branches under one slider, values under the pointer, another run beside.

const PANEL_PX = 420;
const MOST_ZOOM = 16;

/** The panels of the image that is shown: [run, branch, canvas]. */
let panels = [];

/** @param {number} run @param {number} at @returns {HTMLElement} */
function makePanels(run, at) {
  const { maps, scores, name } = data.runs[run];
  const height = Math.round(PANEL_PX / (data.images[at].aspect ?? 1));
  return make("div", { class: "panels" }, ...Object.keys(maps).map((branch) => {
    const canvas = make("canvas", { width: PANEL_PX, height, role: "img",
      "aria-label": `${labelOf(at)}: ${maps[branch].title} of ${name}` });
    panels.push([run, branch, canvas]);
    const limit = numberText(limitOf(run, branch));
    return make("figure", {}, canvas, make("figcaption", {},
      `${name}, ${maps[branch].title}: score ${numberText(scores[branch][at])}, threshold ${limit}`));
  }));
}

/** Fill the dialog for the image of the state. */
function showImage() {
  const dialog = byId("viewer");
  if (state.image === null) {
    if (dialog.open) dialog.close();
    return;
  }
  const at = state.image;
  const verdict = verdictsOf(state.run)[at];
  byId("viewer-title").replaceChildren(`${labelOf(at)} `, badge(verdict));
  const shown = shownImages();
  byId("viewer-place").textContent = shown.includes(at)
    ? `${shown.indexOf(at) + 1} of ${shown.length}` : "not among the images filtered";
  byId("viewer-reason").textContent = theRun().notJudged[at];
  panels = [];
  const runs = [state.run, ...(state.other === null ? [] : [state.other])];
  byId("viewer-panels").replaceChildren(...runs.map((run) => makePanels(run, at)));
  byId("values").textContent = "Point at a picture to read its values.";
  if (!dialog.open) dialog.showModal();
  drawPanels();
  showSurface();
}

function drawPanels() {
  if (state.image === null) return;
  panels.forEach(([run, branch, canvas]) => draw(canvas, { run, branch, at: state.image }));
}

/** The image beside this one among those that are shown. @param {number} steps */
function goBy(steps) {
  const shown = shownImages();
  if (!shown.length) return;
  const place = shown.indexOf(state.image);
  const next = place < 0 ? 0 : (place + steps + shown.length) % shown.length;
  change({ image: shown[next] });
}

/** Zoom by a factor about a place of the image. */
function zoomAt(factor, x = state.x, y = state.y) {
  const zoom = Math.min(Math.max(state.zoom * factor, 1), MOST_ZOOM);
  const kept = state.zoom / zoom;
  moveTo(zoom, x + (state.x - x) * kept, y + (state.y - y) * kept);
}

/** Show the part of the image around a place, never beyond its edges. */
function moveTo(zoom, x, y) {
  const half = 0.5 / zoom;
  const within = (value) => Math.min(Math.max(value, half), 1 - half);
  change({ zoom, x: within(x), y: within(y) });
}

/** Where on the image an event of the pointer is, as shares. @param {PointerEvent} event */
function placeOf(event) {
  const box = event.target.getBoundingClientRect();
  return [
    state.x + ((event.clientX - box.left) / box.width - 0.5) / state.zoom,
    state.y + ((event.clientY - box.top) / box.height - 0.5) / state.zoom,
  ];
}

/** The value of maps or heights at a place. */
function valueAt({ width, height, values }, x, y) {
  const column = Math.min(Math.max(Math.floor(x * width), 0), width - 1);
  const row = Math.min(Math.max(Math.floor(y * height), 0), height - 1);
  return values[row * width + column];
}

/** A height in millimetres where the scale is known. */
function heightText(run, value) {
  const { mm } = picturesOf(run);
  return mm ? `${numberText(mm[0] + value * (mm[1] - mm[0]))} mm` : numberText(value);
}

/** Say what all pictures hold where the pointer is. */
async function showValues(x, y) {
  const at = state.image;
  const said = [`${Math.round(100 * x)} % across, ${Math.round(100 * y)} % down`];
  for (const [run, branch] of panels) {
    const map = await mapOf(run, branch, at);
    if (map) said.push(`${data.runs[run].name}, ${data.runs[run].maps[branch].title} ${
      numberText(valueAt(map, x, y))}`);
  }
  const heights = await heightsOf(state.run, at);
  if (heights) said.push(`height ${heightText(state.run, valueAt(heights, x, y))}`);
  if (state.image === at) byId("values").textContent = said.join(" · ");
}

/** Pointer and wheel on the panels. */
function startPointing() {
  const area = byId("viewer-panels");
  let from = null;
  const isCanvas = (event) => event.target instanceof HTMLCanvasElement;
  area.addEventListener("pointermove", (event) => {
    if (!isCanvas(event)) return;
    const [x, y] = placeOf(event);
    if (from) moveTo(state.zoom, state.x + from[0] - x, state.y + from[1] - y);
    else showValues(x, y);
  });
  area.addEventListener("pointerdown", (event) => {
    if (!isCanvas(event) || state.zoom === 1) return;
    from = placeOf(event);
    event.target.setPointerCapture(event.pointerId);
  });
  area.addEventListener("pointerup", () => { from = null; });
  area.addEventListener("pointercancel", () => { from = null; });
  area.addEventListener("wheel", (event) => {
    if (!isCanvas(event)) return;
    event.preventDefault();
    zoomAt(event.deltaY < 0 ? 1.25 : 0.8, ...placeOf(event));
  }, { passive: false });
}

function startViewer() {
  const other = byId("other");
  other.append(make("option", { value: "" }, "none"), ...data.runs.map((run, at) =>
    make("option", { value: at }, run.name)));
  other.addEventListener("change", () =>
    change({ other: other.value === "" ? null : Number(other.value) }));
  other.closest("label").hidden = data.runs.length < 2;
  byId("viewer").addEventListener("close", () => {
    const at = state.image;
    if (at !== null) change({ image: null, zoom: 1, x: 0.5, y: 0.5 });
    if (at !== null && cards[at].isConnected) cards[at].focus();
  });
  const clicks = { "viewer-close": () => byId("viewer").close(), before: () => goBy(-1),
    after: () => goBy(1), "zoom-in": () => zoomAt(1.5), "zoom-out": () => zoomAt(1 / 1.5),
    "zoom-whole": () => moveTo(1, 0.5, 0.5) };
  for (const [id, work] of Object.entries(clicks)) byId(id).addEventListener("click", work);
  startPointing();
  const redraw = soon(drawPanels);
  listeners.push((changed) => {
    if (["image", "other", "run", "thresholds"].some((one) => changed.has(one))) showImage();
    else if (["base", "opacity", "truth", "zoom"].some((one) => changed.has(one))) redraw();
  });
}
