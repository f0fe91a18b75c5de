// The page of clients: a file that was made comes as a download, which leaves the page as it was; so its list is fetched anew.
import { say } from "./said";

const AFTER = [800, 3000]; // milliseconds; a slow line may need the second

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented || form.dataset.download === undefined) return;
  const before = rows();
  for (const wait of AFTER) window.setTimeout(() => void refresh(before), wait);
});

async function refresh(before: number): Promise<void> {
  if (rows() !== before) return;
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("files");
  if (!answer.ok || !fresh) return;
  document.getElementById("files")?.replaceWith(fresh);
  if (rows() !== before) say("Made, with a key of its own. It is listed below.");
}

function rows(): number {
  return document.querySelectorAll("#files tbody tr").length;
}
