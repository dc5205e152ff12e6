// All images as cards: filtered, sorted, drawn as they come into sight.

const CARD_PX = 176;
const inSight = new Set();
let lastOrder = "";
const cards = data.images.map((image, at) => makeCard(image, at));
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const at = Number(target.dataset.at);
    if (isIntersecting) inSight.add(at); else inSight.delete(at);
    if (isIntersecting) drawCard(at);
  }
}, { rootMargin: "300px" });

/** @param {TestImage & {aspect?: number}} image @param {number} at */
function makeCard(image, at) {
  const height = Math.round(CARD_PX / (image.aspect ?? 1));
  const canvas = make("canvas", { width: CARD_PX, height, "aria-hidden": "true" });
  return make("button", { type: "button", class: "image-card", "data-at": at, tabindex: -1,
    onclick: () => change({ image: at }) },
  canvas, make("span", { class: "name" }, labelOf(at)), make("span", { class: "said" }));
}

function drawCard(at) {
  draw(cards[at].querySelector("canvas"), { run: state.run, branch: "fused", at, whole: true });
}

/** Put the cards that pass the filters in order and say of each what it is. */
function showCards() {
  const verdicts = verdictsOf(state.run);
  const shown = shownImages();
  const focused = document.activeElement;
  const order = shown.join();
  if (order !== lastOrder) byId("cards").replaceChildren(...shown.map((at) => cards[at]));
  lastOrder = order;
  if (focused?.classList.contains("image-card") && focused.isConnected) focused.focus();
  const first = shown.find((at) => cards[at] === document.activeElement) ?? shown[0];
  for (const at of shown) {
    cards[at].tabIndex = at === first ? 0 : -1;
    const known = `${state.run} ${verdicts[at]}`;
    if (cards[at].dataset.known === known) continue;
    cards[at].dataset.known = known;
    const score = `score ${numberText(theRun().scores.fused[at])}`;
    const said = [badge(verdicts[at]), make("span", { class: "soft" }, score)];
    cards[at].querySelector(".said").replaceChildren(...said);
    cards[at].setAttribute("aria-label", `${labelOf(at)}: ${verdicts[at]}, ${score}`);
  }
  byId("count").textContent = shown.length
    ? `${shown.length} of ${data.images.length} images` : "No image passes these filters.";
  showFilters(verdicts);
}

/** How many images each filter holds. @param {string[]} verdicts */
function showFilters(verdicts) {
  for (const input of byId("verdicts").querySelectorAll("input")) {
    const count = verdicts.filter((one) => one === input.value || input.value === ALL).length;
    input.nextElementSibling.querySelector("b").textContent = String(count);
    input.checked = state.verdict === input.value;
  }
  byId("kind").value = state.kind;
  byId("sort").value = state.sort;
}

/** The filters; a digit is the key of each of the first ones. */
function makeFilters() {
  const verdicts = [ALL, ...(data.hasTruth ? VERDICTS : VERDICTS_WITHOUT_TRUTH)];
  byId("verdicts").append(...verdicts.map((verdict, at) => make("label", {},
    make("input", { type: "radio", name: "verdict", value: verdict,
      onchange: () => change({ verdict }) }),
    make("span", {}, verdict, " ", make("b"), make("kbd", {}, String(at))))));
  const kinds = [...new Set(data.images.map((image) => image.kind))].sort();
  byId("kind").append(...[ALL, ...kinds].map((kind) => make("option", {}, kind)));
  byId("kind").addEventListener("change", (event) => change({ kind: event.target.value }));
  byId("kind").closest("label").hidden = kinds.length < 2;
  byId("sort").addEventListener("change", (event) => change({ sort: event.target.value }));
}

/** Move the focus among the cards: left, right, and by rows. @param {KeyboardEvent} event */
function moveAmongCards(event) {
  const shown = [...byId("cards").children];
  const at = shown.indexOf(document.activeElement);
  if (at < 0) return false;
  const top = shown[0].offsetTop;
  const perRow = Math.max(1, shown.filter((one) => one.offsetTop === top).length);
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow };
  const target = shown[at + (steps[event.key] ?? NaN)];
  if (!target) return false;
  document.activeElement.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
  return true;
}

function startGallery() {
  makeFilters();
  cards.forEach((card) => sight.observe(card));
  const update = soon(showCards);
  const redraw = soon(() => inSight.forEach(drawCard));
  listeners.push((changed) => {
    if (["run", "thresholds", "verdict", "kind", "sort"].some((one) => changed.has(one))) update();
    if (["run", "thresholds", "base", "opacity", "truth"].some((one) => changed.has(one))) redraw();
  });
}
