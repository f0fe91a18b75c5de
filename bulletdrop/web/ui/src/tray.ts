// The tray's own page: it follows what the tray does while somebody looks, and closes its menus.

const LIVE = "[data-live]";
// Milliseconds between two looks: sooner while something is on its way.
const SOON = 700;
const LATER = 2500;

let tag = "";
let timer = 0;
/** What the tray last said of each part, to tell its changes from what the reader has opened or typed. */
const known = new Map<string, string>();

for (const part of document.querySelectorAll(LIVE)) remember(part);
follow();
document.addEventListener("visibilitychange", follow);
document.addEventListener("click", (event) => close((menu) => !(event.target instanceof Node && menu.contains(event.target))));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector<HTMLDetailsElement>("details.menu[open]");
  close(() => true);
  open?.querySelector("summary")?.focus();
});
// A thumbnail that cannot be made leaves the drawing behind it. (An error that came before this script is seen, too.)
document.addEventListener("error", (event) => event.target instanceof HTMLImageElement && event.target.remove(), true);
for (const image of document.images) if (image.complete && !image.naturalWidth && image.loading !== "lazy") image.remove();

// A file that is brought in is only read: its text is what is sent.
document.addEventListener("change", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || !field.dataset.into) return;
  const into = document.getElementById(field.dataset.into);
  const file = field.files?.[0];
  if (file && into instanceof HTMLTextAreaElement && file.size < 200_000) void file.text().then((text) => (into.value = text));
});

function close(which: (menu: HTMLDetailsElement) => boolean): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) if (which(menu)) menu.open = false;
}

function follow(): void {
  window.clearTimeout(timer);
  if (document.visibilityState === "visible") void look();
}

async function look(): Promise<void> {
  let pause = LATER;
  try {
    const headers: Record<string, string> = { "x-live": "1" };
    if (tag) headers["if-none-match"] = tag;
    const answer = await fetch(location.href, { headers });
    if (answer.status === 200) {
      tag = answer.headers.get("etag") ?? "";
      take(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } else if (answer.status === 401) {
      // The tray has ended or was started anew: the page says so itself.
      location.reload();
      return;
    }
    if (document.querySelector(".tray-state.working, [data-waiting]")) pause = SOON;
  } catch {
    document.querySelector(".tray-state")?.classList.add("away");
  }
  window.clearTimeout(timer);
  if (document.visibilityState === "visible") timer = window.setTimeout(() => void look(), pause);
}

function take(fresh: Document): void {
  for (const part of document.querySelectorAll<HTMLElement>(LIVE)) {
    const next = fresh.getElementById(part.id);
    if (!next || known.get(part.id) === next.outerHTML) continue;
    const list = part.querySelector(":scope > ul, :scope > section > ul");
    const nextList = next.querySelector(":scope > ul, :scope > section > ul");
    if (list && nextList) takeList(list, nextList);
    else replace(part, next);
    remember(next);
  }
}

/** Only the entries that changed, so that nothing jumps under the pointer and no picture flickers. */
function takeList(list: Element, next: Element): void {
  let before: Element | null = list.firstElementChild;
  const wanted = new Set([...next.children].map((entry) => entry.id));
  for (const entry of [...list.children]) {
    if (wanted.has(entry.id)) continue;
    if (entry === before) before = entry.nextElementSibling;
    entry.remove();
  }
  for (const entry of [...next.children]) {
    const here = document.getElementById(entry.id);
    const html = entry.outerHTML;
    if (here && here.parentElement === list) {
      if (here === before) before = here.nextElementSibling;
      else list.insertBefore(here, before);
      if (known.get(entry.id) !== html) replace(here, entry);
    } else {
      here?.remove();
      list.insertBefore(document.importNode(entry, true), before);
    }
    known.set(entry.id, html);
  }
}

/** Exchange one part; what the reader has opened stays open, and the focus stays on the same act. */
function replace(here: Element, next: Element): void {
  const made = document.importNode(next, true) as Element;
  for (const open of here.querySelectorAll<HTMLDetailsElement>("details[open][data-key]")) {
    const same = made.querySelector<HTMLDetailsElement>(`details[data-key="${open.dataset.key}"]`);
    if (same) same.open = true;
  }
  const image = here.querySelector("img");
  const newImage = made.querySelector("img");
  if (image && newImage && image.src === newImage.src) newImage.replaceWith(image);
  const focused = here.contains(document.activeElement) ? document.activeElement : null;
  here.replaceWith(made);
  if (!(focused instanceof HTMLElement)) return;
  const same = focused.dataset.act ? made.querySelector<HTMLElement>(`[data-act="${focused.dataset.act}"]`) : null;
  const summary = focused.closest<HTMLElement>("details")?.dataset.key;
  (same ?? (summary ? made.querySelector<HTMLElement>(`details[data-key="${summary}"] > summary`) : null) ?? made.querySelector<HTMLElement>("a, button, summary"))?.focus({ preventScroll: true });
}

function remember(part: Element): void {
  known.set(part.id, part.outerHTML);
  for (const entry of part.querySelectorAll("li[id]")) known.set(entry.id, entry.outerHTML);
}
