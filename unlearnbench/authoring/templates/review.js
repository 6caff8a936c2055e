"use strict";
// Decisions about doubtful paraphrases. They are kept in this browser and leave it only as the
// table that is downloaded, which has the same bytes as the program would write.
const data = JSON.parse(document.getElementById("data").textContent);
const at = Object.fromEntries(data.columns.map((name, i) => [name, i]));
const store = `unlearnbench-review-${data.name}`;
const cards = [...document.querySelectorAll(".row")];
const by = document.getElementById("by");
let decided = data.rows.map(() => ({ choice: "", text: "" }));
let saved = true;

const line = (text) => text.split(/\s+/u).filter(Boolean).join(" ");
const mends = (n) => line(decided[n].text) !== "" && line(decided[n].text) !== line(data.texts[n]);
const isDecided = (n) => decided[n].choice !== "" && (decided[n].choice !== "mend" || mends(n));

// A cell that a spreadsheet program would run as a formula; the same as in cells.py.
const FORMULA = /(?:^|(?<=[;\t\r\n]))(?='*[ \u00a0\u2000-\u200a\u3000]*[=+@＝＋＠\-－\t\r])/gu;
const quoted = (text) => `"${text.replace(FORMULA, "'").replaceAll('"', '""')}"`;

function table() {
  const rows = data.rows.map((cells, n) => {
    if (!isDecided(n)) return cells;
    const own = [...cells];
    own[at.decision] = decided[n].choice;
    own[at.text] = decided[n].choice === "mend" ? line(decided[n].text) : "";
    own[at.by] = line(by.value);
    return own;
  });
  return "\ufeff" + [data.columns, ...rows].map((r) => r.map(quoted).join(",") + "\r\n").join("");
}

function keep() {
  try {
    localStorage.setItem(store, JSON.stringify({ decided, by: by.value }));
  } catch {
    // Without a store decisions last as long as the page.
  }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(store));
    if (kept?.decided.length === decided.length) {
      decided = kept.decided;
      by.value = kept.by;
    }
  } catch {
    // Nothing usable is kept.
  }
}

function show(n) {
  const card = cards[n];
  const { choice, text } = decided[n];
  for (const radio of card.querySelectorAll("input")) radio.checked = radio.value === choice;
  const area = card.querySelector("textarea");
  if (area.value !== text) area.value = text;
  area.parentElement.hidden = choice !== "mend";
  card.querySelector(".lacks").hidden = choice !== "mend" || mends(n);
  card.querySelector(".undo").hidden = choice === "";
  card.dataset.choice = isDecided(n) ? choice : "";
}

function count() {
  const ways = { accept: 0, strike: 0, mend: 0 };
  decided.forEach((one, n) => { if (isDecided(n)) ways[one.choice] += 1; });
  const done = ways.accept + ways.strike + ways.mend;
  document.getElementById("progress").value = done;
  const told = `${ways.accept} accepted, ${ways.strike} struck, ${ways.mend} mended`;
  document.getElementById("count").textContent = `${done} of ${decided.length} decided: ${told}`;
  document.getElementById("next").disabled = done === decided.length;
}

function decide(n, choice) {
  const allowed = choice === "" || !cards[n].querySelector(`input[value=${choice}]`).disabled;
  if (!allowed) return false;
  decided[n].choice = choice;
  if (choice === "mend" && decided[n].text === "") decided[n].text = line(data.texts[n]);
  saved = false;
  keep();
  show(n);
  count();
  if (choice === "mend") cards[n].querySelector("textarea").focus();
  return true;
}

function go(n) {
  if (n < 0 || n >= cards.length) return;
  cards[n].focus({ preventScroll: true });
  cards[n].scrollIntoView({ block: "center" });
}

function goOn(n) {
  const order = decided.map((_, i) => (n + 1 + i) % decided.length);
  const open = order.find((i) => !isDecided(i));
  if (open === undefined) document.getElementById("save").focus();
  else go(open);
}

function key(event, n) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const area = event.target.closest("textarea");
  if (area && (event.key === "Enter" || event.key === "Escape") && !event.isComposing) {
    event.preventDefault();
    if (event.key === "Enter" && mends(n)) goOn(n);
    else if (event.key === "Escape") go(n);
    return;
  }
  if (area) return;
  const choice = { a: "accept", s: "strike", m: "mend", u: "" }[event.key.toLowerCase()];
  const step = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (choice === undefined && step === undefined) return;
  event.preventDefault();
  if (step !== undefined) go(n + step);
  else if (decide(n, choice) && (choice === "accept" || choice === "strike")) goOn(n);
}

cards.forEach((card, n) => {
  card.addEventListener("keydown", (event) => key(event, n));
  card.querySelector("fieldset").addEventListener("change", (e) => decide(n, e.target.value));
  card.querySelector(".undo").addEventListener("click", () => { decide(n, ""); go(n); });
  card.querySelector("textarea").addEventListener("input", (event) => {
    decided[n].text = event.target.value;
    saved = false;
    keep();
    show(n);
    count();
  });
});
by.addEventListener("input", () => { saved = false; keep(); });
document.getElementById("next").addEventListener("click", () => goOn(-1));
document.getElementById("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
  link.download = "review.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  saved = true;
});
addEventListener("beforeunload", (event) => { if (!saved) event.preventDefault(); });

recall();
for (const part of document.querySelectorAll(".scripted")) part.hidden = false;
cards.forEach((card, n) => { card.tabIndex = 0; show(n); });
count();
