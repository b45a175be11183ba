// One quantity: name, number field, slider, back to default, take away.
// While the page computes, only the last position is kept: what a newer one supersedes is never asked for.

const STEPS = 200;

// Three digits, or as many as tell neighbouring positions apart: else the slider would stick under the keyboard.
function rounded(value, apart) {
  if (value === 0 || !(apart > 0)) return value;
  const digits = Math.ceil(Math.log10((2 * Math.abs(value)) / apart)) + 1;
  return Number(value.toPrecision(Math.min(15, Math.max(3, digits))));
}

function valueAt(model, position) {
  if (model.log) {
    if (model.zero && position === 0) return 0;
    const first = model.zero ? 1 : 0;
    const share = (position - first) / (STEPS - first);
    const value = model.low * Math.pow(model.high / model.low, share);
    return rounded(value, value * (Math.pow(model.high / model.low, 1 / (STEPS - first)) - 1));
  }
  const step = model.step > 0 ? model.step : (model.high - model.low) / STEPS;
  return rounded(model.low + position * step, step);
}

function lastPosition(model) {
  if (model.log) return STEPS;
  const step = model.step > 0 ? model.step : (model.high - model.low) / STEPS;
  return Math.round((model.high - model.low) / step);
}

function positionOf(model, value) {
  if (model.log) {
    const first = model.zero ? 1 : 0;
    if (value <= 0) return 0;
    const share = Math.log(value / model.low) / Math.log(model.high / model.low);
    return Math.min(STEPS, Math.max(first, Math.round(first + share * (STEPS - first))));
  }
  const last = lastPosition(model);
  return Math.min(last, Math.max(0, Math.round(((value - model.low) / (model.high - model.low)) * last)));
}

function made(tag, attributes, parent) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  parent.append(element);
  return element;
}

export function render({ model, el }) {
  const box = made("div", { class: "control", role: "group" }, el);
  const head = made("div", { class: "head" }, box);
  const label = made("span", { class: "label" }, head);
  const back = made("button", { type: "button", class: "back", text: "↺" }, head);
  const gone = made("button", { type: "button", class: "gone", text: "×" }, head);
  const field = made("input", { type: "number", step: "any" }, head);
  const unit = made("span", { class: "unit" }, head);
  const slider = made("input", { type: "range", min: 0, step: 1 }, box);
  const note = made("div", { class: "note" }, box);

  let value = model.value, waiting = null, busy = false, chosen = false;

  function name() {
    const spoken = model.unit ? `${model.label}, ${model.unit}` : model.label;
    label.textContent = label.title = model.label;
    unit.textContent = unit.title = model.unit;
    box.setAttribute("aria-label", model.label);
    slider.setAttribute("aria-label", spoken);
    field.setAttribute("aria-label", `${spoken}, value`);
    box.classList.toggle("long", model.label.length > 18 || model.unit.length > 9);
    back.setAttribute("aria-label", `${model.label}: back to the default`);
    back.title = `back to ${model.default} ${model.unit}`.trim();
    gone.setAttribute("aria-label", `${model.label}: take this control away`);
    gone.style.display = model.removable ? "" : "none";
    note.textContent = model.note;
    note.style.display = model.note ? "" : "none";
    show();
  }

  function show() {
    slider.max = lastPosition(model);
    slider.value = positionOf(model, value);
    slider.setAttribute("aria-valuetext", `${value} ${model.unit}`.trim());
    if (field.getRootNode().activeElement !== field || Number(field.value) !== value) field.value = value;
    const share = positionOf(model, value) / Math.max(1, lastPosition(model));
    slider.style.setProperty("--share", `${100 * share}%`);
    box.classList.toggle("moved", value !== model.default);
    back.style.visibility = value !== model.default ? "visible" : "hidden";
  }

  function next() {
    if (busy || waiting === null) return;
    busy = true;
    const told = waiting;
    waiting = null;
    model.send_msg(told);
  }

  function tell(message) {
    waiting = message;
    next();
  }

  // The model of the page follows when the answer is there: before, it would only keep the server from it.
  function keep() {
    if (!chosen || busy) return;
    chosen = false;
    model.value = value;
  }

  slider.addEventListener("input", () => {
    value = valueAt(model, Number(slider.value));
    show();
    tell({ value });
  });
  slider.addEventListener("change", () => { chosen = true; keep(); });
  field.addEventListener("change", () => {
    const typed = Number(field.value);
    if (field.value.trim() === "" || !Number.isFinite(typed) || (model.low >= 0 && typed < 0)) {
      field.value = value;
      return;
    }
    value = typed;
    show();
    tell({ value });
    chosen = true;
    keep();
  });
  back.addEventListener("click", () => { slider.focus(); tell({ back: true }); });
  gone.addEventListener("click", () => tell({ gone: true }));

  model.on("msg:custom", (message) => {
    if ("value" in message && waiting === null) { value = message.value; show(); }
    if (message.done) { busy = false; next(); keep(); }
  });
  model.on([
    "label", "unit", "low", "high", "default", "log", "zero", "step", "note", "removable",
  ], name);
  name();
}
