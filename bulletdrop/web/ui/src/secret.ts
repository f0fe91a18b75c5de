// Opening a secret that a browser encrypted: the server gives ciphertext, and the key is behind the # of the link.
import { clear, wrong } from "./fields";
import { say } from "./said";
import { type Content, canEncrypt, fromText, keysOf, type Keys } from "./secrets-cipher";
import { Refused, send } from "./server";

interface Opened {
  content: string;
  files: { part: number }[];
  views_left: number | null;
  pass: string;
}

const INCOMPLETE = "This link is not complete: the part behind the # is missing. Ask for the whole link. Nothing was opened.";
const NO_CRYPTO = "This browser can decrypt only on https pages. Open the link over https. Nothing was opened.";
const CHANGED = "It cannot be decrypted: the link is another one's, or its bytes were changed on the server.";

const form = document.querySelector<HTMLFormElement>("[data-secret-open]");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  void open(form);
});

async function open(from: HTMLFormElement): Promise<void> {
  const button = from.querySelector<HTMLButtonElement>('button[type="submit"]');
  clear(from);
  if (!canEncrypt()) {
    wrong(from, null, NO_CRYPTO);
    return;
  }
  if (button) button.disabled = true;
  try {
    const field = from.querySelector<HTMLInputElement>('[name="passphrase"]');
    // Before anything is asked for: a link that is cut off uses up nothing.
    const keys = await keysOf(location.hash.slice(1), field?.value ?? "");
    if (!keys) throw new Refused(0, { code: "incomplete", message: INCOMPLETE, field: null });
    const path = `/api/v1/secrets/${encodeURIComponent(from.dataset.secretOpen ?? "")}`;
    const answer = (await (await send("POST", `${path}/open`, field ? { passphrase: keys.word } : {})).json()) as Opened;
    show(await decrypted(keys, answer.content), answer, keys, path);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    wrong(from, error.problem.field, error.message);
  } finally {
    if (button) button.disabled = false;
  }
}

async function decrypted(keys: Keys, text: string): Promise<Content> {
  try {
    const plain = await keys.open(0, fromText(text) ?? new Uint8Array(0));
    return JSON.parse(new TextDecoder().decode(plain)) as Content;
  } catch {
    throw new Refused(0, { code: "changed", message: CHANGED, field: null });
  }
}

function show(content: Content, answer: Opened, keys: Keys, path: string): void {
  const page = document.querySelector<HTMLElement>("[data-secret-page]");
  const shown = document.querySelector<HTMLElement>("[data-secret-shown]");
  if (!page || !shown) return;
  const part = <T extends HTMLElement>(name: string): T | null => shown.querySelector<T>(`[data-secret-${name}]`);
  const [text, box, left, list] = [part("text"), part("box"), part("left"), part("files")];
  if (text) text.textContent = content.text;
  const copy = box?.querySelector<HTMLElement>("[data-copy]");
  if (copy) copy.dataset.copy = content.text;
  if (box) box.hidden = content.text === "";
  if (left) left.textContent = words(answer.views_left);
  for (const [at, file] of content.files.entries()) {
    const place = answer.files[at]?.part;
    if (place !== undefined) list?.append(line(file, () => fetchFile(keys, path, place, answer.pass, file)));
  }
  page.hidden = true;
  shown.hidden = false;
  shown.querySelector<HTMLElement>("h1")?.focus();
}

function words(left: number | null): string {
  if (left === null) return "It opens until its time is over.";
  if (left === 0) return "This was the last opening. It is gone from the server: this page is all there is.";
  return `It opens ${left} more ${left === 1 ? "time" : "times"}.`;
}

function line(file: Content["files"][number], run: () => Promise<void>): HTMLElement {
  const item = document.createElement("li");
  const name = document.createElement("span");
  name.className = "secret-file anywhere";
  name.textContent = file.name;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = "Download";
  button.setAttribute("aria-label", `Download ${file.name}`);
  button.addEventListener("click", () => void run());
  item.append(name, button);
  return item;
}

async function fetchFile(keys: Keys, path: string, place: number, pass: string, file: Content["files"][number]): Promise<void> {
  try {
    const answer = await send("POST", `${path}/files/${place}`, { pass });
    const plain = await keys.open(place, new Uint8Array(await answer.arrayBuffer()));
    const link = document.createElement("a");
    // Never under its own type: a page made of it would be a page of ours.
    link.href = URL.createObjectURL(new Blob([plain], { type: "application/octet-stream" }));
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    say(error instanceof Refused ? error.message : CHANGED, undefined, 8);
  }
}
