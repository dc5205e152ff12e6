// What the page shows now, who wants to know, and the address that says it.

const data = JSON.parse(document.getElementById("data").textContent);
const TABLE = colourTable(data.colours);
const ALL = "all";

/** The page's state; changed by `change` alone. */
const state = {
  run: 0,
  thresholds: data.runs.map((run) => run.threshold),
  verdict: ALL,
  kind: ALL,
  sort: data.hasTruth ? "mistakes" : "high",
  /** @type {number | null} the image shown large */
  image: null,
  /** @type {number | null} the run beside it */
  other: null,
  base: "colour",
  opacity: 0.6,
  truth: true,
  zoom: 1,
  x: 0.5,
  y: 0.5,
};

/** @type {((changed: Set<string>) => void)[]} */
const listeners = [];

/** Change the state and tell all parts of the page. @param {Partial<typeof state>} values */
function change(values) {
  Object.assign(state, values);
  const changed = new Set(Object.keys(values));
  listeners.forEach((listener) => listener(changed));
  writeAddress();
}

/** @param {number} threshold of the run that is shown */
function setThreshold(threshold) {
  if (!Number.isFinite(threshold)) return;
  change({ thresholds: state.thresholds.map((one, at) => (at === state.run ? threshold : one)) });
}

const theRun = () => data.runs[state.run];
const theThreshold = () => state.thresholds[state.run];
const labelOf = (at) => (data.hasTruth ? `${data.images[at].kind}/` : "") + data.images[at].name;
const isDefect = data.images.map((image) => image.isDefect);
const isGood = isDefect.map((one) => !one);

/** What a run says of every image, at its threshold or another. @param {number} run */
function verdictsOf(run, threshold = state.thresholds[run]) {
  const { scores, notJudged } = data.runs[run];
  return verdictsAt(data.images, scores.fused, notJudged, threshold, data.hasTruth);
}

/** The images that pass the filters, in the order in which they are shown. @returns {number[]} */
function shownImages() {
  const verdicts = verdictsOf(state.run);
  return sortedOrder(theRun().scores.fused, verdicts, data.images, state.sort).filter((at) =>
    (state.verdict === ALL || verdicts[at] === state.verdict)
    && (state.kind === ALL || data.images[at].kind === state.kind));
}

/** The range of scores and thresholds of the run that is shown. @returns {[number, number]} */
function scoreRange() {
  const { scores, validation, threshold } = theRun();
  const all = [...scores.fused.filter(Number.isFinite), ...validation, threshold];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const margin = 0.03 * Math.max(high - low, 1e-9);
  return [low - margin, high + margin];
}

/** A threshold with as many digits as the range of scores needs. @param {number} value */
function rounded(value) {
  const [low, high] = scoreRange();
  const step = 10 ** (Math.floor(Math.log10(high - low)) - 3);
  return Number((Math.round(value / step) * step).toPrecision(10));
}

let addressWaits = 0;

/** Soon, the state in the address: browsers refuse an address that changes with every move. */
function writeAddress() {
  clearTimeout(addressWaits);
  addressWaits = setTimeout(writeAddressNow, 250);
}

/** The state as the address has it, so that it can be sent to others. */
function writeAddressNow() {
  const said = new URLSearchParams();
  if (state.image !== null) said.set("image", labelOf(state.image));
  if (state.run !== 0) said.set("run", theRun().name);
  if (theThreshold() !== theRun().threshold) said.set("threshold", String(theThreshold()));
  if (state.verdict !== ALL) said.set("verdict", state.verdict);
  if (state.kind !== ALL) said.set("kind", state.kind);
  const hash = said.toString();
  if (location.hash.slice(1) !== hash) history.replaceState(null, "", `#${hash}`);
}

/** The state that the address asks for; what it names and is not there is passed over. */
function readAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  const run = Math.max(0, data.runs.findIndex((one) => one.name === said.get("run")));
  const image = data.images.findIndex((_, at) => labelOf(at) === said.get("image"));
  const threshold = Number.parseFloat(said.get("threshold") ?? "");
  const known = data.hasTruth ? VERDICTS : VERDICTS_WITHOUT_TRUTH;
  const kinds = data.images.map((one) => one.kind);
  change({
    run,
    image: image < 0 ? null : image,
    verdict: known.includes(said.get("verdict")) ? said.get("verdict") : ALL,
    kind: kinds.includes(said.get("kind")) ? said.get("kind") : ALL,
    thresholds: state.thresholds.map((one, at) =>
      (at === run && Number.isFinite(threshold) ? threshold : one)),
  });
}
