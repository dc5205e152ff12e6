// What is counted, sorted and computed: functions of their arguments alone.

/**
 * @typedef {{name: string, kind: string, isDefect: boolean, area: number}} TestImage
 * @typedef {{scores: number[], notJudged: string[], threshold: number}} Scored
 * @typedef {{count: number, total: number}} Proportion
 */

const CONFIDENCE = 0.95;
const VERDICTS = ["missed", "false alarm", "found", "passed", "not judged"];
const VERDICTS_WITHOUT_TRUTH = ["defective", "good", "not judged"];

/** The logarithm of the gamma function (Lanczos). @param {number} x @returns {number} */
function logGamma(x) {
  const terms = [76.18009172947146, -86.50532032941677, 24.01409824083091,
    -1.231739572450155, 1.208650973866179e-3, -5.395239384953e-6];
  let sum = 1.000000000190015;
  terms.forEach((term, at) => { sum += term / (x + 1 + at); });
  return (x + 0.5) * Math.log(x + 5.5) - x - 5.5 + Math.log(2.5066282746310005 * sum / x);
}

/** The regularised incomplete beta function. @param {number} a @param {number} b @param {number} x */
function incompleteBeta(a, b, x) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b)
    + a * Math.log(x) + b * Math.log(1 - x));
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / (1 - (a + b) * x / (a + 1) || tiny);
  let fraction = d;
  for (let m = 1; m < 400; m += 1) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d || tiny);
    c = 1 + even / c || tiny;
    fraction *= d * c;
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d || tiny);
    c = 1 + odd / c || tiny;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return front * fraction / a;
}

/** Where the incomplete beta function is `share`, by halving. */
function betaQuantile(a, b, share) {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (incompleteBeta(a, b, middle) < share) low = middle; else high = middle;
  }
  return (low + high) / 2;
}

/**
 * The exact (Clopper-Pearson) 95 % interval of a true share.
 * @param {number} count @param {number} total @returns {[number, number]}
 */
function clopperPearson(count, total) {
  const tail = (1 - CONFIDENCE) / 2;
  const rest = total - count;
  return [
    count ? betaQuantile(count, rest + 1, tail) : 0,
    rest ? betaQuantile(count + 1, rest, 1 - tail) : 1,
  ];
}

/**
 * What is said of every image above and below a threshold; with the truth, whether that is right.
 * @param {TestImage[]} images @param {number[]} scores @param {string[]} notJudged
 * @param {number} threshold @param {boolean} hasTruth @returns {string[]}
 */
function verdictsAt(images, scores, notJudged, threshold, hasTruth) {
  return images.map((image, at) => {
    if (notJudged[at]) return "not judged";
    const isAlarm = scores[at] > threshold;
    if (!hasTruth) return isAlarm ? "defective" : "good";
    if (image.isDefect) return isAlarm ? "found" : "missed";
    return isAlarm ? "false alarm" : "passed";
  });
}

/**
 * How many of a group of images have a verdict. @param {string[]} verdicts @param {string} verdict
 * @param {boolean[]} group @returns {Proportion}
 */
function among(verdicts, verdict, group) {
  return {
    count: verdicts.filter((one, at) => group[at] && one === verdict).length,
    total: group.filter(Boolean).length,
  };
}

/**
 * The cost to expect of a thousand parts. @param {Proportion} missed @param {Proportion} rejected
 * @param {{miss: number, falseAlarm: number, defectivePerThousand: number}} prices
 */
function expectedCost(missed, rejected, prices) {
  const bad = Math.min(Math.max(prices.defectivePerThousand, 0), 1000);
  return bad * prices.miss * (missed.count / missed.total)
    + (1000 - bad) * prices.falseAlarm * (rejected.count / rejected.total);
}

/**
 * The threshold with the lowest cost on these images: in the middle of a gap between scores.
 * @param {TestImage[]} images @param {number[]} scores @param {string[]} notJudged
 * @param {{miss: number, falseAlarm: number, defectivePerThousand: number}} prices
 * @returns {{threshold: number, cost: number}}
 */
function cheapestThreshold(images, scores, notJudged, prices) {
  const bad = images.map((image) => image.isDefect);
  const good = bad.map((one) => !one);
  const ranked = [...new Set(scores.filter((_, at) => !notJudged[at]))].sort((a, b) => a - b);
  const last = ranked.length - 1;
  const candidates = ranked.map((score, at) => (at < last ? (score + ranked[at + 1]) / 2 : score));
  candidates.unshift(ranked[0] - Math.max(1e-6, (ranked[last] - ranked[0]) / 100));
  let best = { threshold: NaN, cost: Infinity };
  for (const threshold of candidates) {
    const verdicts = verdictsAt(images, scores, notJudged, threshold, true);
    const cost = expectedCost(
      among(verdicts, "missed", bad), among(verdicts, "false alarm", good), prices);
    if (cost < best.cost) best = { threshold, cost };
  }
  return best;
}

/**
 * The order in which images are shown. @param {number[]} scores @param {string[]} verdicts
 * @param {TestImage[]} images @param {string} by `mistakes`, `high`, `low` or `name`
 * @returns {number[]}
 */
function sortedOrder(scores, verdicts, images, by) {
  const rank = { missed: 0, "false alarm": 1 };
  const label = (at) => `${images[at].kind}/${images[at].name}`;
  const order = images.map((_, at) => at);
  return order.sort((a, b) => {
    if (by === "name") return label(a).localeCompare(label(b));
    if (by === "mistakes") {
      const [first, second] = [rank[verdicts[a]] ?? 2, rank[verdicts[b]] ?? 2];
      if (first !== second) return first - second;
      if (first === 0) return scores[a] - scores[b] || a - b;
    }
    return (by === "low" ? scores[a] - scores[b] : scores[b] - scores[a]) || a - b;
  });
}

/**
 * The ROC curve: [share of good images rejected, share of defects found] from the highest score on.
 * @param {number[]} scores @param {boolean[]} isDefect @returns {[number, number][]}
 */
function rocPoints(scores, isDefect) {
  const order = scores.map((_, at) => at).sort((a, b) => scores[b] - scores[a]);
  const bad = isDefect.filter(Boolean).length;
  const points = [[0, 0]];
  let [found, rejected] = [0, 0];
  order.forEach((at, place) => {
    if (isDefect[at]) found += 1; else rejected += 1;
    const isLastOfTie = scores[order[place + 1]] !== scores[at];
    if (isLastOfTie) {
      points.push([rejected / Math.max(1, scores.length - bad), found / Math.max(1, bad)]);
    }
  });
  return points;
}

/** Limits of the thirds of values, for groups of a similar size. @param {number[]} values */
function thirds(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return [at(1 / 3), at(2 / 3)];
}

/** As percent, one decimal below ten. @param {number} share @returns {string} */
function percentText(share) {
  if (Number.isNaN(share)) return "-";
  return `${(100 * share).toFixed(100 * share < 9.95 ? 1 : 0).replace(/\.0$/, "")} %`;
}

/** `3 of 20 (15 %)`. @param {Proportion} one @returns {string} */
function shareText(one) {
  return one.total ? `${one.count} of ${one.total} (${percentText(one.count / one.total)})` : "0 of 0";
}

/** `3.2 to 38 %`, of the true share. @param {Proportion} one @returns {string} */
function intervalText(one) {
  if (!one.total) return "-";
  const [low, high] = clopperPearson(one.count, one.total);
  return `${percentText(low).replace(" %", "")} to ${percentText(high)}`;
}

/** Four digits, without an exponent where that is readable. @param {number} value */
function numberText(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "-";
}

/** A word for a shell. @param {string} text @returns {string} */
function shellWord(text) {
  return /^[\w./-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
