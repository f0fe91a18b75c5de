// Lists that answer while one types: the page is asked again, and only its results are exchanged.

const RESULTS = "[data-results]";
let asking: AbortController | undefined;

/** Watch the filter form and the More links. */
export function listen(): void {
  let timer = 0;
  const form = document.querySelector<HTMLFormElement>("form[data-filters]");
  form?.addEventListener("input", (event) => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void filter(form), event.target instanceof HTMLSelectElement ? 0 : 250);
  });
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    window.clearTimeout(timer);
    void filter(form);
  });
  // On a slow line somebody has typed before this script came.
  const fields = form?.querySelectorAll("input") ?? [];
  if (form && [...fields].some((field) => field.value !== field.defaultValue)) void filter(form);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("[data-pager] a") : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void more(link);
  });
}

async function filter(form: HTMLFormElement): Promise<void> {
  const address = new URL(form.action);
  for (const [name, value] of new FormData(form)) if (value !== "") address.searchParams.set(name, String(value));
  const here = document.querySelector(RESULTS);
  const there = (await pageAt(address.href))?.querySelector(RESULTS);
  if (!there) return;
  here?.replaceWith(there);
  history.replaceState(null, "", address);
  const said = form.querySelector("[data-filters-said]");
  if (said) said.textContent = there.querySelector("[data-count], h2")?.textContent ?? "";
}

async function more(link: HTMLAnchorElement): Promise<void> {
  const here = link.closest(RESULTS) ?? document;
  const rows = here.querySelector("[data-rows]");
  const page = await pageAt(link.href);
  const found = page?.querySelector("[data-rows]");
  if (!page || !rows || !found) return;
  const first = found.querySelector<HTMLElement>("a, button");
  rows.append(...found.children);
  const pager = page.querySelector("[data-pager]");
  if (pager) link.closest("[data-pager]")?.replaceWith(pager);
  else link.closest("[data-pager]")?.remove();
  first?.focus({ preventScroll: true });
}

/** Another page's document; undefined when it was overtaken. On any trouble the browser goes there itself. */
async function pageAt(address: string): Promise<Document | undefined> {
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(address, { headers: { accept: "text/html" }, signal: asking.signal });
    if (answer.ok && !answer.redirected) return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return undefined;
  }
  location.assign(address);
  return undefined;
}
