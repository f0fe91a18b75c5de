// The trash: rows restored by htmx go away; when the last one did, the page says so.
import "htmx.org";

document.addEventListener("htmx:after:swap", () => {
  const list = document.querySelector<HTMLElement>("[data-trash-list]");
  const empty = document.querySelector<HTMLElement>("[data-empty]");
  if (!list || !empty || list.querySelector("li")) return;
  list.hidden = true;
  empty.hidden = false;
});
