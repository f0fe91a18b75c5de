// On every page: copy buttons, the menu, the reader's time zone.
import { copy } from "./copy";
import { say } from "./said";

// The server writes dates; this tells it in which zone the reader lives.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `bd_zone=${encodeURIComponent(zone).replaceAll("%2F", "/")}; path=/; max-age=31536000; samesite=lax`;

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const button = target?.closest<HTMLElement>("[data-copy]");
  if (button) {
    event.preventDefault();
    void copyAndSay(button.dataset.copy ?? "", button.dataset.copied);
  }
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (!target || !menu.contains(target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
});

// A link field is there to be taken: one click selects all of it.
document.addEventListener("focusin", (event) => {
  if (event.target instanceof HTMLInputElement && event.target.readOnly) event.target.select();
});

// Said by the server, through htmx.
document.addEventListener("bd:said", (event) => {
  const detail = (event as CustomEvent<{ text?: string }>).detail;
  if (detail.text) say(detail.text);
});

async function copyAndSay(text: string, copied?: string): Promise<void> {
  const worked = await copy(text);
  if (worked) say(copied ?? "Link copied.");
  else say(copied ? "The browser did not let us copy. Select the text and copy it." : "The browser did not let us copy. The link stands on the drop's page.");
}
