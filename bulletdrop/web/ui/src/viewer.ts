// One picture of an album over the page: back and forth with arrows or fingers, away with Escape.

let dialog: HTMLDialogElement | undefined;
let stage: HTMLElement;
let count: HTMLElement;
let shown: HTMLAnchorElement | undefined;

/** Show what a tile stands for. */
export function view(tile: HTMLAnchorElement): void {
  dialog ??= make();
  show(tile);
  if (!dialog.open) dialog.showModal();
}

function all(): HTMLAnchorElement[] {
  return [...document.querySelectorAll<HTMLAnchorElement>("a[data-view]")];
}

function step(by: number): void {
  const tiles = all();
  const next = shown && tiles[tiles.indexOf(shown) + by];
  if (next) show(next);
}

function show(tile: HTMLAnchorElement): void {
  shown = tile;
  const tiles = all();
  const at = tiles.indexOf(tile);
  stage.replaceChildren(tile.dataset.view === "film" ? film(tile) : picture(tile));
  count.textContent = `${at + 1} of ${tiles.length}`;
  for (const [name, last] of [["back", 0], ["on", tiles.length - 1]] as const) {
    const button = dialog?.querySelector<HTMLButtonElement>(`[data-${name}]`);
    if (button) button.disabled = at === last;
  }
}

function picture(tile: HTMLAnchorElement): HTMLElement {
  const image = document.createElement("img");
  if (tile.dataset.srcset) {
    image.sizes = "100vw";
    image.srcset = tile.dataset.srcset;
  }
  image.src = tile.href;
  image.alt = tile.title;
  return image;
}

function film(tile: HTMLAnchorElement): HTMLElement {
  const video = document.createElement("video");
  video.src = tile.href;
  video.controls = true;
  video.setAttribute("aria-label", tile.title);
  return video;
}

function make(): HTMLDialogElement {
  const made = document.createElement("dialog");
  made.className = "viewer";
  made.setAttribute("aria-label", "One file of the album");
  const bar = document.createElement("div");
  bar.className = "viewer-bar";
  count = document.createElement("p");
  count.setAttribute("aria-live", "polite");
  stage = document.createElement("div");
  stage.className = "viewer-stage";
  bar.append(
    button("Previous", "back", () => step(-1)),
    count,
    button("Next", "on", () => step(1)),
    button("Close", "away", () => made.close()),
  );
  made.append(stage, bar);
  made.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLVideoElement) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  made.addEventListener("close", () => {
    stage.replaceChildren();
    shown?.focus({ preventScroll: false });
  });
  stage.addEventListener("click", (event) => {
    if (event.target === stage) made.close();
  });
  swipes(stage);
  document.body.append(made);
  return made;
}

function button(words: string, name: string, run: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button quiet";
  made.textContent = words;
  made.setAttribute(`data-${name}`, "");
  made.addEventListener("click", run);
  return made;
}

function swipes(place: HTMLElement): void {
  let from: number | undefined;
  place.addEventListener("touchstart", (event) => (from = event.touches.length === 1 ? event.touches[0]?.clientX : undefined), { passive: true });
  place.addEventListener("touchend", (event) => {
    const to = event.changedTouches[0]?.clientX;
    if (from === undefined || to === undefined || Math.abs(to - from) < 60) return;
    step(to < from ? 1 : -1);
    from = undefined;
  });
}
