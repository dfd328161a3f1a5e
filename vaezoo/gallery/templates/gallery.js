"use strict";
// Filters on the wall, and buttons that copy a line. Pages work without this file.

for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

const form = document.getElementById("filters");
if (form) {
  const cards = [...document.querySelectorAll(".card")];
  const marked = [...document.querySelectorAll("a.dot, .ranking tr[data-slug]")];

  // name, summary and properties, without the figures
  const text = (card) => [...card.querySelectorAll("h2, .summary, .meta")]
    .map((one) => one.textContent).join(" ").toLowerCase();

  const has = (card, key, value) =>
    key === "family" ? JSON.parse(card.dataset.family).includes(value)
    : key === "q" ? value.toLowerCase().split(/\s+/).every(
        (word) => text(card).includes(word))
    : card.dataset[key] === value;

  const apply = () => {
    const wanted = [...new FormData(form)].filter(([, value]) => value.trim());
    const shown = new Set();
    for (const card of cards) {
      card.hidden = !wanted.every(([key, value]) => has(card, key, value.trim()));
      if (!card.hidden) shown.add(card.dataset.slug);
    }
    for (const one of marked) one.classList.toggle("dim", !shown.has(one.dataset.slug));
    document.getElementById("count").textContent = `${shown.size} of ${cards.length}`;
    document.getElementById("nothing").hidden = shown.size > 0;
    return wanted;
  };

  const remember = () => {
    const state = new URLSearchParams(apply()).toString();
    history.replaceState(null, "", state ? `#${state}` : location.pathname + location.search);
  };

  const restore = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const field of form.elements) {
      if (!field.name) continue;
      const value = state.get(field.name) ?? "";
      const known = field.tagName !== "SELECT" || [...field.options].some((o) => o.value === value);
      field.value = known ? value : "";
    }
    apply();
  };

  form.hidden = false;
  form.addEventListener("input", remember);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(remember));
  window.addEventListener("hashchange", () => { if (location.hash.includes("=")) restore(); });
  restore();
}
