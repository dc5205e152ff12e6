// Curves with the point where the threshold is, what is found by kind and size, runs side by side,
// and what the sensors showed.

/** A curve of every run with a point for the one that is shown. */
function makeCurve(title, sentence, x, y, curves, point) {
  const one = makeAxes(x, y, `${title}. ${sentence}`);
  curves.forEach((points, run) => { if (points) drawLine(one, points, run); });
  if (point) {
    one.svg.append(draws("circle", { class: "point", r: 5, cx: one.placeX(Math.min(point[0], x.high)),
      cy: one.placeY(point[1]) }));
  }
  return makeFigure(title, sentence, one.svg, data.runs.map((run) => run.name));
}

/** @returns {HTMLElement} */
function rocFigure() {
  const now = verdictsOf(state.run);
  const rejected = among(now, "false alarm", isGood);
  const found = among(now, "found", isDefect);
  const point = [rejected.count / Math.max(1, rejected.total), found.count / Math.max(1, found.total)];
  return makeCurve("Image ROC",
    `At the threshold ${percentText(point[1])} of the defects are found, ${
      percentText(point[0])} of the good parts rejected. The lines count all images, the point those judged.`,
    { label: "good images rejected, %", low: 0, high: 1, percent: true },
    { label: "defects found, %", low: 0, high: 1, percent: true },
    data.runs.map((run) => rocPoints(run.scores.fused, isDefect)), point);
}

/** The place on a curve of thresholds (highest first) where a threshold is. */
function placeOnOverlap({ thresholds, flagged, covered }, threshold) {
  let at = thresholds.findIndex((one) => one <= threshold);
  if (at < 0) at = thresholds.length - 1;
  return { point: [flagged[at], covered[at]], isBeyond: threshold < thresholds.at(-1) };
}

/** @returns {HTMLElement | null} */
function overlapFigure() {
  const { overlap } = theRun();
  if (!overlap) return null;
  const { point, isBeyond } = placeOnOverlap(overlap, theThreshold());
  const flagged = data.runs.flatMap((run) => run.overlap?.flagged ?? []);
  const high = Math.ceil(100 * Math.max(...flagged, 0.01)) / 100;
  return makeCurve("Region overlap (PRO)",
    isBeyond ? "The threshold flags more than the curve shows."
      : `A map's pixels above the threshold cover ${percentText(point[1])} of a true defect in the mean, and ${
        percentText(point[0])} of what is not defective.`,
    { label: "defect-free pixels flagged, %", low: 0, high, percent: true },
    { label: "defect region covered, %", low: 0, high: 1, percent: true },
    data.runs.map((run) => run.overlap?.flagged.map((x, at) => [x, run.overlap.covered[at]])), point);
}

/** Rows of what is found in groups of images. @param {[string, boolean[]][]} groups */
const foundRows = (groups) => groups.map(([title, group]) => {
  const found = among(verdictsOf(state.run), "found", group);
  return [title, shareText(found), intervalText(found)];
});

/** What is found by kind of defect, and by how large it is in the image. */
function foundTables() {
  const kinds = [...new Set(data.images.filter((one) => one.isDefect).map((one) => one.kind))].sort();
  const byKind = kinds.map((kind) => [kind, data.images.map((one) => one.isDefect && one.kind === kind)]);
  const head = (what) => [what, "found", "95 % interval"];
  const tables = [makeTable("By kind of defect", head("kind"), foundRows(byKind))];
  const areas = data.images.filter((one) => one.isDefect && one.area > 0).map((one) => one.area);
  if (areas.length >= 3) {
    const [small, large] = thirds(areas);
    const sizes = [[`below ${percentText(small)}`, 0, small], [`to ${percentText(large)}`, small, large],
      [`from ${percentText(large)}`, large, Infinity]];
    tables.push(makeTable("By size: share of the image that is defective", head("size"),
      foundRows(sizes.map(([title, from, to]) => [title, data.images.map((one) =>
        one.isDefect && one.area > 0 && one.area >= from && one.area < to)]))));
  }
  return tables;
}

/** All runs at their thresholds. */
function runsTable() {
  const rows = data.runs.map((run, at) => {
    const now = verdictsOf(at);
    const found = among(now, "found", isDefect);
    const rejected = among(now, "false alarm", isGood);
    const [value, low, high] = run.auroc ?? [];
    const interval = low == null ? "" : ` (${percentText(low).replace(" %", "")} to ${percentText(high)})`;
    return [run.name, numberText(state.thresholds[at]), `${shareText(found)}, ${intervalText(found)}`,
      `${shareText(rejected)}, ${intervalText(rejected)}`,
      value == null ? "-" : percentText(value) + interval];
  });
  return makeTable("Runs, each at its threshold, with 95 % intervals",
    ["run", "threshold", "defects found", "good rejected", "image AUROC"], rows);
}

/** A reading of all images as points over the range of good training parts. */
function readingFigure({ title, unit, values, low, high }) {
  const [least, most] = [Math.min(low, ...values), Math.max(high, ...values)];
  const margin = 0.04 * (most - least || 1);
  const { left, right } = BOX;
  const place = (value) => left + (value - least + margin) / (most - least + 2 * margin) * (right - left);
  const svg = draws("svg", { viewBox: "0 0 360 62", role: "img",
    "aria-label": `${title}: good training parts ${numberText(low)} to ${numberText(high)} ${unit}` });
  svg.append(draws("rect", { class: "usual-range", x: place(low), y: 8,
    width: Math.max(2, place(high) - place(low)), height: 26, rx: 3 }));
  const outside = values.map((_, at) => at).filter((at) => values[at] < low || values[at] > high);
  values.forEach((value, at) => svg.append(draws("circle", { r: 3, cx: place(value),
    cy: 13 + at % 4 * 5, class: outside.includes(at) ? "outside" : "inside" })));
  for (const value of ticksBetween(least, most)) {
    svg.append(draws("text", { x: place(value), y: 54, "text-anchor": "middle" }, numberText(value)));
  }
  const worst = outside.sort((a, b) => Math.max(values[b] - high, low - values[b])
    - Math.max(values[a] - high, low - values[a]));
  const more = worst.length > 8 ? `, and ${worst.length - 8} more` : "";
  return make("figure", { class: "chart" }, svg, make("figcaption", {},
    make("span", { class: "chart-title" }, `${title}${unit && `, ${unit}`}. `), worst.length
      ? `${worst.length} of ${values.length} test images lie outside of the good training parts' ${
        numberText(low)} to ${numberText(high)}: ` : "All test images lie within the good training parts' range.",
    ...worst.slice(0, 8).flatMap((at, place_) => [place_ ? ", " : "",
      opener(at, ` (${numberText(values[at])})`)]), more));
}

/** The images that are not judged, and why. */
function notJudgedTable() {
  const left = data.images.map((_, at) => at).filter((at) => theRun().notJudged[at]);
  if (!left.length) return make("p", {}, "Every image is judged.");
  return makeTable("Not judged", ["image", "why"], left.map((at) => [opener(at), theRun().notJudged[at]]));
}

function startCurves() {
  const update = soon(() => {
    if (data.hasTruth) {
      byId("curve-charts").replaceChildren(...[rocFigure(), overlapFigure()].filter(Boolean));
      byId("found-tables").replaceChildren(...foundTables());
      byId("runs-table").replaceChildren(runsTable());
    }
    byId("not-judged").replaceChildren(notJudgedTable());
  });
  byId("readings").replaceChildren(...data.readings.map(readingFigure));
  listeners.push((changed) => {
    if (changed.has("run") || changed.has("thresholds")) update();
  });
}
