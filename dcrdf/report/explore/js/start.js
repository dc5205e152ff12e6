// Everything that starts when the page is open: controls, keys, the first picture.

/** Controls of the pictures: the same in the gallery and beside the large image. */
function startControls() {
  const controls = [...document.querySelectorAll("[data-view]")];
  const valueOf = (one) => (one.type === "checkbox" ? one.checked
    : one.type === "range" ? Number(one.value) : one.value);
  for (const one of controls) {
    one.addEventListener("input", () => change({ [one.dataset.view]: valueOf(one) }));
  }
  listeners.push((changed) => {
    for (const one of controls.filter(({ dataset }) => changed.has(dataset.view))) {
      if (one.type === "checkbox") one.checked = state[one.dataset.view];
      else one.value = String(state[one.dataset.view]);
    }
  });
  byId("run").append(...data.runs.map((run, at) => make("option", { value: at }, run.name)));
  byId("run").addEventListener("change", (event) => change({ run: Number(event.target.value) }));
  listeners.push(() => {
    byId("run").value = String(state.run);
    byId("run-label").textContent = theRun().label;
  });
}

/** The keys of the whole page; fields keep those that they need. @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const field = event.target.closest("input, select, textarea");
  const isTyped = field && !["radio", "checkbox"].includes(field.type);
  if (isTyped || event.target.closest("#surface")) return;
  const isArrow = event.key.startsWith("Arrow");
  if (isArrow && field) return;
  const verdicts = [ALL, ...(data.hasTruth ? VERDICTS : VERDICTS_WITHOUT_TRUTH)];
  if (/^\d$/.test(event.key) && Number(event.key) < verdicts.length) {
    change({ verdict: verdicts[Number(event.key)] });
  } else if (["+", "=", "-"].includes(event.key)) {
    stepThreshold(event.key === "-" ? -1 : 1);
  } else if (byId("viewer").open && ["ArrowLeft", "ArrowRight"].includes(event.key)) {
    goBy(event.key === "ArrowLeft" ? -1 : 1);
  } else if (byId("viewer").open || !isArrow || !moveAmongCards(event)) {
    return;
  }
  event.preventDefault();
}

/** Go to a part of the page; the address stays what the page shows. @param {MouseEvent} event */
function onLink(event) {
  const target = document.querySelector(event.currentTarget.getAttribute("href"));
  event.preventDefault();
  target.setAttribute("tabindex", "-1");
  target.focus({ preventScroll: true });
  target.scrollIntoView();
}

startControls();
startGallery();
startThreshold();
startCurves();
startSurface();
startViewer();
document.addEventListener("keydown", onKey);
for (const link of document.querySelectorAll("a[href^='#']")) link.addEventListener("click", onLink);
window.addEventListener("hashchange", readAddress);
readAddress();
document.documentElement.dataset.ready = "true";
