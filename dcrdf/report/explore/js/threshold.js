// The threshold moved: who is missed, who is rejected, what it costs, and how to keep it.

const BINS = 32;
let axes = null;

/** Counts of values by bin. @param {number[]} values @returns {number[]} */
function binned(values, low, high) {
  const counts = new Array(BINS).fill(0);
  for (const value of values) {
    counts[Math.min(BINS - 1, Math.max(0, Math.floor((value - low) / (high - low) * BINS)))] += 1;
  }
  return counts;
}

/** The histogram: good images upwards, defective ones downwards; ticks are validation images. */
function showHistogram() {
  const [low, high] = scoreRange();
  const { scores, validation } = theRun();
  const isUp = data.hasTruth ? isGood : data.images.map(() => true);
  const up = binned(scores.fused.filter((_, at) => isUp[at]), low, high);
  const down = binned(scores.fused.filter((_, at) => !isUp[at]), low, high);
  const tallest = 1.12 * Math.max(...up, ...down, 1);
  const bottom = data.hasTruth ? -tallest : 0;
  axes = makeAxes({ label: "image score", low, high }, { label: "images", low: bottom, high: tallest, least: 1 },
    "Histogram of image scores; the table beside it has the numbers.");
  const { svg, placeX, placeY } = axes;
  [[up, "good", 1], [down, "defect", -1]].forEach(([counts, kind, sign]) => counts.forEach((count, at) => {
    if (!count) return;
    const [x, next] = [at, at + 1].map((edge) => placeX(low + edge / BINS * (high - low)));
    const [a, b] = [placeY(0), placeY(sign * count)];
    svg.append(draws("rect", { class: kind, x: x + 0.6, y: Math.min(a, b), width: next - x - 1.2,
      height: Math.abs(a - b), rx: 1 }));
  }));
  for (const score of validation) {
    svg.append(draws("path", { class: "tick", d: `M${placeX(score)} ${placeY(0) - 5}v10` }));
  }
  svg.append(draws("path", { class: "mark usual", id: "model-mark" }),
    draws("path", { class: "mark", id: "mark" }), draws("text", { class: "mark-text", id: "mark-text" }));
  byId("threshold-chart").replaceChildren(svg);
  Object.assign(byId("threshold-range"), { min: low, max: high, step: "any" });
}

/** Put the line where the threshold is. */
function showMark() {
  const { placeX } = axes;
  const line = (value) => `M${placeX(value)} ${BOX.top}V${BOX.bottom}`;
  byId("mark").setAttribute("d", line(theThreshold()));
  byId("model-mark").setAttribute("d", line(theRun().threshold));
  const x = placeX(theThreshold());
  const isRight = x > 260;
  const text = byId("mark-text");
  text.setAttribute("x", x + (isRight ? -5 : 5));
  text.setAttribute("y", BOX.top + 9);
  text.setAttribute("text-anchor", isRight ? "end" : "start");
  text.textContent = numberText(theThreshold());
  byId("threshold-range").value = String(theThreshold());
  byId("threshold-range").setAttribute("aria-valuetext", numberText(theThreshold()));
  if (document.activeElement !== byId("threshold-value")) {
    byId("threshold-value").value = String(theThreshold());
  }
}

/** Verdicts at the threshold and at the model's, counted. */
function showCounts() {
  const now = verdictsOf(state.run);
  const before = verdictsOf(state.run, theRun().threshold);
  const rows = data.hasTruth
    ? [["defects missed", "missed", isDefect], ["good parts rejected", "false alarm", isGood]]
    : [["called defective", "defective", data.images.map(() => true)]];
  const cells = rows.map(([title, verdict, group]) => {
    const one = among(now, verdict, group);
    return [title, shareText(one), intervalText(one), String(among(before, verdict, group).count)];
  });
  const left = now.filter((one) => one === "not judged").length;
  byId("threshold-facts").replaceChildren(
    makeTable(`At ${numberText(theThreshold())}`,
      ["", "images", "95 % interval", "model's own"], cells),
    ...(left ? [`${left} images are not judged; no threshold changes that.`] : []));
  const changed = data.images.map((_, at) => at).filter((at) => now[at] !== before[at]);
  byId("changes").replaceChildren(changed.length
    ? make("ul", { class: "plain" }, ...changed.map((at) =>
      make("li", {}, opener(at), ` ${before[at]} → `, badge(now[at]))))
    : make("p", { class: "soft" }, "None: every verdict is as with the model's own threshold."));
}

/** What the parts cost at this threshold, and where it would be cheapest on these images. */
function showCost() {
  if (!data.hasTruth) return;
  const price = (id) => Number(byId(id).value);
  const prices = { miss: price("price-miss"), falseAlarm: price("price-alarm"),
    defectivePerThousand: price("price-share") };
  const { scores, notJudged } = theRun();
  const now = verdictsOf(state.run);
  const costs = (verdicts) => expectedCost(
    among(verdicts, "missed", isDefect), among(verdicts, "false alarm", isGood), prices);
  const cost = costs(now);
  const best = cheapestThreshold(data.images, scores.fused, notJudged, prices);
  const isKnown = Number.isFinite(cost) && Number.isFinite(best.cost);
  byId("cost").textContent = isKnown
    ? `A thousand parts cost ${numberText(cost)} at this threshold, ${
      numberText(costs(verdictsOf(state.run, theRun().threshold)))} at the model's own, ${
      numberText(best.cost)} at ${numberText(best.threshold)}, the cheapest on these images.`
    : "Costs need good and defective images, and three numbers.";
  byId("cheapest").disabled = !isKnown;
  byId("cheapest").dataset.value = String(best.threshold);
}

/** The line that sets this threshold in the model. */
function showCommand() {
  const now = verdictsOf(state.run);
  const note = data.hasTruth
    ? `set by hand: misses ${shareText(among(now, "missed", isDefect))}, rejects ${
      shareText(among(now, "false alarm", isGood))} of the test images that it was chosen on`
    : "set by hand on own scans";
  byId("command").value = `dcrdf threshold ${shellWord(theRun().model)} --set ${
    theThreshold()} --note ${shellWord(note)}`;
}

/** One step up or down: a hundredth of the range of scores. @param {number} direction */
function stepThreshold(direction) {
  const [low, high] = scoreRange();
  setThreshold(rounded(theThreshold() + direction * (high - low) / 100));
}

/** Follow the pointer over the histogram. @param {PointerEvent} event */
function dragTo(event) {
  const box = byId("threshold-chart").querySelector("svg").getBoundingClientRect();
  const [low, high] = scoreRange();
  const x = (event.clientX - box.left) / box.width * BOX.width;
  const share = Math.min(Math.max((x - BOX.left) / (BOX.right - BOX.left), 0), 1);
  setThreshold(rounded(low + share * (high - low)));
}

/** Copy the line; where the browser forbids it, it is marked to be copied by hand. */
async function copyCommand() {
  const field = byId("command");
  field.select();
  const isCopied = await navigator.clipboard?.writeText(field.value).then(() => true, () => false);
  byId("copied").textContent = isCopied ? "copied" : "marked: copy it with Ctrl+C";
}

function startThreshold() {
  const chart = byId("threshold-chart");
  chart.addEventListener("pointerdown", (event) => {
    chart.setPointerCapture(event.pointerId);
    dragTo(event);
  });
  chart.addEventListener("pointermove", (event) => { if (event.buttons) dragTo(event); });
  byId("threshold-range").addEventListener("input", (event) =>
    setThreshold(rounded(Number(event.target.value))));
  byId("threshold-value").addEventListener("input", (event) =>
    setThreshold(Number.parseFloat(event.target.value)));
  byId("threshold-reset").addEventListener("click", () => setThreshold(theRun().threshold));
  byId("copy").addEventListener("click", copyCommand);
  if (data.hasTruth) {
    byId("cheapest").addEventListener("click", (event) =>
      setThreshold(rounded(Number(event.target.dataset.value))));
    for (const id of ["price-miss", "price-alarm", "price-share"]) {
      byId(id).addEventListener("input", showCost);
    }
  }
  const update = soon(() => { showMark(); showCounts(); showCost(); showCommand(); });
  listeners.push((changed) => {
    if (changed.has("run")) {
      showHistogram();
      byId("note").textContent = theRun().note;
    }
    if (changed.has("run") || changed.has("thresholds")) {
      showMark();
      update();
    }
  });
}
