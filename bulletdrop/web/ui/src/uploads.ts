// Files on their way. Loaded when the first file comes; Uppy carries, this shows.
import Uppy, { type Body, type Meta, type UppyFile } from "@uppy/core";
import XHRUpload from "@uppy/xhr-upload";
import { copy } from "./copy";
import { say } from "./said";
import { csrf, problemIn, send } from "./server";
import { land, placeholders } from "./tiles";
import { count, size } from "./words";

interface Answer extends Body {
  id: string;
  url: string;
  // The link as its owner likes it: the page, or the file itself.
  link: string;
}
type Carried = UppyFile<Meta, Answer>;

// Whose gallery this is, a person's own or a team's.
const { most = "0", home = "/", team = "" } = document.querySelector<HTMLElement>("[data-gallery]")?.dataset ?? {};
const MOST = Number(most);
// Six at once is what browsers open to one host over HTTP/1.1; two stay free for the page.
const AT_ONCE = 4;

const rows = new Map<string, HTMLElement>();
const previews = new Map<string, string>();
let links: string[] = [];
let sheet: HTMLElement | undefined;
let closing = 0;

const silent = (): void => undefined; // what goes wrong is said on the page, in words
const uppy = new Uppy<Meta, Answer>({
  autoProceed: true,
  allowMultipleUploadBatches: true,
  logger: { debug: silent, warn: silent, error: silent },
});
uppy.use(XHRUpload, {
  endpoint: team ? `/api/v1/uploads?team=${encodeURIComponent(team)}` : "/api/v1/uploads",
  fieldName: "file",
  allowedMetaFields: false,
  limit: AT_ONCE,
  timeout: 0,
  headers: (file) => ({
    accept: "application/json",
    "x-csrf-token": csrf(),
    "x-bulletdrop-source": "web",
    // The same for every try of one file: a repeat answers the first result.
    "idempotency-key": String(file.meta.key),
  }),
  // A refusal stays one; only a broken connection and a busy server are worth another try, and those the person starts.
  shouldRetry: () => false,
});

/** Start to upload. Every file gets a row with its progress and a way out. */
export function upload(files: File[]): void {
  for (const file of files) add(file);
}

function add(file: File): void {
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  if (MOST && file.size > MOST) {
    const row = newRow(key, file);
    fail(row, `Too large. This server takes up to ${size(MOST)}; this file has ${size(file.size)}.`);
    row.querySelector("button")?.addEventListener("click", () => forget(key));
    tell();
    return;
  }
  // Uppy takes files of the same name and size for one; the key in the name of its own keeps them apart.
  const id = uppy.addFile({ name: file.name, type: file.type, data: file, meta: { key, relativePath: key } });
  newRow(id, file).querySelector("button")?.addEventListener("click", () => act(id));
  tell();
}

uppy.on("upload-progress", (file, progress) => {
  if (!file) return;
  const row = rows.get(file.id);
  const share = progress.bytesTotal ? Math.min(1, progress.bytesUploaded / progress.bytesTotal) : 0;
  const words = share < 1 ? `${Math.floor(share * 100)} % of ${size(progress.bytesTotal ?? 0)}` : "Nearly there";
  if (row && !row.classList.contains("done")) setState(row, words);
  tell();
});

uppy.on("upload-success", (file, response) => {
  if (file && response.body) void arrive(file, response.body);
});

uppy.on("upload-error", (file, error, response) => {
  const row = file && rows.get(file.id);
  if (!file || !row) return;
  const request = (response ?? (error as { request?: unknown }).request) as XMLHttpRequest | undefined;
  const problem = problemIn(request?.status ?? 0, request?.responseText ?? "");
  const words = request?.status === 401 ? "You are signed out. Reload the page and sign in again." : problem.message;
  fail(row, words, [0, 408, 429, 500, 502, 503, 504, 507].includes(request?.status ?? 0));
  tell();
});

async function arrive(file: Carried, answer: Answer): Promise<void> {
  const row = rows.get(file.id);
  if (row) {
    row.classList.add("done");
    setState(row, "Done");
    setButton(row, "Copy link");
    row.dataset.url = answer.link;
  }
  links.push(answer.link);
  uppy.removeFile(file.id);
  tell();
  const part = await (await send("GET", `${home}?only=${encodeURIComponent(answer.id)}`)).text();
  const made = new DOMParser().parseFromString(part, "text/html");
  const tile = made.querySelector<HTMLElement>(".tile");
  const section = made.querySelector<HTMLElement>(".day");
  const heading = made.querySelector<HTMLElement>(".day-head");
  // Bytes that were here before make a second drop; the same drop (a repeat) is on the page already.
  if (!tile || !section || !heading || document.querySelector(`.tile[data-id="${CSS.escape(answer.id)}"]`)) return;
  await face(tile, previews.get(file.id));
  land(document.adoptNode(tile), { date: section.dataset.day ?? "", heading: document.adoptNode(heading) });
  placeholders(tile);
}

/** The picture is in this browser already: show it while the server makes the thumbnail. */
async function face(tile: HTMLElement, preview: string | undefined): Promise<void> {
  const image = tile.querySelector("img");
  if (!image || !preview) return;
  const own = new Image();
  own.src = preview;
  try {
    await own.decode();
  } catch {
    return;
  }
  const [src, srcset] = [image.src, image.srcset];
  image.removeAttribute("loading");
  image.removeAttribute("srcset");
  image.src = preview;
  const better = new Image();
  better.sizes = image.sizes;
  better.srcset = srcset;
  better.src = src;
  const show = (): void => {
    image.srcset = srcset;
    image.src = src;
  };
  // Also when it failed: then the tile finds out why (see broken.ts).
  better.decode().then(show, show);
}

function newRow(id: string, file: File): HTMLElement {
  window.clearTimeout(closing);
  const list = openSheet().querySelector("ul");
  const row = clone("upload");
  const name = row.querySelector(".upload-name");
  if (name) name.textContent = file.name;
  setState(row, `Waiting, ${size(file.size)}`);
  row.querySelector("button")?.setAttribute("aria-label", `Cancel ${file.name}`);
  if (file.type.startsWith("image/") && file.size < 30 * 1024 * 1024) {
    const url = URL.createObjectURL(file);
    previews.set(id, url);
    const image = new Image();
    image.alt = "";
    image.addEventListener("load", () => row.querySelector(".upload-face")?.replaceChildren(image));
    image.src = url;
  }
  rows.set(id, row);
  list?.append(row);
  return row;
}

/** The one button of a row: cancel while it runs, copy when it is done, try again or dismiss when it failed. */
function act(id: string): void {
  const row = rows.get(id);
  if (row?.dataset.url) {
    void copy(row.dataset.url).then(() => say("Link copied."));
  } else if (row?.classList.contains("failed") && row.dataset.again) {
    row.classList.remove("failed");
    delete row.dataset.again;
    setButton(row, "Cancel");
    void uppy.retryUpload(id);
  } else {
    if (uppy.getFile(id)) uppy.removeFile(id);
    forget(id);
  }
}

function fail(row: HTMLElement, words: string, again = false): void {
  row.classList.add("failed");
  setState(row, words);
  if (again) row.dataset.again = "yes";
  setButton(row, again ? "Try again" : "Dismiss");
}

function setButton(row: HTMLElement, words: string): void {
  const button = row.querySelector("button");
  if (!button) return;
  button.textContent = words;
  button.setAttribute("aria-label", `${words} ${row.querySelector(".upload-name")?.textContent ?? ""}`);
}

function setState(row: HTMLElement, words: string): void {
  const state = row.querySelector(".upload-state");
  if (state && state.textContent !== words) state.textContent = words;
}

function forget(id: string): void {
  rows.get(id)?.remove();
  rows.delete(id);
  tell();
}

/** Head and bar of the sheet: what is left in numbers; away once all is well. */
function tell(): void {
  if (!sheet) return;
  const all = uppy.getFiles().filter((file) => !file.error);
  const running = all.length;
  const failed = [...rows.values()].filter((row) => row.classList.contains("failed")).length;
  const bytes = all.reduce((sum, file) => sum + (file.size ?? 0), 0);
  const sent = all.reduce((sum, file) => sum + (file.progress.bytesUploaded || 0), 0);
  const share = bytes ? Math.floor((100 * sent) / bytes) : 100;
  const head = sheet.querySelector("[data-all-words]");
  const words = running
    ? `Uploading ${count(running, "file")}, ${share} %`
    : [links.length ? `${count(links.length, "file")} uploaded` : "", failed ? `${failed} not uploaded` : ""]
        .filter(Boolean)
        .join(", ");
  if (head && head.textContent !== words) head.textContent = words;
  const bar = sheet.querySelector<HTMLProgressElement>(".uploads-all");
  if (bar) bar.value = running ? share : 100;
  const button = sheet.querySelector<HTMLElement>("[data-cancel-all]");
  if (button) button.textContent = running ? "Cancel all" : "Close";
  if (!running) finish(failed);
}

function finish(failed: number): void {
  window.clearTimeout(closing);
  if (!rows.size) {
    close();
    return;
  }
  if (failed) return;
  const made = [...links];
  // A few seconds to see that all is well; the links stay on the toast.
  closing = window.setTimeout(() => {
    close();
    if (!made.length) return;
    const words = made.length === 1 ? "Copy link" : `Copy ${made.length} links`;
    const run = (): void => void copy(made.join("\n")).then(() => say(made.length === 1 ? "Link copied." : "Links copied."));
    say(`${count(made.length, "file")} uploaded.`, { words, run });
  }, 1200);
}

function openSheet(): HTMLElement {
  if (sheet) return sheet;
  sheet = clone("uploads");
  sheet.querySelector("[data-cancel-all]")?.addEventListener("click", () => {
    uppy.cancelAll();
    close();
  });
  document.body.append(sheet);
  return sheet;
}

function close(): void {
  sheet?.remove();
  sheet = undefined;
  rows.clear();
  links = [];
  // Later, since a tile may still show one of them.
  const old = [...previews.values()];
  previews.clear();
  window.setTimeout(() => old.forEach((url) => URL.revokeObjectURL(url)), 60_000);
}

function clone(id: string): HTMLElement {
  const template = document.querySelector<HTMLTemplateElement>(`#${id}`);
  return (template?.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
}

// Leaving would lose what is on its way.
window.addEventListener("beforeunload", (event) => {
  if (uppy.getFiles().some((file) => !file.error && !file.progress.uploadComplete)) event.preventDefault();
});
