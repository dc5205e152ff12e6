// Line charts and histograms as SVG, in the index's colours.

const BOX = { width: 360, height: 230, left: 44, right: 350, top: 10, bottom: 188 };
const STYLES = 16;

/** About five round values between two numbers, `least` apart. @returns {number[]} */
function ticksBetween(low, high, least = 0) {
  const rough = Math.max(high - low, 1e-12, 5 * least) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((unit) => unit * power >= rough * 0.999);
  const ticks = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at += 1) {
    ticks.push(Number((at * step).toPrecision(12)));
  }
  return ticks;
}

/**
 * Axes to draw into, and where values lie on them.
 * @param {{label: string, low: number, high: number, percent?: boolean}} x
 * @param {{label: string, low: number, high: number, percent?: boolean, least?: number}} y
 */
function makeAxes(x, y, description) {
  const { left, right, top, bottom, width, height } = BOX;
  const placeX = (value) => left + (value - x.low) / (x.high - x.low) * (right - left);
  const placeY = (value) => bottom - (value - y.low) / (y.high - y.low) * (bottom - top);
  const svg = draws("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": description });
  const text = (value, axis) => String(Number((axis.percent ? 100 * value : value).toPrecision(4)));
  for (const value of ticksBetween(y.low, y.high, y.least)) {
    const at = placeY(value);
    svg.append(draws("path", { class: "grid", d: `M${left} ${at}H${right}` }),
      draws("text", { x: left - 6, y: at + 4, "text-anchor": "end" },
        text(Math.abs(value), y)));
  }
  for (const value of ticksBetween(x.low, x.high)) {
    const at = placeX(value);
    svg.append(draws("path", { class: "axis", d: `M${at} ${bottom}v4` }),
      draws("text", { x: at, y: bottom + 16, "text-anchor": "middle" }, text(value, x)));
  }
  const middle = (top + bottom) / 2;
  svg.append(draws("path", { class: "axis", d: `M${left} ${bottom}H${right}` }),
    draws("text", { x: (left + right) / 2, y: bottom + 35, "text-anchor": "middle" }, x.label),
    draws("text", { x: 11, y: middle, "text-anchor": "middle",
      transform: `rotate(-90 11 ${middle})` }, y.label));
  return { svg, placeX, placeY };
}

/** A line through points. @param {[number, number][]} points */
function drawLine({ svg, placeX, placeY }, points, style) {
  const d = points.map(([x, y], at) =>
    `${at ? "L" : "M"}${placeX(x).toFixed(1)} ${placeY(y).toFixed(1)}`).join("");
  svg.append(draws("path", { class: `line k${style % STYLES}`, d }));
}

/** What the lines are. @param {string[]} names */
const makeLegend = (names) => make("ul", { class: "legend" }, ...names.map((name, style) =>
  make("li", {}, draws("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" },
    draws("path", { class: `line k${style % STYLES}`, d: "M0 4H26" })), name)));

/** A figure of a chart, its legend and a sentence. */
const makeFigure = (title, sentence, svg, names = []) => make("figure", { class: "chart" }, svg,
  ...(names.length > 1 ? [makeLegend(names)] : []),
  make("figcaption", {}, make("span", { class: "chart-title" }, `${title}. `), sentence));
