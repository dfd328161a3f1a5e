// ---- one model: decoding, encoding, and the view of its current latents ------------------------
class ModelView {
  constructor(data, index, app) {
    Object.assign(this, { data, index, app, name: data.name });
    const bytes = VaezooEngine.fromBase64(data.packed.weights);
    const graph = (plan) => plan && new VaezooEngine.Graph(plan, bytes);
    this.decoder = graph(data.packed.decode);
    this.encoder = graph(data.packed.encode);
    this.latents = data.packed.latents;
    this.levels = data.packed.levels;
    this.isCode = this.levels !== null;
    this.isGrid = data.shape.length > 1;
    this.isPlane = !this.isCode && !this.isGrid && this.latents === 2;
    this.means = data.means && floats(data.means);
    this.draws = data.draws.map(floats);
    this.label = 0;
    this.z = this.start();
    this.pixels = null;
    this.marks = [];
  }

  /** Where the page begins and what "origin" returns to. */
  start() {
    if (!this.isCode) return new Float32Array(this.latents);
    return this.means ? this.means.slice(0, this.latents) : this.draw(0);
  }

  draw(i) {
    const pool = this.draws[this.draws.length > 1 ? Math.max(this.label, 0) : 0];
    const at = (i % this.data.drawCount) * this.latents;
    return pool.slice(at, at + this.latents);
  }

  /** The mean image (C·H·W) in [0, 1] of latents; null if the decoder could not be exported. */
  decode(z, label = this.label) {
    if (!this.decoder) return null;
    return this.decoder.run({ z, label: [label] }).image.slice();
  }

  /** { mean, sd, kl } of an image; sd and kl only if they are known. */
  encode(pixels, label = this.label) {
    if (!this.encoder) return null;
    const found = this.encoder.run({ image: pixels, label: [label] });
    return Object.fromEntries(Object.entries(found).map(([name, one]) => [name, one.slice()]));
  }

  /** Milliseconds of one decoding, as a mean over some. */
  timing(times = 20) {
    if (!this.decoder) return null;
    this.decode(this.z);
    const start = performance.now();
    let done = 0;
    while (done < times && performance.now() - start < 200) { this.decode(this.z); done++; }
    return (performance.now() - start) / done;
  }

  /** The largest difference of the images that came with the page. */
  check() {
    let largest = 0;
    for (const { z, label, image } of this.data.check) {
      const wanted = floats(image), found = this.decode(z, label);
      for (let i = 0; i < wanted.length; i++) {
        largest = Math.max(largest, Math.abs(found[i] - wanted[i]));
      }
    }
    return largest;
  }

  /** The place of the shown test image whose mean is nearest, and its distance; null without. */
  nearest(z) {
    if (!this.means || !testImages.count) return null;
    let best = -1, least = Infinity;
    for (let i = 0; i < DATA.images.count; i++) {
      let sum = 0;
      for (let j = 0, at = i * this.latents; j < this.latents; j++) {
        const gap = this.isCode ? +(this.means[at + j] !== z[j]) : this.means[at + j] - z[j];
        sum += gap * gap;
      }
      if (sum < least) [best, least] = [i, sum];
    }
    return { place: best, distance: this.isCode ? least : Math.sqrt(least) };
  }

  // ---- the view ---------------------------------------------------------------------------

  build() {
    this.canvas = imageCanvas("big");
    this.near = imageCanvas("thumb");
    this.nearText = el("span", { className: "muted" });
    this.readout = el("output", { className: "readout", a: { "aria-live": "off" } });
    this.latentsView = this.chooseLatentsView();
    const random = button("Random", () => this.random(), { title: "Draw latents (key R)" });
    const origin = button(this.isCode ? "Start" : "Origin", () => this.set(this.start()),
      { title: "Back to the start (key 0)" });
    const figure = () => this.pixels && { images: [this.pixels], columns: 1, name: this.name,
      caption: [this.caption()] };
    const nearest = this.means && button("", () => this.app.choose(this.nearPlace),
      { className: "slot", title: "Encode this test image" });
    nearest?.append(this.near);
    const image = this.decoder
      ? el("figure", {}, this.canvas)
      : el("p", { className: "warn" }, `No live decoding: ${this.data.problems.join("; ")}.`);
    return el("section", { className: "card model", a: { "aria-label": `Latents of ${this.name}` } },
      this.app.models.length > 1 ? el("h2", {}, this.name) : null,
      el("div", { className: "space" }, this.latentsView.element),
      el("div", { className: "view" },
        el("div", { className: "lead" }, image,
          nearest ? el("div", { className: "nearest" }, nearest, this.nearText) : null),
        this.classButtons(),
        el("div", { className: "row" }, random, origin, ...exportButtons(figure)),
        el("div", { className: "row" },
          button("Copy link", () => this.app.copyLink()),
          button("Copy as Python", () => copy(this.python(), "Python code"))),
        this.readout));
  }

  chooseLatentsView() {
    if (this.isPlane) return new Pad(this);
    return this.isGrid ? new LatentGrid(this) : new Sliders(this);
  }

  classButtons() {
    if (!this.data.classes) return null;
    this.chips = this.data.classes.map((name, label) =>
      button(name, () => this.setLabel(label), { className: "chip" }));
    this.chips.push(button("no class", () => this.setLabel(-1), { className: "chip",
      title: "The class is unknown to the model" }));
    return el("div", { className: "row", a: { role: "group", "aria-label": "Class" } },
      ...this.chips);
  }

  setLabel(label) {
    this.label = label;
    this.latentsView.changed?.();
    this.app.schedule(this);
  }

  set(z) {
    this.z = Float32Array.from(z);
    this.app.schedule(this);
  }

  setOne(latent, value) {
    this.z[latent] = value;
    this.app.schedule(this);
  }

  random() {
    this.set(this.draw(Math.floor(Math.random() * this.data.drawCount)));
  }

  refresh() {
    this.pixels = this.decode(this.z);
    if (this.pixels) {
      paint(this.canvas, this.pixels);
      this.canvas.setAttribute("aria-label", `Decoded image at z = ${vector(this.z.slice(0, 8))}`);
    }
    this.readout.textContent = `z = ${vector(this.z, this.latents > 40 ? 1 : 2)}`;
    const found = this.nearest(this.z);
    if (found) {
      this.nearPlace = found.place;
      paint(this.near, testImages.pixels(found.place));
      const text = testImages.title(found.place);
      const how = this.isCode ? `${found.distance} of ${this.latents} codes differ`
        : `distance ${short(found.distance)}`;
      this.nearText.textContent = `Nearest of ${DATA.images.count} test images: ${text}, ${how}`;
      this.near.setAttribute("aria-label", text);
    }
    this.chips?.forEach((chip, i) =>
      setPressed(chip, i === (this.label < 0 ? this.chips.length - 1 : this.label)));
    this.latentsView.update();
  }

  caption(z = this.z) {
    const label = this.data.classes && this.label >= 0 ? `, ${this.data.classes[this.label]}` : "";
    const shown = z.length > 12 ? `z of ${z.length} latents` : `z = ${vector(z)}`;
    return `${this.name}: mean image at ${shown}${label}`;
  }

  python(z = this.z) {
    const label = this.data.classes
      ? `, labels=${this.label < 0 ? -1 : JSON.stringify(this.data.classes[this.label])}` : "";
    return ["import torch", "import vaezoo", "",
      `model = vaezoo.load(${JSON.stringify(this.data.load)})`,
      `z = torch.tensor([${plain(z)}]).reshape(1, ${this.data.shape.join(", ")})`,
      `image = model.decode(z${label})  # (1, ${CHANNELS}, ${HEIGHT}, ${WIDTH})`, ""].join("\n");
  }
}
