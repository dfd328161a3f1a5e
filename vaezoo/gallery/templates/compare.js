"use strict";
// Two entries side by side, from the data in the page. Texts are set as texts, never as HTML.

const entries = JSON.parse(document.getElementById("data").textContent);
const form = document.getElementById("choice");
const result = document.getElementById("result");

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
const minus = (text) => text.replace("-", "−");

const table = (head, rows) => {
  const cells = (tag, row) => row.map(([text, kind]) => element(tag, kind ? { class: kind } : {}, text));
  return element("div", { class: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, ...cells("th", head))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells("td", row))))));
};

// The facts of the protocol in which two figures differ.
const differing = (one, other) => {
  const found = one.protocol.filter(([, text], index) => text !== other.protocol[index][1])
    .map(([name]) => name);
  return one.unit === other.unit ? found : [...found, "unit"];
};

const difference = (one, other) => {
  if (!one || !other) return ["only one has it", "quiet"];
  const reasons = differing(one, other);
  if (reasons.length) return [`not comparable: other ${reasons.join(", ")}`, "quiet"];
  if (one.value === null || other.value === null) return ["–", "r quiet"];
  const gap = other.value - one.value;
  const sign = gap > 0 ? "+" : "";
  if (one.error === null || other.error === null) {
    return [minus(`${sign}${Number(gap.toPrecision(4))}`), "r"];
  }
  const error = Math.hypot(one.error, other.error);
  const decimals = error > 0 ? Math.min(8, Math.max(2, 1 - Math.floor(Math.log10(error)))) : 2;
  return [minus(`${sign}${gap.toFixed(decimals)} ± ${error.toFixed(decimals)}`), "r"];
};

const figures = (a, b) => {
  const find = (entry, name) => entry.figures.find((figure) => figure.name === name);
  const names = [...new Set([...a.figures, ...b.figures].map((figure) => figure.name))];
  return table([["figure"], [a.name, "r"], [b.name, "r"], ["second − first", "r"], ["better"]],
    names.map((name) => {
      const [one, other] = [find(a, name), find(b, name)];
      const any = one ?? other;
      const better = any.better === null || any.better === "neither" ? "–" : any.better;
      return [[`${name.split("/")[0]} ${any.label}`], [one ? one.text : "–", "r"],
        [other ? other.text : "–", "r"], difference(one, other), [better, "quiet"]];
    }));
};

const settings = (a, b) => {
  const [one, other] = [new Map(a.settings), new Map(b.settings)];
  const keys = [...new Set([...one.keys(), ...other.keys()])]
    .filter((key) => one.get(key) !== other.get(key));
  if (!keys.length) return element("p", {}, "Their specs are equal.");
  return table([["setting"], [a.name], [b.name]],
    keys.map((key) => [[key], [one.get(key) ?? "–"], [other.get(key) ?? "–"]]));
};

const pictures = (a, b) => {
  const titles = [...new Set([...a.pictures, ...b.pictures].map(([title]) => title))];
  const side = (entry, wanted) => {
    const found = entry.pictures.find(([title]) => title === wanted);
    if (!found) return element("p", { class: "quiet" }, "–");
    const [title, src, width, height] = found;
    return element("figure", { class: "paper" }, element("img", {
      src, width, height, loading: "lazy", alt: `${title} of ${entry.name}` }));
  };
  return titles.map((title) => element("div", {}, element("h3", {}, title),
    element("div", { class: "pair" }, side(a, title), side(b, title))));
};

const show = () => {
  const [a, b] = ["a", "b"].map((key) => entries.find((one) => one.slug === form.elements[key].value));
  result.replaceChildren();
  if (!a || !b) return;
  const heads = [a, b].map((entry) => element("div", {},
    element("h2", {}, element("a", { href: entry.page }, entry.name)), element("p", {}, entry.summary)));
  result.append(element("div", { class: "pair" }, ...heads),
    element("h2", {}, "Figures"), figures(a, b),
    element("p", { class: "quiet" }, "Standard errors of differences are those of independent means. " +
      "On the same images the true error is smaller: 'vaezoo report FIRST SECOND' pairs the images."),
    element("h2", {}, "Differences of the specs"), settings(a, b),
    element("h2", {}, "Pictures"), ...pictures(a, b));
};

const remember = () => {
  history.replaceState(null, "", `#a=${form.elements.a.value}&b=${form.elements.b.value}`);
  show();
};

const restore = () => {
  const state = new URLSearchParams(location.hash.slice(1));
  ["a", "b"].forEach((key, index) => {
    const known = entries.some((one) => one.slug === state.get(key));
    const other = entries.find((one) => one.slug !== form.elements.a.value) ?? entries[0];
    const start = index === 0 ? entries[0] : other;
    form.elements[key].value = known ? state.get(key) : start ? start.slug : "";
  });
  show();
};

form.hidden = false;
form.addEventListener("input", remember);
document.getElementById("swap").addEventListener("click", () => {
  [form.elements.a.value, form.elements.b.value] = [form.elements.b.value, form.elements.a.value];
  remember();
});
window.addEventListener("hashchange", restore);
restore();
