// ---- images on canvases, and figures to take away ---------------------------------------------
const [CHANNELS, HEIGHT, WIDTH] = DATA.models[0].packed.image;

/** Pixels (C·H·W) in [0, 1] on a canvas of the image's own size. */
function paint(canvas, pixels) {
  if (canvas.width !== WIDTH || canvas.height !== HEIGHT) {
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
  }
  canvas.getContext("2d").putImageData(asImageData(pixels), 0, 0);
}

function asImageData(pixels) {
  const image = new ImageData(WIDTH, HEIGHT), plane = WIDTH * HEIGHT, step = CHANNELS > 1 ? plane : 0;
  for (let i = 0; i < plane; i++) {
    image.data[4 * i] = 255 * pixels[i] + 0.5;
    image.data[4 * i + 1] = 255 * pixels[i + step] + 0.5;
    image.data[4 * i + 2] = 255 * pixels[i + 2 * step] + 0.5;
    image.data[4 * i + 3] = 255;
  }
  return image;
}

/** A canvas for an image, with a text for those who do not see it. */
function imageCanvas(className, text = "") {
  return el("canvas", { className: `pixels ${className}`, width: WIDTH, height: HEIGHT,
    a: { role: "img", "aria-label": text } });
}

/** Images side by side in rows, each pixel once, with gaps. */
function paintSheet(canvas, images, columns, gap = 1) {
  const rows = Math.ceil(images.length / columns);
  canvas.width = columns * WIDTH + (columns - 1) * gap;
  canvas.height = rows * HEIGHT + (rows - 1) * gap;
  const context = canvas.getContext("2d");
  images.forEach((pixels, i) => {
    const x = (i % columns) * (WIDTH + gap), y = Math.floor(i / columns) * (HEIGHT + gap);
    context.putImageData(asImageData(pixels), x, y);
  });
}

/** What is exported: images in columns with lines of caption. */
function figureCanvas({ images, columns, caption }) {
  const sheet = document.createElement("canvas");
  paintSheet(sheet, images, columns, 1);
  const scale = Math.max(1, Math.round((images.length > 1 ? 1000 : 560) / sheet.width));
  const width = Math.max(sheet.width * scale, 420), line = 20, margin = 16;
  const lines = caption.flatMap((text) => wrapped(text, width));
  const canvas = el("canvas", {
    width: width + 2 * margin,
    height: sheet.height * scale + 2 * margin + line * lines.length + 8,
  });
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet, margin, margin, sheet.width * scale, sheet.height * scale);
  context.fillStyle = "#1b1f24";
  context.font = "14px system-ui, sans-serif";
  lines.forEach((text, i) => {
    context.fillText(text, margin, margin + sheet.height * scale + 8 + line * (i + 0.8));
  });
  return { canvas, sheet, scale, lines, margin, line };
}

function wrapped(text, width) {
  const most = Math.floor(width / 7.2), lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.length - 1;
    if (lines[last] && (lines[last] + " " + word).length > most) lines.push(word);
    else lines[last] += (lines[last] ? " " : "") + word;
  }
  return lines;
}

function savePng(figure) {
  figureCanvas(figure).canvas.toBlob((blob) => download(blob, `${fileName(figure.name)}.png`));
}

function saveSvg(figure) {
  const { canvas, sheet, scale, lines, margin, line } = figureCanvas(figure);
  const height = sheet.height * scale;
  const root = svg("svg", { xmlns: SVG, width: canvas.width, height: canvas.height,
    viewBox: `0 0 ${canvas.width} ${canvas.height}` },
  svg("title", {}, figure.caption.join(" ")),
  svg("rect", { width: "100%", height: "100%", fill: "#ffffff" }),
  svg("image", { x: margin, y: margin, width: sheet.width * scale, height,
    href: sheet.toDataURL("image/png"), "image-rendering": "pixelated",
    preserveAspectRatio: "none" }),
  ...lines.map((text, i) => svg("text", { x: margin, y: margin + height + 8 + line * (i + 0.8),
    "font-family": "system-ui, sans-serif", "font-size": 14, fill: "#1b1f24" }, text)));
  const text = new XMLSerializer().serializeToString(root);
  download(new Blob([text], { type: "image/svg+xml" }), `${fileName(figure.name)}.svg`);
}

/** Buttons that export what `figure()` returns. */
function exportButtons(figure) {
  const guarded = (save) => () => {
    const found = figure();
    if (found) save(found);
    else say("There is no image yet");
  };
  return [button("PNG", guarded(savePng), { title: "Save as PNG with a caption" }),
    button("SVG", guarded(saveSvg), { title: "Save as SVG with a caption" })];
}
