// The gallery: paging through htmx, files that are dropped, pasted or picked, delete with undo, the keyboard.
import "htmx.org";
import { watch } from "./broken";
import { trash } from "./deleting";
import { listen } from "./keys";
import { watch as watchForNews } from "./news";
import { say } from "./said";
import { gallery, joinDays, placeholders, showEmptiness } from "./tiles";
import { listen as listenToTouch } from "./touch";

const picker = document.querySelector<HTMLInputElement>("#picker");
const pick = (): void => picker?.click();

placeholders(document);
listen(pick);
listenToTouch();
watch();
watchForNews();
if (new URLSearchParams(location.search).has("trashed")) history.replaceState(null, "", location.pathname);

document.addEventListener("htmx:after:swap", () => {
  placeholders(document);
  joinDays();
  showEmptiness();
});

for (const button of document.querySelectorAll("[data-pick]")) button.addEventListener("click", pick);

picker?.addEventListener("change", () => {
  void take([...(picker.files ?? [])]);
  picker.value = "";
});

document.addEventListener("submit", (event) => {
  const form = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>("[data-trash]") : null;
  const tile = form && document.querySelector<HTMLElement>(`.tile[data-id="${CSS.escape(form.dataset.trash ?? "")}"]`);
  if (!tile) return;
  event.preventDefault();
  void trash(tile);
});

document.addEventListener("paste", (event) => {
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  void take(files.map(named));
});

let overlay: Element | undefined;
document.addEventListener("dragenter", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  if (overlay) return;
  overlay = fromTemplate("drop-here");
  document.body.append(overlay);
  void import("./uploads"); // on its way while the file is still in the air
});
document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) noOverlay();
});
document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  noOverlay();
  void take([...(event.dataTransfer?.files ?? [])]);
});

function noOverlay(): void {
  overlay?.remove();
  overlay = undefined;
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** Browsers call everything that is pasted "image.png"; the time says more. */
function named(file: File): File {
  if (!/^image\.\w+$/.test(file.name)) return file;
  const now = new Date();
  const two = (n: number): string => String(n).padStart(2, "0");
  const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const time = `${two(now.getHours())}.${two(now.getMinutes())}.${two(now.getSeconds())}`;
  return new File([file], `Pasted ${date} ${time}.${file.name.split(".").pop()}`, { type: file.type });
}

function fromTemplate(id: string): Element {
  const content = document.querySelector<HTMLTemplateElement>(`#${id}`)?.content.cloneNode(true) as DocumentFragment;
  return content.firstElementChild as Element;
}

async function take(files: File[]): Promise<void> {
  if (!files.length) return;
  const closed = gallery()?.dataset.closed;
  if (closed !== undefined) {
    say(closed);
    return;
  }
  const { upload } = await import("./uploads");
  upload(files);
}
