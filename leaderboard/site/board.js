// Sorting and filtering for those who have JavaScript; the state stands in the address.
"use strict";

const state = new URLSearchParams(location.search);

function remember() {
  const query = state.toString();
  history.replaceState(null, "", location.pathname + (query ? "?" + query : "") + location.hash);
}

function value(row, column, kind) {
  const cell = row.cells[column];
  return kind === "number" ? Number(cell.dataset.value ?? cell.textContent) : cell.textContent.trim().toLowerCase();
}

function sort(table, column, direction) {
  const head = table.tHead.rows[0].cells;
  const kind = head[column].dataset.sort;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  rows.sort((a, b) => {
    const [x, y] = [value(a, column, kind), value(b, column, kind)];
    return (x < y ? -1 : x > y ? 1 : 0) * (direction === "descending" ? -1 : 1);
  });
  body.append(...rows);
  for (const [i, cell] of [...head].entries()) {
    if (i === column) cell.setAttribute("aria-sort", direction);
    else cell.removeAttribute("aria-sort");
  }
}

function prepare(table) {
  const name = table.dataset.filter;
  for (const [column, cell] of [...table.tHead.rows[0].cells].entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = cell.textContent;
    cell.replaceChildren(button);
    button.addEventListener("click", () => {
      const direction = cell.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      sort(table, column, direction);
      state.set("sort." + name, column + "." + direction);
      remember();
    });
  }
  const [column, direction] = (state.get("sort." + name) ?? "").split(".");
  if (table.tHead.rows[0].cells[column] && ["ascending", "descending"].includes(direction)) {
    sort(table, Number(column), direction);
  }
}

function prepareFilter(input) {
  const name = input.dataset.for;
  const table = document.querySelector(`table[data-filter="${CSS.escape(name)}"]`);
  const told = input.closest("p").querySelector("output");
  const apply = () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    told.textContent = wanted ? `${shown} of ${table.tBodies[0].rows.length} rows` : "";
  };
  input.closest("p").hidden = false;
  input.value = state.get("q." + name) ?? "";
  input.addEventListener("input", () => {
    if (input.value) state.set("q." + name, input.value);
    else state.delete("q." + name);
    remember();
    apply();
  });
  apply();
}

document.querySelectorAll("table.board").forEach(prepare);
document.querySelectorAll("input[data-for]").forEach(prepareFilter);
