// An album's order: dragged with the mouse, or moved by its buttons; each move is kept at once.
import { say } from "./said";
import { Refused, send } from "./server";

const form = document.querySelector<HTMLFormElement>("form[data-order]");
const list = form?.querySelector<HTMLElement>("ol");
let dragged: HTMLElement | undefined;
let home: Element | null = null;

if (form && list) {
  for (const item of items()) item.draggable = true;
  new MutationObserver(() => items().forEach((item) => (item.draggable = true))).observe(list, { childList: true });
  form.addEventListener("submit", press);
  list.addEventListener("dragstart", start);
  list.addEventListener("dragover", over);
  list.addEventListener("dragend", () => void end());
}

function items(): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>(".ordered") ?? [])];
}

function press(event: SubmitEvent): void {
  const button = event.submitter;
  const item = button?.closest<HTMLElement>(".ordered");
  if (!(button instanceof HTMLButtonElement) || !item) return;
  if (button.dataset.step) {
    event.preventDefault();
    void step(item, Number(button.dataset.step), button);
  } else if (button.dataset.remove !== undefined) {
    event.preventDefault();
    void remove(item);
  }
}

async function step(item: HTMLElement, by: number, button: HTMLButtonElement): Promise<void> {
  const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (!other) {
    say(by < 0 ? "It is the first of this page." : "It is the last of this page.");
    return;
  }
  const back = item.nextElementSibling;
  if (by < 0) other.before(item);
  else other.after(item);
  button.focus();
  await keep(item, back);
}

async function remove(item: HTMLElement): Promise<void> {
  const { id = "", name = "" } = item.dataset;
  const after = item.nextElementSibling;
  try {
    await send("DELETE", `${form?.dataset.order}/${id}`);
  } catch (error) {
    refused(error);
    return;
  }
  const next = (after ?? item.previousElementSibling)?.querySelector<HTMLElement>("[data-remove]");
  item.remove();
  next?.focus();
  counted(-1);
  say(`“${name}” is out of the album.`, { words: "Undo", run: () => void putBack(item, after) });
}

/** So many more files are in the album than the page says; and what it says of an act before is over. */
function counted(more: number): void {
  document.querySelector(".said-notice.ok")?.remove();
  const element = document.querySelector<HTMLElement>("[data-order-count]");
  if (!element) return;
  const count = Number(element.dataset.orderCount) + more;
  element.dataset.orderCount = String(count);
  element.textContent = `${count} ${count === 1 ? "file" : "files"}`;
}

async function putBack(item: HTMLElement, before: Element | null): Promise<void> {
  try {
    await send("POST", form?.dataset.order ?? "", { ids: [item.dataset.id] });
    if (before?.isConnected) before.before(item);
    else list?.append(item);
    counted(1);
    await keep(item, null);
  } catch (error) {
    refused(error);
  }
}

function start(event: DragEvent): void {
  const item = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>(".ordered") : null;
  if (!item || !event.dataTransfer) return;
  dragged = item;
  home = item.nextElementSibling;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", item.dataset.name ?? "");
  item.classList.add("is-dragged");
}

function over(event: DragEvent): void {
  const item = event.target instanceof Element ? event.target.closest(".ordered") : null;
  if (!dragged) return;
  event.preventDefault();
  if (!item || item === dragged) return;
  const box = item.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) item.before(dragged);
  else item.after(dragged);
}

async function end(): Promise<void> {
  const item = dragged;
  dragged = undefined;
  item?.classList.remove("is-dragged");
  if (item && item.nextElementSibling !== home) await keep(item, home);
}

/** Keep an item where it stands now; put it back before `back` when the server refuses. */
async function keep(item: HTMLElement, back: Element | null): Promise<void> {
  const next = item.nextElementSibling as HTMLElement | null;
  const last = item.previousElementSibling as HTMLElement | null;
  try {
    await send("PATCH", `${form?.dataset.order}/${item.dataset.id}`, { before: next?.dataset.id ?? null });
    // The list may go on beyond this page: after its last one is not the album's end.
    if (!next && last && document.querySelector("[data-pager]")) {
      await send("PATCH", `${form?.dataset.order}/${last.dataset.id}`, { before: item.dataset.id });
    }
    say(`“${item.dataset.name}” is number ${items().indexOf(item) + 1} now.`);
  } catch (error) {
    if (back) back.before(item);
    else list?.append(item);
    refused(error);
  }
}

function refused(error: unknown): void {
  if (!(error instanceof Refused)) throw error;
  say(error.message, undefined, 8);
}
