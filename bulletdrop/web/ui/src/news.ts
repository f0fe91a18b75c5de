// What came from elsewhere while the gallery is open, as the tray's screenshots do: offered, never pushed between.
import htmx from "htmx.org";
import { gallery, tiles } from "./tiles";

const EVERY = 20_000;
// All that has been on this page: what was deleted here, or is just being deleted, is nothing new.
const seen = new Set<string>();
let asking = false;

/** Ask now and then, only while somebody looks. */
export function watch(): void {
  const line = document.querySelector<HTMLElement>("[data-news]");
  const home = gallery();
  if (!line || !home) return;
  note();
  document.addEventListener("visibilitychange", () => void look(home, line));
  window.addEventListener("focus", () => void look(home, line));
  window.setInterval(() => void look(home, line), EVERY);
  line.querySelector("button")?.addEventListener("click", () => void show(home, line));
}

async function look(home: HTMLElement, line: HTMLElement): Promise<void> {
  note();
  // What this page itself uploads falls in by itself.
  if (asking || document.hidden || document.querySelector(".uploads")) return;
  asking = true;
  try {
    const newest = await newestOf(home.dataset.team ?? "");
    note();
    if (!newest || seen.has(newest) || document.querySelector(".uploads")) line.hidden = true;
    else if (tiles().length) line.hidden = false;
    else await show(home, line);
  } finally {
    asking = false;
  }
}

/** The newest drop's id; empty when there is none, or no answer: then the next question may have one. */
async function newestOf(team: string): Promise<string> {
  const path = `/api/v1/uploads?limit=1${team ? `&team=${encodeURIComponent(team)}` : ""}`;
  try {
    const answer = await fetch(path, { headers: { accept: "application/json" } });
    if (!answer.ok) return "";
    return ((await answer.json()) as { items: { id: string }[] }).items[0]?.id ?? "";
  } catch {
    return "";
  }
}

async function show(home: HTMLElement, line: HTMLElement): Promise<void> {
  const hadFocus = line.contains(document.activeElement);
  await htmx.ajax("GET", home.dataset.home ?? "/", { target: home, swap: "innerHTML" });
  note();
  line.hidden = true;
  window.scrollTo({ top: 0 });
  if (hadFocus) tiles()[0]?.querySelector<HTMLElement>(".tile-open")?.focus();
}

function note(): void {
  for (const tile of tiles()) seen.add(tile.dataset.id ?? "");
}
