// The keyboard on the gallery. Single keys can be switched off (WCAG 2.1.4); arrows work only on the pictures.
import { trash } from "./deleting";
import { takeOffer } from "./said";
import { tiles } from "./tiles";

const SWITCH = "bulletdrop.keys";
const dialog = document.querySelector<HTMLDialogElement>("#keys");
const box = document.querySelector<HTMLInputElement>("[data-keys-on]");

export function listen(pick: () => void): void {
  if (box) {
    box.checked = localStorage.getItem(SWITCH) !== "off";
    box.addEventListener("change", () => localStorage.setItem(SWITCH, box.checked ? "on" : "off"));
  }
  for (const button of document.querySelectorAll<HTMLElement>("[data-show-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => dialog?.showModal());
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") || isField(event.target)) return;
    const tile = document.activeElement?.closest<HTMLElement>(".tile");
    if (move(event.key, tile) || (tile && onTile(event.key, tile)) || anywhere(event.key, pick)) event.preventDefault();
  });
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

function onTile(key: string, tile: HTMLElement): boolean {
  if (key === "Delete" || key === "Backspace") {
    // Without the button it is not this reader's to delete.
    if (tile.querySelector("[data-trash]")) void trash(tile);
    return true;
  }
  if (key.toLowerCase() !== "c" || !box?.checked) return false;
  tile.querySelector<HTMLElement>("[data-copy]")?.click();
  return true;
}

function anywhere(key: string, pick: () => void): boolean {
  if (!box?.checked) return false;
  if (key === "u") pick();
  else if (key === "?") dialog?.showModal();
  else if (key === "z") return takeOffer();
  else return false;
  return true;
}

function move(key: string, from: HTMLElement | null | undefined): boolean {
  if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(key)) return false;
  const all = tiles();
  if (!from) {
    // From nowhere, the arrows enter the gallery; elsewhere on the page they keep on scrolling.
    if (document.activeElement !== document.body || key === "ArrowUp" || key === "ArrowLeft") return false;
    return focus(all[0]);
  }
  const at = all.indexOf(from);
  if (key === "ArrowLeft") return focus(all[at - 1]);
  if (key === "ArrowRight") return focus(all[at + 1]);
  return focus(nearest(all, from, key === "ArrowDown" ? 1 : -1));
}

/** The tile in the next row up or down whose middle is nearest. */
function nearest(all: HTMLElement[], from: HTMLElement, way: 1 | -1): HTMLElement | undefined {
  const box = from.getBoundingClientRect();
  const middle = box.left + box.width / 2;
  let row: number | undefined;
  let best: HTMLElement | undefined;
  let distance = Infinity;
  const ordered = way === 1 ? all.slice(all.indexOf(from) + 1) : all.slice(0, all.indexOf(from)).reverse();
  for (const tile of ordered) {
    const other = tile.getBoundingClientRect();
    if (Math.abs(other.top - box.top) < 4) continue;
    row ??= other.top;
    if (Math.abs(other.top - row) > 4) break;
    const away = Math.abs(other.left + other.width / 2 - middle);
    if (away < distance) [best, distance] = [tile, away];
  }
  return best;
}

function focus(tile: HTMLElement | undefined): boolean {
  const open = tile?.querySelector<HTMLElement>(".tile-open");
  if (!open) return false;
  open.focus({ preventScroll: true });
  open.scrollIntoView({ block: "nearest" });
  return true;
}
