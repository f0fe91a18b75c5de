// A link whose bytes are on their way: when they come, the drop's page takes this one's place, without a reload.

/** How long to wait before looking again where the server cannot tell us, in milliseconds. */
const AGAIN = 5000;
/** The longest that a picture is waited for before its page is shown, in milliseconds. */
const DECODE = 4000;

const main = document.querySelector<HTMLElement>("main[data-arriving]");
const address = main?.dataset.arriving;
if (address) listen(address);

function listen(address: string): void {
  const source = new EventSource(address);
  const look = (): void => {
    source.close();
    void turn();
  };
  source.addEventListener("arrived", look);
  source.addEventListener("ended", look);
  source.addEventListener("error", () => {
    // While it is connecting the browser tries again by itself. Closed means that too many wait, or that this is over.
    if (source.readyState === EventSource.CLOSED) window.setTimeout(look, AGAIN);
  });
  // A page that is kept for the way back holds no place; when somebody comes back, it looks.
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) look();
  });
}

/** Ask for this address again, and show what it has become. */
async function turn(): Promise<void> {
  let page: Document | undefined;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    // Busy, or starting anew: what it says then is no news of this link.
    if (answer.status >= 500 || answer.status === 429) throw new Error(`${answer.status}`);
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.redirected) return location.replace(answer.url);
  } catch {
    window.setTimeout(() => void turn(), AGAIN);
    return;
  }
  const found = page.querySelector<HTMLElement>("#main");
  const here = document.querySelector<HTMLElement>("#main");
  if (!found || !here) return location.reload();
  if (found.dataset.arriving) return listenLater(found.dataset.arriving);
  await ready(found);
  await swap(here, found, page);
}

function listenLater(address: string): void {
  window.setTimeout(() => listen(address), AGAIN);
}

/** The picture first: the page must not come empty, to fill a moment later. */
async function ready(found: HTMLElement): Promise<void> {
  const shown = found.querySelector<HTMLImageElement>(".stage-picture img");
  if (!shown) return;
  const ahead = new Image();
  ahead.sizes = shown.sizes;
  ahead.srcset = shown.srcset;
  ahead.src = shown.getAttribute("src") ?? "";
  const late = new Promise<void>((resolve) => window.setTimeout(resolve, DECODE));
  await Promise.race([ahead.decode().catch(() => undefined), late]);
}

async function swap(here: HTMLElement, found: HTMLElement, page: Document): Promise<void> {
  const had = here.contains(document.activeElement);
  document.title = page.title;
  found.classList.add("has-arrived");
  here.replaceWith(document.adoptNode(found));
  if (had) found.focus({ preventScroll: true });
  for (const script of page.querySelectorAll<HTMLScriptElement>("script[type=module][src]")) {
    const path = script.getAttribute("src") ?? "";
    if (!document.querySelector(`script[src="${CSS.escape(path)}"]`)) await import(path).catch(() => undefined);
  }
  const said = document.querySelector(".toasts");
  const heading = found.querySelector("h1, h2")?.textContent?.trim();
  if (said && heading) {
    const line = document.createElement("span");
    line.className = "unseen";
    line.textContent = page.title;
    said.append(line);
    window.setTimeout(() => line.remove(), DECODE);
  }
}
