// Making a secret: without the tick in its box the form goes as it is; with it, the browser encrypts first.
import { clear, wrong } from "./fields";
import { type Content, canEncrypt, keysOf, newFragment, toText } from "./secrets-cipher";
import { Refused, sendForm } from "./server";

const form = document.querySelector<HTMLFormElement>("[data-secret-form]");
const offer = document.querySelector<HTMLElement>("[data-secret-browser]");
const box = offer?.querySelector<HTMLInputElement>("input");

if (form && offer && box && canEncrypt()) {
  offer.hidden = false;
  form.addEventListener("submit", (event) => {
    if (!box.checked) return;
    event.preventDefault();
    void make(form);
  });
}

async function make(from: HTMLFormElement): Promise<void> {
  const button = from.querySelector<HTMLButtonElement>('button[type="submit"]');
  clear(from);
  if (button) button.disabled = true;
  try {
    await deliver(from);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    wrong(from, error.problem.field, error.message);
  } finally {
    if (button) button.disabled = false;
  }
}

async function deliver(from: HTMLFormElement): Promise<void> {
  const typed = new FormData(from);
  const text = asText(typed.get("content"));
  const files = typed.getAll("file").filter((one): one is File => one instanceof File && one.size > 0);
  if (text === "" && files.length === 0) {
    wrong(from, "content", "Type something, or add a file.");
    return;
  }
  const fragment = newFragment();
  const keys = await keysOf(fragment, asText(typed.get("passphrase")));
  if (!keys) return;
  const sent = new FormData();
  for (const name of ["note", "max_views", "expires_at", "team"]) sent.set(name, asText(typed.get(name)));
  sent.set("mode", "browser");
  sent.set("passphrase", keys.word);
  const content: Content = { text, files: files.map(({ name, type, size }) => ({ name, type, size })) };
  sent.set("content", toText(await keys.seal(0, new TextEncoder().encode(JSON.stringify(content)))));
  for (const [at, file] of files.entries()) {
    sent.append("file", new Blob([await keys.seal(at + 1, await file.arrayBuffer())]), `part-${at + 1}`);
  }
  const answer = (await (await sendForm("/api/v1/secrets", sent)).json()) as { url: string };
  from.reset();
  show(`${answer.url}#${fragment}`);
  await showInList();
}

function show(link: string): void {
  const place = document.querySelector<HTMLElement>("[data-secret-made]");
  const shown = place?.querySelector<HTMLElement>("[data-secret-link]");
  const button = place?.querySelector<HTMLElement>("[data-copy]");
  if (!place || !shown || !button) return;
  shown.textContent = link;
  button.dataset.copy = link;
  place.hidden = false;
  place.focus();
  place.scrollIntoView({ block: "nearest" });
}

/** The list as it is now. When it cannot be fetched it is old, which the next look mends. */
async function showInList(): Promise<void> {
  const answer = await fetch(location.pathname, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-results]");
  if (fresh) document.querySelector("[data-results]")?.replaceWith(document.adoptNode(fresh));
}

function asText(value: FormDataEntryValue | null): string {
  return typeof value === "string" ? value : "";
}
