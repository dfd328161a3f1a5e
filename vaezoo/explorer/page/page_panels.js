// ---- panels below the latents -----------------------------------------------------------------

const pixelsOf = (source) => source.pixels ?? testImages.pixels(source.place);
const titleOf = (source) => source.title ?? `test image ${testImages.title(source.place)}`;
const labelOf = (source) => (source.place === undefined ? -1 : testImages.label(source.place));

/** Places for images; a click on a test image fills the marked one. */
class Slots {
  constructor(names, changed, signs = []) {
    Object.assign(this, { changed, active: 0, sources: names.map(() => null) });
    this.canvases = names.map((name) => imageCanvas("thumb", `${name}: empty`));
    this.buttons = names.map((name, i) => {
      const one = button("", () => this.mark(i), { className: "slot", title: `Choose image ${name}` });
      one.append(this.canvases[i], name);
      return one;
    });
    this.names = names;
    this.element = el("div", { className: "slots" }, ...this.buttons.flatMap((one, i) =>
      (signs[i] ? [el("span", { className: "sign" }, signs[i]), one] : [one])));
    this.mark(0);
  }

  mark(i) {
    this.active = i;
    this.buttons.forEach((one, j) => setPressed(one, i === j));
  }

  /** Fill the marked place and mark the next; `stay` keeps it marked while one draws. */
  fill(source, stay = false) {
    this.put(this.active, source);
    if (!stay) this.mark((this.active + 1) % this.sources.length);
    this.changed();
  }

  put(i, source) {
    this.sources[i] = source;
    paint(this.canvases[i], pixelsOf(source));
    this.canvases[i].setAttribute("aria-label", `${this.names[i]}: ${titleOf(source)}`);
  }

  get full() { return this.sources.every(Boolean); }
}

/** Encode with the class of the image, if it is known. */
function encodeSource(view, source) {
  const label = labelOf(source);
  return view.encode(pixelsOf(source), view.data.classes && label >= 0 ? label : view.label);
}

const noEncoder = (view) => el("p", { className: "warn" },
  `${view.name} cannot encode here: ${view.data.problems.join("; ")}.`);
const onlyCodes = (view) => el("p", { className: "muted" },
  `${view.name} has codes as latents. Codes are names: there is nothing between two of them, and no sum.`);

class EncodePanel {
  constructor(app) {
    this.app = app;
    this.title = "Encode";
    this.slots = new Slots(["image"], () => this.update(true));
    this.results = el("div");
    this.element = el("div", {}, this.results);
    this.pairs = [];
  }

  update(move) {
    const [source] = this.slots.sources;
    if (!source) return;
    this.pairs = [];
    this.results.replaceChildren(...this.app.models.map((view) => this.result(view, source, move)));
  }

  result(view, source, move) {
    if (!view.encoder) return el("div", { className: "result" }, noEncoder(view));
    const label = labelOf(source), pixels = pixelsOf(source);
    if (move && view.data.classes && label >= 0) view.label = label;
    const found = encodeSource(view, source);
    if (move) {
      view.marks = [found];
      view.set(found.mean);
    }
    const image = view.decode(found.mean), pair = el("div", { className: "pair" });
    for (const [one, what] of [[pixels, titleOf(source)], [image, "reconstruction"]]) {
      if (!one) continue;
      const canvas = imageCanvas("", what);
      paint(canvas, one);
      pair.append(el("figure", {}, canvas, el("figcaption", {}, what)));
    }
    if (image) this.pairs.push(pixels, image);
    const kl = found.kl
      ? `KL to the prior: ${short(found.kl.reduce((a, b) => a + b, 0))} nats.`
      : "KL to the prior: not known in closed form for this posterior and prior.";
    const error = image ? ` Squared error: ${short(image.reduce((sum, v, i) => sum + (v - pixels[i]) ** 2, 0))} per image.` : "";
    const figure = () => image && { images: [pixels, image], columns: 2, name: `${view.name}-reconstruction`,
      caption: [`${view.name}: ${titleOf(source)} and its reconstruction. ${kl}${error}`] };
    return el("div", { className: "result" },
      this.app.models.length > 1 ? el("h2", {}, view.name) : null, el("p", {}, kl + error),
      el("div", { className: "found" }, pair, posteriorChart(view, found)),
      el("div", { className: "row" }, ...exportButtons(figure),
        button("Copy as Python", () => copy(view.python(found.mean), "Python code"))));
  }
}

/** Means and standard deviations as dots on bars. */
function posteriorChart(view, { mean, sd, kl }) {
  if (view.isCode) return el("p", { className: "readout" }, `codes ${vector(mean)}`);
  const carried = view.data.measured?.carried ?? mean.map(() => 0);
  const order = Array.from(mean, (_, i) => i).sort((a, b) => carried[b] - carried[a]).slice(0, 24);
  const reach = Math.max(3, ...order.map((i) => Math.abs(mean[i]) + (sd ? sd[i] : 0)));
  const x = (value) => 330 + 220 * value / reach, step = 18, height = step * order.length + 24;
  const rows = order.flatMap((i, row) => {
    const y = step * (row + 0.6);
    return [svg("text", { x: 4, y: y + 4 }, `z${i}`),
      svg("text", { x: 34, y: y + 4 }, `${short(mean[i])}${sd ? ` ± ${short(sd[i])}` : ""}`),
      svg("line", { class: "axis", x1: 110, x2: 550, y1: y, y2: y }),
      sd ? svg("line", { class: "sigma", x1: x(mean[i] - sd[i]), x2: x(mean[i] + sd[i]), y1: y, y2: y }) : null,
      svg("circle", { class: "mean", cx: x(mean[i]), cy: y, r: 3.5 }),
      kl && kl.length === mean.length ? svg("text", { x: 562, y: y + 4 }, `${short(kl[i])} nats`) : null];
  }).filter(Boolean);
  const ticks = [-reach, 0, reach].map((value) => svg("text",
    { x: x(value), y: height - 4, "text-anchor": "middle" }, short(value, 1)));
  const more = mean.length > order.length ? `The ${order.length} of ${mean.length} latents that carry most. ` : "";
  return el("figure", {}, svg("svg", { class: "posterior", viewBox: `0 0 640 ${height}`, role: "img",
    "aria-label": `Posterior: ${order.map((i) => `z${i} ${short(mean[i])}${sd ? ` ± ${short(sd[i])}` : ""}`).join(", ")}` },
  svg("line", { class: "axis", x1: 330, x2: 330, y1: 0, y2: height - 18 }), ...rows, ...ticks),
  el("figcaption", {}, `${more}Posterior mean${sd ? " ± σ" : "; σ is not known for this posterior"}.`));
}

/** A row of images for each model, made of latents; a click goes there. */
class ImageRows {
  constructor(app, key, columns) {
    Object.assign(this, { app, key, columns });
    this.rows = app.models.map((view, i) => {
      const canvas = el("canvas", { className: "pixels sheet", a: { role: "img", "aria-label": "" } });
      canvas.addEventListener("click", (event) => {
        const box = canvas.getBoundingClientRect(), n = this.latents[i].length;
        const lines = Math.ceil(n / columns);
        const place = Math.floor((event.clientX - box.left) / box.width * columns)
          + columns * Math.floor((event.clientY - box.top) / box.height * lines);
        if (place < n) this.clicked?.(i, place);
      });
      const title = app.models.length > 1 ? el("h2", {}, view.name) : null;
      const figure = () => this.images[i].length && { images: this.images[i], columns,
        name: `${view.name}-${key}`, caption: [this.caption(view)] };
      return { canvas, element: el("div", { className: "result" }, title, canvas,
        el("div", { className: "row" }, ...exportButtons(figure))) };
    });
    this.latents = app.models.map(() => []);
    this.images = app.models.map(() => []);
    this.element = el("div", {}, ...this.rows.map((row) => row.element));
  }

  show(i, latents, alt) {
    this.latents[i] = latents;
    this.rows[i].canvas.setAttribute("aria-label", alt);
    this.app.later(`${this.key}${i}`, [this.work(i)]);
  }

  * work(i) {
    const images = [], view = this.app.models[i];
    for (const z of this.latents[i]) {
      images.push(view.decode(z));
      yield;
    }
    if (!images[0]) return;
    this.images[i] = images;
    paintSheet(this.rows[i].canvas, images, this.columns);
  }
}

const lerp = (a, b, t) => a.map((v, i) => v + t * (b[i] - v));

/** Along the great circle between two directions, with lengths in between. */
function slerp(a, b, t) {
  const norm = (v) => Math.hypot(...v) || 1e-9;
  const [na, nb] = [norm(a), norm(b)];
  const cosine = clamp(a.reduce((sum, v, i) => sum + v * b[i], 0) / (na * nb), -1, 1);
  const angle = Math.acos(cosine);
  if (angle < 1e-4 || Math.PI - angle < 1e-4) return lerp(a, b, t);
  const [wa, wb] = [Math.sin((1 - t) * angle), Math.sin(t * angle)].map((w) => w / Math.sin(angle));
  const length = na + t * (nb - na);
  return a.map((v, i) => length * (wa * v / na + wb * b[i] / nb));
}

class InterpolatePanel {
  constructor(app) {
    this.app = app;
    this.title = "Interpolate";
    this.slots = new Slots(["from", "to"], () => this.update(true), [null, "→"]);
    this.path = el("select", { onchange: () => this.update(true), a: { "aria-label": "Path" } },
      el("option", { value: "straight" }, "straight"), el("option", { value: "spherical" }, "spherical"));
    this.t = el("input", { type: "range", min: 0, max: 1, step: 0.01, value: 0.5,
      a: { "aria-label": "Position between the two images" }, oninput: () => this.move() });
    this.rows = new ImageRows(app, "interpolation", 11);
    this.rows.caption = (view) => `${view.name}: ${this.path.value} interpolation from ${titleOf(this.slots.sources[0])} to ${titleOf(this.slots.sources[1])}`;
    this.rows.clicked = (i, place) => { this.t.value = place / 10; this.move(); };
    this.ends = app.models.map(() => null);
    this.notes = el("div");
    this.element = el("div", {},
      el("p", { className: "muted" }, "Choose two images: the row decodes the latents between their posterior means."),
      el("div", { className: "row" }, el("label", { className: "row" }, "Path", this.path),
        el("label", { className: "row" }, "Position", this.t)), this.notes, this.rows.element);
  }

  update(move) {
    if (!this.slots.full) return;
    this.notes.replaceChildren();
    this.app.models.forEach((view, i) => {
      this.rows.rows[i].element.hidden = view.isCode || !view.encoder || !view.decoder;
      if (view.isCode) return this.notes.append(onlyCodes(view));
      if (!view.encoder) return this.notes.append(noEncoder(view));
      this.ends[i] = this.slots.sources.map((source) => encodeSource(view, source).mean);
      const all = Array.from({ length: 11 }, (_, j) => this.at(i, j / 10));
      this.rows.show(i, all, `Eleven images from ${titleOf(this.slots.sources[0])} to ${titleOf(this.slots.sources[1])}`);
      view.marks = this.ends[i].map((mean) => ({ mean }));
    });
    if (move) this.move();
  }

  at(i, t) { return (this.path.value === "spherical" ? slerp : lerp)(...this.ends[i], t); }

  move() {
    this.app.models.forEach((view, i) => this.ends[i] && view.set(this.at(i, +this.t.value)));
  }
}

class ArithmeticPanel {
  constructor(app) {
    this.app = app;
    this.title = "Add and subtract";
    this.slots = new Slots(["A", "B", "C"], () => this.update(true), [null, "−", "+"]);
    this.rows = new ImageRows(app, "arithmetic", 4);
    this.rows.caption = (view) => `${view.name}: reconstructions of A (${this.names[0]}), B (${this.names[1]}), C (${this.names[2]}), and A − B + C`;
    this.rows.clicked = (i, place) => app.models[i].set(this.rows.latents[i][place]);
    this.notes = el("div");
    this.element = el("div", {}, el("p", { className: "muted" },
      "Choose three images: their posterior means are added and subtracted. Shown: A, B, C, and A − B + C."),
    this.notes, this.rows.element);
  }

  get names() { return this.slots.sources.map(titleOf); }

  update(move) {
    if (!this.slots.full) return;
    this.notes.replaceChildren();
    this.app.models.forEach((view, i) => {
      this.rows.rows[i].element.hidden = view.isCode || !view.encoder || !view.decoder;
      if (view.isCode) return this.notes.append(onlyCodes(view));
      if (!view.encoder) return this.notes.append(noEncoder(view));
      const [a, b, c] = this.slots.sources.map((source) => encodeSource(view, source).mean);
      const sum = a.map((v, j) => v - b[j] + c[j]);
      this.rows.show(i, [a, b, c, sum], `Reconstructions of ${this.names.join(", ")}, and A − B + C`);
      view.marks = [a, b, c].map((mean) => ({ mean }));
      if (move) view.set(sum);
    });
  }
}

class SamplesPanel {
  constructor(app) {
    this.app = app;
    this.title = "Samples";
    this.page = 0;
    this.rows = new ImageRows(app, "samples", 10);
    this.rows.caption = (view) => `50 samples of ${view.name}, drawn ${view.data.drawnFrom}${this.ofClass(view)}`;
    this.rows.clicked = (i, place) => app.models[i].set(this.rows.latents[i][place]);
    this.text = el("span", { className: "muted" });
    this.element = el("div", {}, el("div", { className: "row" },
      button("Previous page", () => this.turn(-1)), button("Next page", () => this.turn(1)), this.text),
    this.rows.element);
  }

  ofClass(view) {
    return view.data.classes ? `, ${view.label < 0 ? "no class" : view.data.classes[view.label]}` : "";
  }

  get pages() { return Math.min(...this.app.models.map((view) => Math.floor(view.data.drawCount / 50))); }

  turn(by) {
    this.page = (this.page + by + this.pages) % this.pages;
    this.update();
    this.app.changed();
  }

  update() {
    const how = this.app.models.map((view) => `drawn ${view.data.drawnFrom}${this.ofClass(view)}`);
    this.text.textContent = `Page ${this.page + 1} of ${this.pages}: 50 latents ${[...new Set(how)].join("; ")}. Click one to look closer.`;
    this.app.models.forEach((view, i) => {
      this.rows.rows[i].element.hidden = !view.decoder;
      if (!view.decoder) return;
      const all = Array.from({ length: 50 }, (_, j) => view.draw(50 * this.page + j));
      this.rows.show(i, all, `Fifty samples of ${view.name}`);
    });
  }

  labelled() { this.update(); }
}

class AboutPanel {
  constructor(app) {
    this.app = app;
    this.title = "About";
    this.element = el("div");
  }

  update() {
    this.element.replaceChildren(...this.app.models.map((view) => this.about(view)),
      el("p", { className: "muted" }, `Made by vaezoo ${DATA.version}. This page loads nothing from the network: model, images and program are in this file.`),
      el("p", { className: "muted" }, "Keys: arrows move in the latent plane or grid, R draws random latents, 0 goes back to the start."));
  }

  about(view) {
    const { data } = view, rows = [];
    const row = (name, text) => rows.push(el("dt", {}, name), el("dd", {}, text));
    row("Model", data.facts.join(" · "));
    const kind = data.parity?.half ? "half precision (biases in float32)" : "float32";
    const kilobytes = count(Math.round(data.packed.weights.length / 1000));
    row("Weights", `${kind}, ${kilobytes} kB in base64`);
    if (data.parity) {
      row("Against PyTorch", `largest difference of a pixel ${tiny(data.parity.difference)} over ${data.parity.count} latents, with the weights of this page (images are from 0 to 1)`);
      row("In this browser", `largest difference ${tiny(view.check())} on ${data.check.length} images that came with the page; ${short(view.timing(), 2)} ms per image`);
    }
    for (const problem of data.problems) row("Not exported", problem);
    if (data.problem) row("No test images", data.problem);
    row("In Python", "");
    return el("div", { className: "result" }, this.app.models.length > 1 ? el("h2", {}, view.name) : null,
      el("dl", {}, ...rows), el("pre", {}, view.python()));
  }
}
