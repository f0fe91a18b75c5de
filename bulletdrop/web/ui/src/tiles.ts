// The pictures on the gallery: placeholders, coming, going, moving aside.
import { thumbHashToDataURL } from "thumbhash";

const still = matchMedia("(prefers-reduced-motion: reduce)");

export function gallery(): HTMLElement | null {
  return document.querySelector<HTMLElement>("[data-gallery]");
}

export function tiles(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(".gallery .tile")];
}

/** Show the ThumbHash of every picture below `root` that has not arrived yet. */
export function placeholders(root: ParentNode): void {
  for (const open of root.querySelectorAll<HTMLElement>(".tile-open[data-hash]")) {
    const image = open.querySelector("img");
    const hash = open.dataset.hash;
    delete open.dataset.hash;
    if (!hash || !image || (image.complete && image.naturalWidth)) continue;
    try {
      const bytes = Uint8Array.from(atob(hash), (letter) => letter.charCodeAt(0));
      open.style.backgroundImage = `url(${thumbHashToDataURL(bytes)})`;
    } catch {
      continue; // the plain ground does as well
    }
    // Gone once the picture is there: a transparent one would let it shine through.
    image.addEventListener("load", () => (open.style.backgroundImage = ""), { once: true });
  }
}

/** Let a new tile fall into today's row; the others move aside. */
export function land(tile: HTMLElement, day: { date: string; heading: HTMLElement }): void {
  const home = gallery();
  if (!home) return;
  moveAside(() => {
    let section = home.querySelector<HTMLElement>(".day");
    if (section?.dataset.day !== day.date) {
      section = newDay(day);
      home.prepend(section);
    }
    section.querySelector(".row")?.prepend(tile);
    tile.classList.add("lands");
    tile.addEventListener("animationend", () => tile.classList.remove("lands"), { once: true });
  }, tile);
  showEmptiness();
}

/** Take a tile out. Returns what puts it back where it was. */
export function lift(tile: HTMLElement): () => void {
  const row = tile.parentElement;
  const section = tile.closest<HTMLElement>(".day");
  const next = tile.nextElementSibling;
  const after = section?.nextElementSibling ?? null;
  moveAside(() => {
    tile.remove();
    if (section && !section.querySelector(".tile")) section.remove();
  });
  showEmptiness();
  return () => {
    moveAside(() => {
      if (section && !section.isConnected) gallery()?.insertBefore(section, after?.isConnected ? after : null);
      if (next?.parentElement === row) row?.insertBefore(tile, next);
      else row?.append(tile);
    }, tile);
    showEmptiness();
  };
}

/** Two pages may meet in the middle of a day: then the second half joins the first. */
export function joinDays(): void {
  let before: HTMLElement | undefined;
  for (const section of document.querySelectorAll<HTMLElement>(".gallery .day")) {
    if (before && before.dataset.day === section.dataset.day) {
      before.querySelector(".row")?.append(...section.querySelectorAll(".tile"));
      section.remove();
    } else {
      before = section;
    }
  }
}

export function showEmptiness(): void {
  const empty = document.querySelector<HTMLElement>("[data-empty]");
  if (empty) empty.hidden = tiles().length > 0 || document.querySelector(".more") !== null;
}

function newDay(day: { date: string; heading: HTMLElement }): HTMLElement {
  const section = document.createElement("section");
  section.className = "day";
  section.dataset.day = day.date;
  section.setAttribute("aria-labelledby", day.heading.id);
  const row = document.createElement("ul");
  row.className = "row";
  section.append(day.heading, row);
  return section;
}

/** Change the gallery and let the tiles on screen glide from where they were to where they are. */
function moveAside(change: () => void, except?: HTMLElement): void {
  const near = tiles().filter((tile) => tile !== except && isNear(tile));
  const before = new Map(near.map((tile) => [tile, tile.getBoundingClientRect()]));
  change();
  if (still.matches) return;
  for (const [tile, was] of before) {
    if (!tile.isConnected) continue;
    const is = tile.getBoundingClientRect();
    const x = was.left - is.left;
    const y = was.top - is.top;
    if (!x && !y) continue;
    // Along its row a picture glides; one that changes rows would fly across all others, so it only fades in.
    const from = Math.abs(y) < 8 ? { transform: `translate(${x}px, ${y}px)` } : { opacity: 0.2 };
    tile.animate([from, {}], { duration: 180, easing: "cubic-bezier(0.2, 0.7, 0.3, 1)" });
  }
}

function isNear(tile: HTMLElement): boolean {
  const box = tile.getBoundingClientRect();
  return box.bottom > -innerHeight && box.top < 2 * innerHeight;
}
