// Without hover, the first tap on a picture shows what can be done with it, in a sheet within the thumb's reach.
const touching = matchMedia("(hover: none)");
let chosen: HTMLElement | undefined;
let sheet: HTMLElement | undefined;

export function listen(): void {
  document.addEventListener("click", onClick, true);
  document.addEventListener("scroll", leave, { passive: true });
}

function onClick(event: MouseEvent): void {
  const target = event.target instanceof Element ? event.target : null;
  const open = target?.closest<HTMLElement>(".tile-open");
  const tile = open?.closest<HTMLElement>(".tile");
  if (!tile) {
    // An act in the sheet runs first; anything else only closes it.
    if (sheet) window.setTimeout(leave);
    return;
  }
  // A keyboard's Enter is a click too, and opens at once (`detail` counts clicks of a pointer).
  if (!touching.matches || event.detail === 0 || tile === chosen) return;
  event.preventDefault();
  choose(tile);
}

function choose(tile: HTMLElement): void {
  leave();
  const tools = tile.querySelector(".tile-tools");
  if (!tools) return;
  chosen = tile;
  tile.classList.add("chosen");
  sheet = document.createElement("div");
  sheet.className = "touch-sheet";
  sheet.setAttribute("role", "group");
  sheet.setAttribute("aria-label", tile.dataset.name ?? "");
  sheet.append(...tools.cloneNode(true).childNodes);
  tile.closest("main")?.append(sheet);
}

function leave(): void {
  chosen?.classList.remove("chosen");
  sheet?.remove();
  chosen = sheet = undefined;
}
