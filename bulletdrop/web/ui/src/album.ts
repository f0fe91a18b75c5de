// An album as visitors see it: pictures open in place, the next part comes with scrolling.
import { placeholders } from "./tiles";
import { view } from "./viewer";

placeholders(document);

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const tile = target?.closest<HTMLAnchorElement>("a[data-view]");
  if (!tile || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  view(tile);
});

const sight = new IntersectionObserver((seen) => {
  for (const each of seen) if (each.isIntersecting) void more(each.target);
}, { rootMargin: "1200px" });
watchForMore();

function watchForMore(): void {
  const pager = document.querySelector("[data-pager]");
  if (pager) sight.observe(pager);
}

async function more(pager: Element): Promise<void> {
  sight.unobserve(pager);
  const link = pager.querySelector("a");
  const rows = document.querySelector("[data-rows]");
  if (!link || !rows) return;
  try {
    const answer = await fetch(link.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return; // the link stays, and says what is wrong when it is followed
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.querySelector("[data-rows]");
    if (!found) return;
    placeholders(found);
    rows.append(...found.children);
    const next = page.querySelector("[data-pager]");
    if (next) pager.replaceWith(next);
    else pager.remove();
    watchForMore();
  } catch {
    // without a connection the link stays
  }
}
