// ---- test images, drawings and dropped images -------------------------------------------------

/** The test images that came with the page, as pixels in [0, 1]. */
const testImages = {
  all: [],

  async load() {
    if (!DATA.images) return;
    const picture = new Image();
    picture.src = DATA.images.sprite;
    await picture.decode();
    const canvas = el("canvas", { width: picture.width, height: picture.height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    for (let i = 0; i < DATA.images.count; i++) {
      const x = (i % DATA.images.columns) * WIDTH, y = Math.floor(i / DATA.images.columns) * HEIGHT;
      this.all.push(asPixels(context.getImageData(x, y, WIDTH, HEIGHT)));
    }
  },

  get count() { return this.all.length; },
  pixels(place) { return this.all[place]; },
  label(place) { return DATA.images.labels[place]; },
  title(place) {
    const label = this.label(place);
    const name = label < 0 ? "" : `, ${DATA.classNames[label] ?? label}`;
    return `number ${DATA.images.numbers[place]}${name}`;
  },
};

function asPixels(image) {
  const plane = WIDTH * HEIGHT, pixels = new Float32Array(CHANNELS * plane);
  for (let c = 0; c < CHANNELS; c++) {
    for (let i = 0; i < plane; i++) pixels[c * plane + i] = image.data[4 * i + c] / 255;
  }
  return pixels;
}

/** Pixels of any canvas: gray where the model's images are gray, binary where they are binary. */
function fromCanvas(canvas, invert = false) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const image = context.getImageData(0, 0, WIDTH, HEIGHT);
  for (let i = 0; i < image.data.length; i += 4) {
    if (CHANNELS === 1) {
      const [r, g, b] = image.data.subarray(i, i + 3);
      image.data[i] = 0.299 * r + 0.587 * g + 0.114 * b;
    }
    for (let c = 0; c < 3; c++) if (invert) image.data[i + c] = 255 - image.data[i + c];
  }
  const pixels = asPixels(image);
  return DATA.images?.binary ? pixels.map((value) => (value >= 0.5 ? 1 : 0)) : pixels;
}

/** Test images to click on, and a place to draw or drop others. */
class ImageChooser {
  constructor(chosen) {
    this.chosen = chosen;
    this.strip = el("div", { className: "strip", a: { role: "group", "aria-label": "Test images" } });
    const parts = [];
    if (DATA.images) {
      const { count: n, total, binary, trainedOn } = DATA.images;
      const note = `${n} of ${count(total)} test images are in this page`
        + (binary ? "; pixels are 0 or 1" : "") + (trainedOn ? "; the model was trained on them" : "");
      parts.push(this.filters(), this.strip, el("p", { className: "muted" }, `${note}.`));
    } else {
      parts.push(el("p", { className: "warn" }, `No test images: ${DATA.models[0].problem}. Draw or drop an image.`));
    }
    this.element = el("div", {}, ...parts, this.drawing());
  }

  /** Once the test images are known. */
  ready() {
    if (testImages.count) this.fillStrip(-1);
  }

  filters() {
    const labels = [...new Set(DATA.images.labels)].filter((label) => label >= 0);
    if (labels.length < 2 || labels.length > 40) return null;
    const chips = [-1, ...labels].map((label) => button(
      label < 0 ? "all" : DATA.classNames[label] ?? String(label), () => {
        this.fillStrip(label);
        chips.forEach((chip, i) => setPressed(chip, [-1, ...labels][i] === label));
      }, { className: "chip" }));
    chips.forEach((chip, i) => setPressed(chip, i === 0));
    return el("div", { className: "row", a: { role: "group", "aria-label": "Show a class" } }, ...chips);
  }

  fillStrip(label) {
    let places = testImages.all.map((_, i) => i);
    if (label >= 0) places = places.filter((i) => testImages.label(i) === label);
    else places = places.filter((i) => i % Math.ceil(places.length / 50) === 0);
    this.strip.replaceChildren(...places.map((place) => {
      const canvas = el("canvas", { className: "pixels", width: WIDTH, height: HEIGHT });
      paint(canvas, testImages.pixels(place));
      const one = button("", () => this.chosen({ place }), {
        a: { "aria-label": `Test image ${testImages.title(place)}` }, title: testImages.title(place) });
      one.append(canvas);
      return one;
    }));
  }

  drawing() {
    const scale = Math.max(1, Math.floor(280 / Math.max(WIDTH, HEIGHT)));
    const canvas = el("canvas", { className: "draw", width: WIDTH * scale, height: HEIGHT * scale,
      a: { role: "img", "aria-label": "Drawing area: draw with mouse, pen or finger" } });
    const small = el("canvas", { width: WIDTH, height: HEIGHT });
    const context = canvas.getContext("2d"), reduced = small.getContext("2d");
    const invert = el("input", { type: "checkbox", onchange: () => use() });
    let title = "drawing", at = null;
    const clear = () => {
      context.fillStyle = "#000";
      context.fillRect(0, 0, canvas.width, canvas.height);
    };
    const use = () => {
      reduced.imageSmoothingQuality = "high";
      reduced.drawImage(canvas, 0, 0, WIDTH, HEIGHT);
      this.chosen({ pixels: fromCanvas(small, invert.checked), title }, true);
    };
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width * canvas.width,
        (event.clientY - box.top) / box.height * canvas.height];
    };
    const stroke = (to) => {
      Object.assign(context, { strokeStyle: "#fff", lineWidth: 2.4 * scale * Math.max(WIDTH, HEIGHT) / 28,
        lineCap: "round", lineJoin: "round" });
      line(context, ...(at ?? to), ...to);
      at = to;
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      title = "drawing";
      stroke(point(event));
    });
    canvas.addEventListener("pointermove", (event) => { if (at) { stroke(point(event)); use(); } });
    const end = () => { if (at) use(); at = null; };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    clear();

    const read = async (file) => {
      if (!file?.type.startsWith("image/")) return say("This is not an image");
      try {
        const picture = await createImageBitmap(file);
        const zoom = Math.min(canvas.width / picture.width, canvas.height / picture.height);
        const [w, h] = [picture.width * zoom, picture.height * zoom];
        clear();
        context.drawImage(picture, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
        title = file.name;
        use();
      } catch {
        say("This image cannot be read");
      }
    };
    const file = el("input", { type: "file", accept: "image/*", className: "hidden",
      onchange: () => read(file.files[0]) });
    const area = el("details", {}, el("summary", {}, "Draw or drop an image"),
      el("div", { className: "row top" }, canvas, el("div", {},
        el("p", { className: "muted" }, `Draw in white, or drop a picture here. It becomes ${WIDTH} × ${HEIGHT} pixels.`),
        el("div", { className: "row" }, button("Clear", () => { clear(); use(); }),
          button("Open a file", () => file.click()), file),
        el("label", { className: "row" }, invert, "Invert (dark ink on light paper)"))));
    area.open = !DATA.images;
    document.addEventListener("dragover", (event) => { event.preventDefault(); area.classList.add("drop"); });
    document.addEventListener("dragleave", () => area.classList.remove("drop"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      area.classList.remove("drop");
      area.open = true;
      read(event.dataTransfer.files[0]);
    });
    return area;
  }
}
