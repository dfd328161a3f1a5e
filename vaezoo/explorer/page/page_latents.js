// ---- the latents: a plane, sliders, or a grid -------------------------------------------------

/** Two latents: posterior means by class over contours of the prior. Drag to decode. */
class Pad {
  constructor(view) {
    this.view = view;
    const data = view.data;
    [this.low, this.high] = [data.low, data.high];
    this.scatter = data.measured && floats(data.measured.scatter);
    this.labels = data.measured ? data.measured.labels : [];
    this.classes = Math.max(DATA.classNames.length, ...this.labels.map((one) => one + 1), 0);
    this.only = -1;
    this.canvas = el("canvas", { className: "pad", tabIndex: 0, a: {
      role: "application", "aria-roledescription": "latent plane" } });
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.move(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && this.move(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.back = document.createElement("canvas");
    const about = data.measured
      ? `${count(data.measured.count)} test images at their posterior means`
      : "No test images";
    const contours = data.contours.some((one) => one.length)
      ? "; lines hold 50, 90 and 99 % of the prior" : "; the density of the prior is not known here";
    this.element = el("figure", {}, this.legend(), this.canvas,
      el("figcaption", {}, `${about}${contours}. Drag, or use the arrow keys (Shift: larger steps).`),
      data.problem ? el("p", { className: "warn" }, `No test images: ${data.problem}`) : null);
    new ResizeObserver(() => this.changed()).observe(this.canvas);
  }

  legend() {
    const present = [...new Set(this.labels)].filter((label) => label >= 0).sort((a, b) => a - b);
    if (present.length < 2 || present.length > 60) return null;
    this.dots = [];
    const chips = present.map((label) => {
      const dot = svg("circle", { cx: 5, cy: 5, r: 5 });
      this.dots.push([dot, label]);
      const chip = button("", () => {
        this.only = this.only === label ? -1 : label;
        chips.forEach((one, i) => setPressed(one, present[i] === this.only));
        this.changed();
      }, { className: "chip", title: "Show only this class" });
      chip.append(svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, dot),
        DATA.classNames[label] ?? String(label));
      setPressed(chip, false);
      return chip;
    });
    return el("div", { className: "row", a: { role: "group", "aria-label": "Classes" } }, ...chips);
  }

  /** Redraw what does not move: after a change of size, theme or class. */
  changed() {
    const width = this.canvas.clientWidth, ratio = window.devicePixelRatio || 1;
    if (!width) return;
    const edge = Math.round(width * ratio);
    for (const one of [this.canvas, this.back]) if (one.width !== edge) one.width = one.height = edge;
    for (const [dot, label] of this.dots ?? []) {
      dot.setAttribute("fill", classColor(label, this.classes));
    }
    const context = this.back.getContext("2d");
    context.fillStyle = color("--card");
    context.fillRect(0, 0, edge, edge);
    this.drawAxes(context, edge, ratio);
    this.drawPoints(context, ratio);
    this.drawContours(context, ratio);
    this.update();
  }

  x(value) { return (value - this.low[0]) / (this.high[0] - this.low[0]) * this.canvas.width; }
  y(value) { return (this.high[1] - value) / (this.high[1] - this.low[1]) * this.canvas.height; }

  drawAxes(context, edge, ratio) {
    context.strokeStyle = color("--line");
    context.fillStyle = color("--muted");
    context.lineWidth = ratio;
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    const span = this.high[0] - this.low[0];
    const step = [0.5, 1, 2, 5, 10, 20, 50, 100].find((one) => span / one <= 9) ?? span / 5;
    for (let v = Math.ceil(this.low[0] / step) * step; v < this.high[0]; v += step) {
      line(context, this.x(v), 0, this.x(v), edge);
      context.fillText(short(v, step < 1 ? 1 : 0), this.x(v) + 3 * ratio, edge - 5 * ratio);
    }
    for (let v = Math.ceil(this.low[1] / step) * step; v < this.high[1]; v += step) {
      line(context, 0, this.y(v), edge, this.y(v));
      context.fillText(short(v, step < 1 ? 1 : 0), 4 * ratio, this.y(v) - 3 * ratio);
    }
  }

  drawContours(context, ratio) {
    const contours = this.view.data.contours;
    const own = contours[contours.length > 1 ? Math.max(this.view.label, 0) : 0] ?? [];
    context.strokeStyle = color("--contour");
    context.lineWidth = 1.3 * ratio;
    own.forEach(({ paths }, i) => {
      context.setLineDash([[], [7 * ratio, 4 * ratio], [2 * ratio, 4 * ratio]][i] ?? []);
      for (const path of paths) {
        context.beginPath();
        for (let j = 0; j < path.length; j += 2) context.lineTo(this.x(path[j]), this.y(path[j + 1]));
        context.stroke();
      }
    });
    context.setLineDash([]);
  }

  drawPoints(context, ratio) {
    if (!this.scatter) return;
    for (let i = 0; i < this.labels.length; i++) {
      const label = this.labels[i];
      context.globalAlpha = this.only < 0 ? 0.75 : this.only === label ? 0.9 : 0.07;
      context.fillStyle = classColor(label, this.classes);
      context.beginPath();
      context.arc(this.x(this.scatter[2 * i]), this.y(this.scatter[2 * i + 1]), 2.2 * ratio, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  update() {
    const context = this.canvas.getContext("2d"), ratio = window.devicePixelRatio || 1;
    context.drawImage(this.back, 0, 0);
    for (const { mean, sd } of this.view.marks) {
      context.strokeStyle = color("--ink");
      context.lineWidth = 2 * ratio;
      context.beginPath();
      const [rx, ry] = sd ? [this.x(mean[0] + sd[0]) - this.x(mean[0]),
        this.y(mean[1]) - this.y(mean[1] + sd[1])] : [4, 4];
      context.ellipse(this.x(mean[0]), this.y(mean[1]), Math.max(rx, 3 * ratio),
        Math.max(ry, 3 * ratio), 0, 0, 7);
      context.stroke();
    }
    const x = this.x(this.view.z[0]), y = this.y(this.view.z[1]);
    for (const [radius, style] of [[9, color("--card")], [7, color("--accent")]]) {
      context.fillStyle = style;
      context.beginPath();
      context.arc(x, y, radius * ratio, 0, 7);
      context.fill();
    }
    this.canvas.setAttribute("aria-label",
      `Latent plane at z = ${vector(this.view.z)}. Arrow keys move.`);
  }

  move(event) {
    const box = this.canvas.getBoundingClientRect();
    const across = clamp((event.clientX - box.left) / box.width, 0, 1);
    const down = clamp((event.clientY - box.top) / box.height, 0, 1);
    this.view.set([this.low[0] + across * (this.high[0] - this.low[0]),
      this.high[1] - down * (this.high[1] - this.low[1])]);
  }

  key(event) {
    const step = (this.high[0] - this.low[0]) / (event.shiftKey ? 12 : 100);
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by) return;
    event.preventDefault();
    const { z } = this.view;
    this.view.set([z[0] + by[0] * step, z[1] + by[1] * step]);
  }
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

const STEPS = 9, OPEN = 12;

/** One latent: a slider above the images along it, the others as they are. */
class LatentSlider {
  constructor(view, latent, about = "") {
    Object.assign(this, { view, latent });
    this.name = el("span", { className: "name" });
    this.input = el("input", { type: "range", oninput: () => this.given() });
    this.output = el("output");
    this.strip = el("canvas", { a: { role: "img" }, title: "Click an image to go there" });
    this.strip.addEventListener("click", (event) => {
      const box = this.strip.getBoundingClientRect();
      const i = clamp(Math.floor((event.clientX - box.left) / box.width * this.values.length), 0, 8);
      view.setOne(this.latent, this.values[i]);
    });
    this.element = el("div", { className: "slider" }, this.name, this.input, this.output, this.strip);
    this.show(latent, about);
  }

  show(latent, about) {
    const { view } = this;
    this.latent = latent;
    let low = view.isCode ? 0 : view.data.low[latent];
    let high = view.isCode ? view.levels - 1 : view.data.high[latent];
    if (!view.isCode) [low, high] = [Math.min(low, -3), Math.max(high, 3)];
    Object.assign(this.input, { min: low, max: high, step: view.isCode ? 1 : (high - low) / 400 });
    this.input.setAttribute("aria-label", `z${latent} ${about}`);
    const steps = view.isCode ? Math.min(STEPS, view.levels) : STEPS;
    this.values = Array.from({ length: steps }, (_, i) => low + (high - low) * i / Math.max(steps - 1, 1));
    if (view.isCode) this.values = this.values.map(Math.round);
    this.name.replaceChildren(el("b", {}, `z${latent}`), about ? ` ${about}` : "");
    this.strip.setAttribute("aria-label", `Images as z${latent} grows from ${short(low, 1)} to ${short(high, 1)}`);
  }

  given() { this.view.setOne(this.latent, +this.input.value); }

  update() {
    const value = this.view.z[this.latent];
    this.input.value = value;
    this.output.textContent = this.view.isCode ? value : short(value);
  }

  /** A task that decodes one image at a time. */
  * decodeStrip() {
    const z = this.view.z.slice(), images = [];
    for (const value of this.values) {
      z[this.latent] = value;
      images.push(this.view.decode(z));
      yield;
    }
    if (images[0]) paintSheet(this.strip, images, images.length);
  }
}

/** More latents: sliders in order of what they carry; unused ones are folded away. */
class Sliders {
  constructor(view) {
    this.view = view;
    const measured = view.data.measured;
    const order = Array.from({ length: view.latents }, (_, i) => i);
    if (measured) order.sort((a, b) => measured.carried[b] - measured.carried[a]);
    const used = order.filter((i) => !measured || measured.used[i]);
    const unused = order.filter((i) => measured && !measured.used[i]);
    const about = (i) => !measured ? "" : measured.unit === "nats"
      ? `${short(measured.carried[i])} nats` : `var. ${short(measured.carried[i])}`;
    const group = (latents) => latents.map((i) => new LatentSlider(view, i, about(i)));
    this.open = group(used.slice(0, OPEN));
    const lists = [[`${used.length - OPEN} more latents`, used.slice(OPEN), null],
      [`${unused.length} unused ${unused.length === 1 ? "latent" : "latents"}`, unused,
        `Unused: ${measured?.rule}.`]];
    this.folded = lists.filter(([, latents]) => latents.length).map(([title, latents, why]) => {
      const fold = el("details", {}, el("summary", {}, title), why ? el("p", { className: "muted" }, why) : null);
      const one = { fold, sliders: null, latents };
      fold.addEventListener("toggle", () => {
        if (fold.open && !one.sliders) {
          one.sliders = group(latents);
          fold.append(...one.sliders.map((slider) => slider.element));
        }
        this.update();
      });
      return one;
    });
    const how = !measured ? `No test images: ${view.data.problem}`
      : `Latents by ${measured.unit === "nats" ? "mean KL to the prior" : "variance of their posterior means"}`
        + ` on ${count(measured.count)} test images. Each row: the image as this latent moves.`;
    this.element = el("div", {}, el("p", { className: "muted" }, how),
      ...this.open.map((slider) => slider.element), ...this.folded.map((one) => one.fold));
  }

  get visible() {
    const more = this.folded.filter((one) => one.fold.open && one.sliders);
    return [...this.open, ...more.flatMap((one) => one.sliders)];
  }

  update() {
    for (const slider of this.visible) slider.update();
    this.view.app.later(this.view.index, this.visible.map((slider) => slider.decodeStrip()));
  }
}

/** Latents on a grid: choose a cell, then move its value. */
class LatentGrid {
  constructor(view) {
    this.view = view;
    const shape = view.data.shape;
    [this.rows, this.columns] = shape.slice(-2);
    this.channels = shape.length > 2 ? shape[0] : 1;
    this.channel = 0;
    this.cell = Math.floor(this.rows / 2) * this.columns + Math.floor(this.columns / 2);
    this.canvas = el("canvas", { className: "grid", tabIndex: 0, a: { role: "application" } });
    this.canvas.width = 400;
    this.canvas.height = Math.round(400 * this.rows / this.columns);
    this.canvas.addEventListener("pointerdown", (event) => this.pick(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.slider = new LatentSlider(view, this.latent);
    const channels = this.channels < 2 ? null : el("label", { className: "row" }, "Channel",
      el("select", { onchange: (event) => { this.channel = +event.target.value; this.update(); } },
        ...Array.from({ length: this.channels }, (_, i) => el("option", { value: i }, String(i)))));
    const what = view.isCode
      ? `A grid of ${this.rows} × ${this.columns} codes, each one of ${count(view.levels)}. A code is a name: near numbers are not alike.`
      : `A grid of ${this.rows} × ${this.columns} latents.`;
    this.element = el("div", {}, el("p", { className: "muted" }, what), channels, this.canvas,
      el("p", { className: "muted" }, "Choose a cell with the mouse or the arrow keys, then move the slider."),
      this.slider.element);
  }

  get latent() { return this.channel * this.rows * this.columns + this.cell; }

  changed() { this.update(); }

  update() {
    const context = this.canvas.getContext("2d"), { view } = this;
    const width = this.canvas.width / this.columns, height = this.canvas.height / this.rows;
    const first = this.channel * this.rows * this.columns;
    for (let i = 0; i < this.rows * this.columns; i++) {
      const x = (i % this.columns) * width, y = Math.floor(i / this.columns) * height;
      const value = view.z[first + i];
      if (view.isCode) context.fillStyle = `hsl(${(value * 137.5) % 360} 45% 55%)`;
      else {
        const t = clamp(value / 3, -1, 1);
        context.fillStyle = t < 0 ? `rgb(${255 + 200 * t} ${255 + 130 * t} 255)` : `rgb(255 ${255 - 140 * t} ${255 - 200 * t})`;
      }
      context.fillRect(x, y, width - 1, height - 1);
      if (width > 28) {
        context.fillStyle = "#000";
        context.font = `${Math.min(15, width / 3)}px system-ui, sans-serif`;
        context.textAlign = "center";
        context.fillText(view.isCode ? value : short(value, 1), x + width / 2, y + height / 2 + 5);
      }
    }
    context.strokeStyle = color("--accent");
    context.lineWidth = 4;
    const x = (this.cell % this.columns) * width, y = Math.floor(this.cell / this.columns) * height;
    context.strokeRect(x + 1, y + 1, width - 3, height - 3);
    this.canvas.setAttribute("aria-label", `Cell ${Math.floor(this.cell / this.columns)}, ${this.cell % this.columns}: ${view.isCode ? view.z[this.latent] : short(view.z[this.latent])}. Arrow keys choose another.`);
    this.slider.show(this.latent, "");
    this.slider.update();
    view.app.later(view.index, [this.slider.decodeStrip()]);
  }

  pick(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = clamp(Math.floor((event.clientX - box.left) / box.width * this.columns), 0, this.columns - 1);
    const row = clamp(Math.floor((event.clientY - box.top) / box.height * this.rows), 0, this.rows - 1);
    this.cell = row * this.columns + column;
    this.update();
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    if (!by) return;
    event.preventDefault();
    this.cell = clamp(this.cell + by, 0, this.rows * this.columns - 1);
    this.update();
  }
}
