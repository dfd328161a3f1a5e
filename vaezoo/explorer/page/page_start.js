// ---- the page: state, address, and what runs when ---------------------------------------------
const MOST_IN_ADDRESS = 512;

class App {
  constructor() {
    this.waiting = new Set();
    this.tasks = new Map();
    this.models = DATA.models.map((data, i) => new ModelView(data, i, this));
    this.frame = 0;
    this.firstDecode = null;
  }

  build() {
    this.panels = [new EncodePanel(this), new InterpolatePanel(this), new ArithmeticPanel(this),
      new SamplesPanel(this), new AboutPanel(this)];
    this.chooser = new ImageChooser((source, stay) => this.choose(source, stay));
    this.tabs = this.panels.map((panel, i) => button(panel.title, () => this.open(i), {
      id: `tab${i}`, a: { role: "tab", "aria-controls": "panel" },
      onkeydown: (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!by) return;
        const next = (i + by + this.tabs.length) % this.tabs.length;
        this.open(next);
        this.tabs[next].focus();
      } }));
    this.panel = el("div", { id: "panel", a: { role: "tabpanel" } });
    this.theme = button("Dark", () => this.setTheme(this.dark ? "light" : "dark", true));
    const facts = this.models.length > 1 ? "Two models, one image" : this.models[0].data.facts.join(" · ");
    document.getElementById("page").append(
      el("header", {}, el("div", {}, el("h1", {}, this.models.map((view) => view.name).join(" and ")),
        el("p", { className: "facts" }, facts)), this.theme),
      el("main", {},
        el("div", { className: `models${this.models.length > 1 ? " two" : ""}` },
          ...this.models.map((view) => view.build())),
        el("section", { className: "card", a: { "aria-label": "Tools" } },
          el("div", { a: { role: "tablist", "aria-label": "Tools" } }, ...this.tabs), this.panel)),
      toast);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    this.setTheme(scheme.matches ? "dark" : "light");
    scheme.addEventListener("change", () => this.chosenTheme || this.setTheme(scheme.matches ? "dark" : "light"));
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("hashchange", () => location.hash.slice(1) !== this.written && this.restore());
  }

  get dark() { return document.documentElement.dataset.theme === "dark"; }

  setTheme(theme, chosen = false) {
    document.documentElement.dataset.theme = theme;
    this.chosenTheme ||= chosen;
    this.theme.textContent = theme === "dark" ? "Light" : "Dark";
    this.theme.title = `Change to the ${theme === "dark" ? "light" : "dark"} theme`;
    if (!this.ready) return;  // the first drawing follows
    for (const view of this.models) view.latentsView.changed?.();
    if (chosen) this.changed();
  }

  key(event) {
    if (event.target.closest?.("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "r" || event.key === "R") this.models.forEach((view) => view.random());
    if (event.key === "0") this.models.forEach((view) => view.set(view.start()));
  }

  open(i) {
    this.tab = i;
    this.tabs.forEach((tab, j) => {
      tab.setAttribute("aria-selected", String(i === j));
      tab.tabIndex = i === j ? 0 : -1;
    });
    const panel = this.panels[i];
    this.panel.setAttribute("aria-labelledby", `tab${i}`);
    this.panel.replaceChildren(...(panel.slots ? [this.chooser.element] : []),
      ...(panel.slots?.sources.length > 1 ? [panel.slots.element] : []), panel.element);
    panel.update?.(false);
    this.changed();
  }

  /** An image was clicked, drawn or dropped: it goes to the open panel, or is encoded. */
  choose(source, stay) {
    const given = typeof source === "number" ? { place: source } : source;
    if (!this.panels[this.tab].slots) this.open(0);
    this.panels[this.tab].slots.fill(given, stay);
    this.changed();
  }

  // ---- work: first the images that moved, then everything else in the time that is left ----

  schedule(view) {
    this.waiting.add(view);
    this.request();
  }

  later(key, tasks) {
    this.tasks.set(key, tasks);
    this.request();
  }

  request() { this.frame ||= requestAnimationFrame(() => this.run()); }

  run() {
    this.frame = 0;
    const views = [...this.waiting];
    this.waiting.clear();
    for (const view of views) {
      view.refresh();
      if (view.label !== view.labelBefore) {
        view.labelBefore = view.label;
        this.panels[this.tab]?.labelled?.();
      }
    }
    if (views.length) this.changed();
    const start = performance.now();
    while (this.tasks.size && performance.now() - start < 8) {
      for (const [key, tasks] of [...this.tasks]) {
        if (tasks.length && tasks[0].next().done) tasks.shift();
        if (!tasks.length) this.tasks.delete(key);
      }
    }
    if (this.tasks.size || this.waiting.size) this.request();
  }

  // ---- the address keeps the state ------------------------------------------------------

  changed() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.write(), 200);
  }

  address() {
    const state = new URLSearchParams();
    const slots = (panel) => panel.slots.sources.map((one) => one?.place ?? "").join("-");
    const [encode, interpolate, arithmetic, samples] = this.panels;
    state.set("tab", this.tab);
    if (encode.slots.full) state.set("image", slots(encode));
    if (interpolate.slots.sources.some(Boolean)) {
      state.set("between", slots(interpolate));
      state.set("at", interpolate.t.value);
      state.set("path", interpolate.path.value);
    }
    if (arithmetic.slots.sources.some(Boolean)) state.set("sum", slots(arithmetic));
    if (samples.page) state.set("page", samples.page + 1);
    this.models.forEach((view, i) => {
      if (view.data.classes) state.set(`y${i}`, view.label);
      if (view.latents <= MOST_IN_ADDRESS) state.set(`z${i}`, Array.from(view.z, (v) => +v.toFixed(3)).join("_"));
    });
    if (this.chosenTheme) state.set("theme", this.dark ? "dark" : "light");
    return state.toString();
  }

  write() {
    this.written = this.address();
    try {
      history.replaceState(null, "", `#${this.written}`);
    } catch { /* a page inside a notebook has no address of its own */ }
  }

  copyLink() {
    this.write();
    copy(location.href, "Link");
  }

  /** Take the state from the address, as far as it makes sense for these models. */
  restore() {
    const state = new URLSearchParams(location.hash.slice(1));
    const number = (name, most) => {
      const value = Number.parseInt(state.get(name) ?? "", 10);
      return Number.isInteger(value) && value >= 0 && value < most ? value : null;
    };
    const slots = (panel, name) => (state.get(name) ?? "").split("-").forEach((text, i) => {
      const place = Number.parseInt(text, 10);
      if (place >= 0 && place < testImages.count && i < panel.slots.sources.length) panel.slots.put(i, { place });
    });
    const [encode, interpolate, arithmetic, samples] = this.panels;
    slots(encode, "image");
    slots(interpolate, "between");
    slots(arithmetic, "sum");
    if (state.has("at")) interpolate.t.value = clamp(Number(state.get("at")) || 0, 0, 1);
    if (state.get("path") === "spherical") interpolate.path.value = "spherical";
    samples.page = Math.max((number("page", samples.pages + 1) ?? 1) - 1, 0);
    if (["dark", "light"].includes(state.get("theme"))) this.setTheme(state.get("theme"), true);
    const moves = !this.restoreLatents() && testImages.count > 0;
    this.open(number("tab", this.panels.length) ?? 0);
    if (moves && this.tab === 0 && !encode.slots.full) this.choose(0);
    else if (moves) this.panels[this.tab].update(true);
  }

  /** Whether the address had latents. */
  restoreLatents() {
    const state = new URLSearchParams(location.hash.slice(1));
    let had = false;
    this.models.forEach((view, i) => {
      const label = Number.parseInt(state.get(`y${i}`) ?? "", 10);
      if (view.data.classes && label >= -1 && label < view.data.classes.length) view.label = label;
      const z = (state.get(`z${i}`) ?? "").split("_").map(Number);
      if (z.length === view.latents && z.every(Number.isFinite) && state.get(`z${i}`)) {
        view.set(view.isCode ? z.map((v) => clamp(Math.round(v), 0, view.levels - 1)) : z);
        had = true;
      } else this.schedule(view);
    });
    return had;
  }
}

async function start() {
  const app = window.vaezoo = new App();
  app.build();
  app.restoreLatents();
  app.run();
  app.firstDecode = performance.now();
  await testImages.load();
  app.chooser.ready();
  app.restore();
  app.ready = true;
  app.setTheme(document.documentElement.dataset.theme);
}

start().catch((error) => {
  document.getElementById("page").append(el("p", { className: "warn" }, `The page could not start: ${error.message}`));
  throw error;
});
