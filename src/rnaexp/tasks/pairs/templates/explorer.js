"use strict";
const facts = JSON.parse(document.getElementById("facts").textContent);
const by = (id) => document.getElementById(id);
// What is looked at; `beside`: another head of the same RNA, of this model or of another.
let state = { model: 0, rna: null, head: 0, view: facts.models[0].view, calls: 0, frozen: false, at: 0 };
let beside = null;
const part = (panel, id) => by(panel === beside ? `beside-${id}` : id);

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function opened(model, place) {
  const rna = facts.models[model].rnas[place];
  if (!rna.open) {
    const [maps, scores, pairs, hits] = await Promise.all([rna.maps, rna.scores, rna.pairs, rna.hits].map(unpacked));
    rna.open = { maps: new Uint8Array(maps), scores: new Float32Array(scores), pairs: new Uint32Array(pairs), hits: new Uint8Array(hits) };
    rna.starts = rna.kept.reduce((found, count) => [...found, found[found.length - 1] + count], [0]);
    rna.known = rna.references && new Set(rna.references);
    rna.views = new Map();
  }
  return rna;
}

// A head's pairs, best first, and after which of them a threshold can lie: not between equal scores.
function list(rna, head) {
  const [first, last] = [rna.starts[head], rna.starts[head + 1]];
  const scores = rna.open.scores.subarray(first, last);
  const ends = [0];
  for (let at = 1; at <= scores.length; at++) if (at === scores.length || scores[at] !== scores[at - 1]) ends.push(at);
  return { scores, pairs: rna.open.pairs.subarray(first, last), hits: rna.open.hits.subarray(first, last), ends };
}

// [cells x cells]: raw as the model gave it, symmetrised, or corrected as well; from the rounded map, for show.
function shown(rna, head, view) {
  const key = head * 3 + view;
  if (rna.views.has(key)) return rna.views.get(key);
  const n = rna.cells, from = head * n * n, top = rna.largest[head];
  const raw = new Float32Array(n * n);
  for (let at = 0; at < n * n; at++) { const part = rna.open.maps[from + at] / 255; raw[at] = part * part * top; }
  let found = raw;
  if (view > 0) {
    found = new Float32Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) found[i * n + j] = raw[i * n + j] + raw[j * n + i];
  }
  if (view > 1) {
    const sums = new Float64Array(n);
    let total = 0;
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) { sums[i] += found[i * n + j]; total += found[i * n + j]; }
    const corrected = new Float32Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) corrected[i * n + j] = found[i * n + j] - sums[i] * sums[j] / total;
    found = corrected;
  }
  if (rna.views.size > 200) rna.views.clear();
  rna.views.set(key, found);
  return found;
}

function ink() { return getComputedStyle(document.documentElement); }
function colour(name) { return ink().getPropertyValue(`--${name}`).trim(); }

// The brightest half percent is full ink, so that a few large values do not hide the rest.
function painted(values, n) {
  const sorted = Float32Array.from(values).sort();
  const low = Math.max(0, sorted[Math.floor(0.5 * (sorted.length - 1))]);
  const high = Math.max(sorted[Math.floor(0.995 * (sorted.length - 1))], low + 1e-12);
  const dark = document.documentElement.dataset.theme === "dark";
  const image = new ImageData(n, n);
  for (let at = 0; at < n * n; at++) {
    const part = Math.min(1, Math.max(0, (values[at] - low) / (high - low)));
    const grey = dark ? 24 + 210 * part : 255 - 225 * part;
    image.data.set([grey, grey, dark ? grey + 4 : grey, 255], 4 * at);
  }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = n;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function name(rna, head) { return `${Math.floor(head / rna.heads)}.${head % rna.heads}`; }
function tuned(panel) { return facts.models[panel.model].frozen; }
function frozenHead(panel) { const head = tuned(panel); return head && head.layer * panel.rna.heads + head.head; }

function grid() {
  const rna = state.rna, place = by("grid").firstElementChild;
  place.replaceChildren();
  place.style.gridTemplateColumns = `repeat(${rna.heads}, minmax(27px, 1fr))`;
  place.style.maxWidth = `${rna.heads * 92}px`;
  for (let head = 0; head < rna.layers * rna.heads; head++) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.head = head;
    button.classList.toggle("frozen", head === frozenHead(state));
    const score = rna.best ? ` ${rna.best[head].toFixed(2)}` : "";
    button.title = `layer ${Math.floor(head / rna.heads)}, head ${head % rna.heads}${rna.best ? `: best F1 on this RNA${score}` : ""}`;
    const small = document.createElement("canvas");
    small.width = small.height = Math.min(96, rna.cells);
    small.getContext("2d").drawImage(painted(shown(rna, head, state.view), rna.cells), 0, 0, small.width, small.height);
    const label = document.createElement("b");
    label.textContent = name(rna, head);
    button.append(small, label);
    if (rna.best) button.append(document.createElement("br"), score.trim());
    button.addEventListener("click", () => choose(head));
    place.append(button);
  }
  by("gridnote").textContent = `${rna.layers} layers down, ${rna.heads} heads across, counted from 0`
    + (rna.best ? "; below each its best F1 on this RNA (chosen with the answer at hand: an upper bound, no result)" : "; no reference pairs are known")
    + (tuned(state) ? `; framed: the head that was tuned${tuned(state).tuned_on ? ` on ${tuned(state).tuned_on}` : ""}` : "") + ".";
}

// The tuned head at its threshold; another one at about as many calls as there are reference pairs.
function begin(panel, head) {
  const { scores, ends } = list(panel.rna, head), rna = panel.rna;
  panel.head = head;
  panel.frozen = head === frozenHead(panel);
  if (panel.frozen) panel.calls = scores.reduce((count, score) => count + (score >= tuned(panel).threshold), 0);
  else {
    const wanted = rna.references ? rna.references.length : Math.round(rna.sequence.length / 3);
    panel.calls = ends.reduce((best, end) => (Math.abs(end - wanted) < Math.abs(best - wanted) ? end : best), 0);
  }
}

function first(panel) {
  return tuned(panel) ? frozenHead(panel) : panel.rna.best ? panel.rna.best.indexOf(Math.max(...panel.rna.best)) : 0;
}

function choose(head) {
  begin(state, head);
  marked();
  draw();
}

function marked() {
  for (const button of by("grid").querySelectorAll("button")) button.setAttribute("aria-pressed", String(Number(button.dataset.head) === state.head));
}

function counted(panel) {
  const { scores, hits } = list(panel.rna, panel.head), calls = panel.calls, references = panel.rna.references?.length;
  let right = 0;
  for (let at = 0; at < calls; at++) right += hits[at];
  const threshold = panel.frozen ? tuned(panel).threshold : calls ? scores[calls - 1] : Infinity;
  const figures = references ? { precision: right / Math.max(1, calls), recall: right / references, f1: 2 * right / (calls + references) } : null;
  return { threshold, calls, right, figures };
}

// What the head attends to, in words.
function attends(panel) {
  const of = Object.fromEntries(facts.atlas.map((column, at) => [column, panel.rna.atlas[panel.head][at]]));
  const percent = (value) => `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
  const loops = ["stacked", "hairpin", "interior", "multiloop", "crossing"].filter((loop) => of[loop] !== null);
  const partner = of.partner === null ? "" : `${percent(of.partner)} of a paired base's on its partner (${loops.map((loop) => `${loop} ${percent(of[loop])}`).join(", ")}); `;
  const letters = /^[ACGUN]+$/.test(panel.rna.sequence) ? ` ${[..."ACGU"].map((letter) => `${letter} ${percent(of[letter])}`).join(", ")};` : "";
  return `Attention: ${partner}${percent(of.itself)} on the base itself, ${percent(of.neighbours)} on its neighbours, ${percent(of.special)} on special tokens;${letters} entropy ${of.entropy_bits.toFixed(1)} bits.`;
}

function draw() {
  const rna = state.rna, { ends } = list(rna, state.head);
  for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(Number(button.dataset.view) === state.view));
  by("tuned").hidden = !tuned(state);
  by("tuned").setAttribute("aria-pressed", String(state.frozen));
  by("threshold").max = ends.length - 1;
  by("threshold").value = ends.findLastIndex((end) => end <= state.calls);
  by("beside").hidden = !beside;
  document.querySelector("main").classList.toggle("two", Boolean(beside));
  by("model").value = state.model;
  for (const panel of beside ? [state, beside] : [state]) {
    const found = counted(panel), figures = found.figures, known = panel.rna.references;
    const named = beside && facts.models.length > 1 ? `${facts.models[panel.model].model}: ` : "";
    part(panel, "which").textContent = `${named}layer ${Math.floor(panel.head / panel.rna.heads)}, head ${panel.head % panel.rna.heads}`;
    part(panel, "at").textContent = found.calls || panel.frozen ? `${found.threshold.toPrecision(4)}${panel.frozen ? " (frozen, as tuned)" : ""}` : "above every score";
    part(panel, "counts").textContent = `${found.calls} calls` + (figures ? `, ${found.right} of ${known.length} found: precision ${figures.precision.toFixed(3)}, recall ${figures.recall.toFixed(3)}, F1 ${figures.f1.toFixed(3)}` : "");
    part(panel, "atlas").textContent = attends(panel);
    const kept = document.documentElement.dataset, f1 = figures ? String(figures.f1) : "";
    if (panel === state) [kept.f1, kept.head] = [f1, name(panel.rna, panel.head)];
    else kept.beside = `${facts.models[panel.model].model} ${name(panel.rna, panel.head)} ${f1}`;
    map(panel);
    arcs(panel);
  }
  if (!beside) delete document.documentElement.dataset.beside;
}

function sized(canvas) {
  const scale = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  canvas.width = Math.round(box.width * scale);
  canvas.height = Math.round(box.height * scale);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  return { context, width: canvas.width, height: canvas.height, scale };
}

function coloured(panel) {
  const rna = panel.rna, { pairs, hits } = list(rna, panel.head), n = rna.sequence.length;
  const called = new Set(pairs.subarray(0, panel.calls));
  const pair = (index) => [Math.floor(index / n), index % n];
  return {
    calls: [...called].map((index, at) => [...pair(index), rna.references ? (hits[at] ? "right" : "wrong") : "right"]),
    references: (rna.references || []).map((index) => [...pair(index), called.has(index) ? "right" : "missed"]),
  };
}

function map(panel) {
  const rna = panel.rna, { context, width, scale } = sized(part(panel, "map"));
  context.drawImage(painted(shown(rna, panel.head, panel.view), rna.cells), 0, 0, rna.cells, rna.cells, 0, 0, width * rna.cells * rna.block / rna.sequence.length, width * rna.cells * rna.block / rna.sequence.length);
  const cell = width / rna.sequence.length, size = Math.max(cell, 4 * scale), { calls, references } = coloured(panel);
  context.strokeStyle = colour("line");
  context.beginPath(); context.moveTo(0, 0); context.lineTo(width, width); context.stroke();
  context.lineWidth = 1.5 * scale;
  const square = (x, y, which) => { context.strokeStyle = colour(which); context.strokeRect((x + 0.5) * cell - size / 2, (y + 0.5) * cell - size / 2, size, size); };
  for (const [i, j, which] of references) square(j, i, which);
  for (const [i, j, which] of calls) square(i, j, which);
  if (panel.at) {
    context.strokeStyle = colour("mark"); context.lineWidth = scale; context.globalAlpha = 0.6;
    const [x, y] = panel.at;
    context.beginPath(); context.moveTo((x + 0.5) * cell, 0); context.lineTo((x + 0.5) * cell, width); context.moveTo(0, (y + 0.5) * cell); context.lineTo(width, (y + 0.5) * cell); context.stroke();
    context.globalAlpha = 1;
  }
}

function arcs(panel) {
  const rna = panel.rna, { context, width, height, scale } = sized(part(panel, "arcs")), n = rna.sequence.length;
  const at = (base) => (base + 0.5) * width / n, middle = height / 2, { calls, references } = coloured(panel);
  const arc = (i, j, which, up) => {
    context.strokeStyle = colour(which); context.lineWidth = 1.3 * scale; context.globalAlpha = 0.85;
    const high = Math.min(1, (j - i) / n * 1.6 + 0.06) * (middle - 10 * scale), from = middle + (up ? -7 : 7) * scale;
    context.beginPath(); context.ellipse((at(i) + at(j)) / 2, from, (at(j) - at(i)) / 2, high, 0, up ? Math.PI : 0, up ? 2 * Math.PI : Math.PI); context.stroke();
  };
  for (const [i, j, which] of references) arc(i, j, which, true);
  for (const [i, j, which] of calls) arc(i, j, which, false);
  context.globalAlpha = 1;
  context.fillStyle = colour("ink");
  context.textAlign = "center"; context.textBaseline = "middle";
  const room = width / n >= 7 * scale;
  context.font = `${(room ? 10 : 9) * scale}px ui-monospace, monospace`;
  if (room) [...rna.sequence].forEach((letter, base) => context.fillText(letter, at(base), middle));
  const every = 10 * Math.ceil(n / 80);
  if (!room) for (let base = every - 1; base < n; base += every) context.fillText(base + 1, at(base), middle);
}

// Where the pointer is in one map it is in both.
function hover(event) {
  const box = event.currentTarget.getBoundingClientRect(), n = state.rna.sequence.length;
  const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((share) => Math.min(n - 1, Math.max(0, Math.floor(share * n))));
  for (const panel of beside ? [state, beside] : [state]) {
    panel.at = at;
    part(panel, "hover").textContent = pointed(panel, ...at);
    map(panel);
  }
}

function pointed(panel, x, y) {
  const rna = panel.rna, n = rna.sequence.length, view = facts.models[panel.model].view;
  const [i, j] = x < y ? [x, y] : [y, x], { scores, pairs } = list(rna, panel.head), place = pairs.indexOf(i * n + j);
  const base = (at) => `${rna.sequence[at]}${at + 1}`, cell = (a, b) => Math.floor(a / rna.block) * rna.cells + Math.floor(b / rna.block);
  const raw = shown(rna, panel.head, 0), word = (value) => Number(value).toPrecision(3);
  const score = place >= 0 ? `score ${word(scores[place])}, place ${place + 1}` : `${view > 1 ? "score" : "value"} about ${word(shown(rna, panel.head, view)[cell(i, j)])}`;
  const known = rna.known ? (rna.known.has(i * n + j) ? "; a reference pair" : "") + (place >= 0 && place < panel.calls ? ", called" : "") : place >= 0 && place < panel.calls ? "; called" : "";
  return i === j ? `${base(i)}` : `${base(i)} and ${base(j)}: ${score}${known}; attention about ${word(raw[cell(i, j)])} from ${base(i)} to ${base(j)}, ${word(raw[cell(j, i)])} back`;
}

function setBeside(panel) {
  beside = panel;
  draw();
}

async function show(place, model = state.model) {
  const changed = model !== state.model;
  const rna = await opened(model, place);
  if (changed) state.view = facts.models[model].view;
  Object.assign(state, { rna, model, at: 0 });
  if (beside) {
    Object.assign(beside, { rna: await opened(beside.model, place), at: 0 });
    begin(beside, beside.head);
  }
  by("rna").value = place;
  by("about").textContent = `${rna.id}: ${rna.sequence.length} bases, ${rna.references ? `${rna.references.length} reference pairs` : "no reference pairs known"}. Maps are rounded to ${rna.levels} steps for show${rna.block > 1 ? `, a cell is the largest of ${rna.block} x ${rna.block} pairs` : ""}; calls, precision, recall and F1 are exact.`;
  grid();
  choose(first(state));
  document.documentElement.dataset.drawn = rna.id;
}

function moved(by_) {
  const { ends } = list(state.rna, state.head), now = Number(by("threshold").value);
  state.frozen = false;
  state.calls = ends[Math.min(ends.length - 1, Math.max(0, now + by_))];
  draw();
}

function themed(theme) {
  document.documentElement.dataset.theme = theme;
  by("theme").textContent = theme === "dark" ? "light" : "dark";
  if (state.rna) { grid(); marked(); draw(); }
}

const keys = {
  ArrowRight: () => step(1), ArrowLeft: () => step(-1), ArrowDown: () => step(state.rna.heads), ArrowUp: () => step(-state.rna.heads),
  "+": () => moved(1), "=": () => moved(1), "-": () => moved(-1),
  v: () => viewed((state.view + 1) % 3), t: () => tuned(state) && choose(frozenHead(state)),
  r: () => show((Number(by("rna").value) + 1) % facts.models[0].rnas.length),
  b: () => setBeside({ ...state }), x: () => setBeside(null), s: () => beside && swapped(),
  m: () => show(Number(by("rna").value), (state.model + 1) % facts.models.length),
  d: () => themed(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
};

function step(more) {
  const head = state.head + more;
  if (head < 0 || head >= state.rna.layers * state.rna.heads) return;
  choose(head);
  by("grid").querySelector(`[data-head="${head}"]`).scrollIntoView({ block: "nearest", inline: "nearest" });
}

function swapped() {
  [state, beside] = [beside, state];
  grid();
  marked();
  draw();
}

function viewed(view) {
  state.view = view;
  if (beside) beside.view = view;
  grid();
  marked();
  draw();
}

facts.models[0].rnas.forEach((rna, place) => by("rna").append(new Option(rna.id, place)));
facts.models.forEach((one, place) => by("model").append(new Option(one.model, place)));
by("models").hidden = facts.models.length < 2;
by("model").addEventListener("change", () => show(Number(by("rna").value), Number(by("model").value)));
by("pin").addEventListener("click", keys.b);
by("swap").addEventListener("click", keys.s);
by("close").addEventListener("click", keys.x);
by("rna").addEventListener("change", () => show(Number(by("rna").value)));
by("threshold").addEventListener("input", () => { const { ends } = list(state.rna, state.head); state.frozen = false; state.calls = ends[Number(by("threshold").value)]; draw(); });
by("tuned").addEventListener("click", keys.t);
by("theme").addEventListener("click", keys.d);
for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => viewed(Number(button.dataset.view)));
for (const id of ["map", "beside-map"]) for (const what of ["pointermove", "pointerdown"]) by(id).addEventListener(what, hover);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input")) return;
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
window.addEventListener("resize", () => state.rna && draw());
themed(window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
// Of two models the second one is set beside the first.
async function start() {
  if (facts.models.length > 1) {
    const other = { ...state, model: 1, rna: await opened(1, 0), view: facts.models[1].view };
    begin(other, first(other));
    beside = other;
  }
  await show(0);
}
start();
