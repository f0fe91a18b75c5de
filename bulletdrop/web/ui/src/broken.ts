// Pictures that do not come: withdrawn meanwhile, or the server is busy making their thumbnail.
import { placeholders } from "./tiles";

const TRIES = 4;
const tried = new WeakMap<Element, number>();

/** Watch every picture on the page, also those that come later; and those that failed before this script ran. */
export function watch(): void {
  document.addEventListener("error", (event) => void onError(event.target), true);
  for (const image of document.images) {
    if (image.complete && !image.naturalWidth && image.getAttribute("src")) void onError(image);
  }
}

async function onError(target: EventTarget | null): Promise<void> {
  if (!(target instanceof HTMLImageElement)) return;
  const place = target.closest<HTMLElement>(".tile, .stage");
  if (!place) return;
  const times = (tried.get(place) ?? 0) + 1;
  if (times > TRIES) return;
  // At once for the first time, then 1, 4 and 9 seconds later.
  await new Promise((resume) => window.setTimeout(resume, 1000 * (times - 1) ** 2));
  const found = await again(place);
  if (!found || !place.isConnected) return;
  tried.set(found, times);
  place.replaceWith(found);
  placeholders(found);
}

/** What the server says now about this place of the page. */
async function again(place: HTMLElement): Promise<HTMLElement | null> {
  const isTile = place.matches(".tile");
  const path = isTile ? `/?only=${encodeURIComponent(place.dataset.id ?? "")}` : location.pathname;
  try {
    const response = await fetch(path, { headers: { accept: "text/html" } });
    if (!response.ok) return null;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = page.querySelector<HTMLElement>(isTile ? ".tile" : ".stage");
    return found && document.adoptNode(found);
  } catch {
    return null;
  }
}
