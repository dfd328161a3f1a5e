// ---- small tools: elements, numbers, texts, clipboard, files ----------------------------------
const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

/** An element with properties, `on…` listeners, attributes in `a` and children. Texts are text. */
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  fill(node, props, children);
  return node;
}

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  fill(node, { a: attributes }, children);
  return node;
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (name === "a") {
      for (const [key, text] of Object.entries(value)) node.setAttribute(key, text);
    } else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
}

const floats = (text) => new Float32Array(VaezooEngine.fromBase64(text).buffer);
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const count = (n) => n.toLocaleString("en-US");
const short = (x, digits = 2) => x.toFixed(digits).replace("-", "−");
const tiny = (x) => (x === 0 ? "0" : x.toExponential(1).replace("e-", "e−").replace("e+", "e"));
const vector = (z, digits = 2) =>
  `(${Array.from(z, (x) => (Number.isInteger(x) ? String(x).replace("-", "−") : short(x, digits))).join(", ")})`;
const plain = (z) => `[${Array.from(z, (x) => +x.toFixed(3)).join(", ")}]`;

const toast = el("div", { id: "toast", a: { role: "status" } });
let toastTimer = 0;
function say(text) {
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.classList.remove("shown"), 2200);
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { value: text, className: "hidden" });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`${what} copied`);
}

function download(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const fileName = (text) => text.replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 80);
const button = (text, onclick, props = {}) =>
  el("button", { type: "button", onclick, ...props }, text);

function setPressed(node, pressed) {
  node.setAttribute("aria-pressed", String(pressed));
}

/** The value of a CSS variable, for canvases. */
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const PALETTE = ["#4352cd", "#d59b0b", "#2388b4", "#b72166", "#53e882", "#e05411", "#71218b",
  "#e7b2df", "#255b21", "#79af89"];

/** A color for each class; lighter on a dark page. */
function classColor(label, classes) {
  if (label < 0) return color("--muted");
  const dark = document.documentElement.dataset.theme === "dark";
  if (classes > PALETTE.length) {
    return `hsl(${Math.round(360 * label / classes)} 70% ${dark ? 65 : 42}%)`;
  }
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(PALETTE[label].slice(i, i + 2), 16));
  const mix = (v) => (dark ? Math.round(v + (255 - v) * 0.38) : v);
  return `rgb(${mix(r)} ${mix(g)} ${mix(b)})`;
}
