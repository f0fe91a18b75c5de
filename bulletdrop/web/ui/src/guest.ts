// A guest's files: one request each, so that every one has its progress, its end, and can be taken back on the way.
import { say } from "./said";
import { problemIn } from "./server";
import { size } from "./words";

const form = document.querySelector<HTMLFormElement>("form[data-guest]");
const input = form?.querySelector<HTMLInputElement>('input[type="file"]');
const place = document.querySelector<HTMLElement>("[data-sent]");
const waiting: { file: File; row: HTMLElement }[] = [];
let under_way: XMLHttpRequest | undefined;
let done = 0;
let failed = 0;

if (form && input && place) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take([...(input.files ?? [])]);
    form.reset();
  });
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    input.files = event.dataTransfer.files; // nothing is sent before somebody says so
    input.focus();
  });
  window.addEventListener("beforeunload", (event) => {
    if (under_way || waiting.length) event.preventDefault();
  });
}

function take(files: File[]): void {
  const most = Number(form?.dataset.most ?? 0);
  const template = document.querySelector<HTMLTemplateElement>("#sent");
  const list = place?.querySelector("ul");
  if (!files.length || !template || !list || !place) return;
  place.hidden = false;
  for (const file of files) {
    const row = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    part(row, ".guest-name").textContent = file.name;
    const cancel = part(row, "button");
    cancel.setAttribute("aria-label", `Cancel ${file.name}`);
    cancel.addEventListener("click", () => stop(row));
    list.append(row);
    if (most && file.size > most) end(row, `Too large. A file here has up to ${size(most)}; this one has ${size(file.size)}.`, true);
    else {
      state(row, "Waiting");
      waiting.push({ file, row });
    }
  }
  next();
}

function next(): void {
  words();
  const one = under_way ? undefined : waiting.shift();
  if (!one || !form) return;
  const { file, row } = one;
  const ask = new XMLHttpRequest();
  under_way = ask;
  ask.open("POST", form.action);
  ask.setRequestHeader("accept", "application/json");
  ask.upload.addEventListener("progress", (event) => {
    const percent = event.lengthComputable ? Math.floor((100 * event.loaded) / event.total) : 0;
    part<HTMLProgressElement>(row, "progress").value = percent;
    state(row, percent < 100 ? `${percent} %` : "Being kept");
  });
  ask.addEventListener("loadend", () => {
    under_way = undefined;
    if (ask.status === 201) {
      end(row, `Sent, ${size(file.size)}`, false);
      if (!isOpen(ask.responseText)) close();
    } else if (row.isConnected) end(row, problemIn(ask.status, ask.responseText).message, true);
    next();
  });
  row.dataset.sending = "";
  const body = new FormData();
  body.append("file", file, file.name);
  ask.send(body);
}

function isOpen(text: string): boolean {
  try {
    return (JSON.parse(text) as { is_open?: boolean }).is_open !== false;
  } catch {
    return true; // a proxy's words; the next file is refused where nothing more is taken
  }
}

/** That was the last file that is taken: say so in the place of the form. What still waits is refused by the server. */
function close(): void {
  const notice = document.querySelector<HTMLElement>("[data-closed]");
  if (!form || !notice) return;
  form.hidden = true;
  notice.hidden = false;
}

function stop(row: HTMLElement): void {
  const at = waiting.findIndex((one) => one.row === row);
  if (at >= 0) waiting.splice(at, 1);
  row.remove();
  if (row.dataset.sending !== undefined) under_way?.abort();
  words();
}

function end(row: HTMLElement, said: string, is_wrong: boolean): void {
  delete row.dataset.sending;
  part(row, "progress").remove();
  part(row, "button").remove();
  row.classList.add(is_wrong ? "is-wrong" : "is-sent");
  state(row, said);
  if (is_wrong) failed++;
  else done++;
}

function words(): void {
  const left = waiting.length + (under_way ? 1 : 0);
  const element = place?.querySelector("[data-sent-words]");
  if (!element) return;
  const sent = `${done} ${done === 1 ? "file" : "files"} sent`;
  const wrong = failed ? `, ${failed} not` : "";
  element.textContent = left ? `${sent}${wrong}, ${left} to go.` : `${sent}${wrong}.`;
  if (!left && done && !failed) say("Everything is sent. You may close this page.");
}

function state(row: HTMLElement, said: string): void {
  part(row, ".guest-state").textContent = said;
}

function part<E extends HTMLElement = HTMLElement>(row: HTMLElement, selector: string): E {
  return row.querySelector(selector) as E;
}
