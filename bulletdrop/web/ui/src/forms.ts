// Forms that work without a script and are better with one: `data-send` sends JSON and says what is wrong beside the field,
// `data-confirm` asks first. How a page says so stands in templates/kit.html.
import { ask, questionOf } from "./asking";
import { takeBrought } from "./brought";
import { clear, filled, values, wrong } from "./fields";
import { listen } from "./live";
import { say } from "./said";
import { Refused, send, sendFile } from "./server";

const AFTERWARDS = "bulletdrop.said"; // what the next page says
const asked = new WeakSet<HTMLFormElement>();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented) return;
  const question = asked.has(form) ? undefined : questionOf(form);
  if (!question && form.dataset.send === undefined) return;
  event.preventDefault();
  void submit(form, question);
});

async function submit(form: HTMLFormElement, question: ReturnType<typeof questionOf>): Promise<void> {
  clear(form);
  if (!filled(form)) return;
  if (question && !(await ask(question))) return;
  if (form.dataset.send !== undefined) await deliver(form);
  else submitPlainly(form, question?.word ?? "");
}

/** As without script, and the server need not ask again. */
function submitPlainly(form: HTMLFormElement, word: string): void {
  for (const [name, value] of [["sure", "yes"], ["word", word]] as const) {
    const said = document.createElement("input");
    said.type = "hidden";
    said.name = name;
    said.value = value;
    if (value) form.append(said);
  }
  asked.add(form);
  form.requestSubmit();
}

async function deliver(form: HTMLFormElement): Promise<void> {
  const button = form.querySelector<HTMLButtonElement>('button[type="submit"]');
  if (button) button.disabled = true;
  try {
    const answer = await sent(form);
    // A page's own script may take it from here.
    if (form.dispatchEvent(new CustomEvent("bd:sent", { bubbles: true, cancelable: true, detail: answer }))) goOn(form, answer);
    if (button && (form.dataset.stay !== undefined || form.dataset.once)) button.disabled = false;
  } catch (error) {
    if (button) button.disabled = false;
    if (!(error instanceof Refused)) throw error;
    if (!wrong(form, error.problem.field, error.message)) say(error.message, undefined, 8);
  }
}

async function sent(form: HTMLFormElement): Promise<Record<string, unknown>> {
  const { method = "POST", send: path = "" } = form.dataset;
  const file = form.querySelector<HTMLInputElement>('input[type="file"]')?.files?.[0];
  if (form.dataset.raw !== undefined && file) await sendFile(method, path, file);
  else {
    const body = values(form);
    const bare = method === "DELETE" && Object.keys(body).length === 0;
    const answer = await send(method, path, bare ? undefined : body);
    if (answer.headers.get("content-type")?.startsWith("application/json")) return (await answer.json()) as Record<string, unknown>;
  }
  return {};
}

function goOn(form: HTMLFormElement, answer: Record<string, unknown>): void {
  const { said = "", once, stay } = form.dataset;
  // A password was right, and a second factor is due.
  const next = "second_factor" in answer ? form.dataset.second : form.dataset.next;
  if (once) {
    showOnce(once, String(answer[once] ?? ""));
    form.reset();
  }
  if (once || stay !== undefined) {
    if (said) say(said);
    return;
  }
  if (said) sessionStorage.setItem(AFTERWARDS, said);
  if (next) location.assign(next);
  else location.reload();
}

function showOnce(name: string, value: string): void {
  for (const place of document.querySelectorAll<HTMLElement>(`[data-once-for="${CSS.escape(name)}"]`)) {
    const shown = place.querySelector<HTMLElement>("[data-once-value]");
    const button = place.querySelector<HTMLElement>("[data-copy]");
    if (shown) shown.textContent = value;
    if (button) button.dataset.copy = value;
    place.hidden = false;
    place.focus();
  }
}

function start(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-send], form[data-confirm]")) form.noValidate = true;
  takeBrought();
  window.addEventListener("hashchange", takeBrought); // the link was opened where the page was open already
  const said = sessionStorage.getItem(AFTERWARDS);
  sessionStorage.removeItem(AFTERWARDS);
  if (said) say(said);
  tidyAddress();
  document.querySelector("[data-parts] [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  listen();
}

// What was said once is not said again when the page is loaded anew, and what was made here is not made again.
function tidyAddress(): void {
  const address = new URL(location.href);
  if (!address.searchParams.has("said") && !document.querySelector("[data-made-here]")) return;
  address.searchParams.delete("said");
  history.replaceState(null, "", address);
}

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>("[data-show]") : null;
  const field = document.getElementById(button?.dataset.show ?? "");
  if (!button || !(field instanceof HTMLInputElement)) return;
  const shown = field.type === "text";
  field.type = shown ? "password" : "text";
  button.textContent = shown ? "Show" : "Hide";
  button.setAttribute("aria-label", shown ? "Show the password" : "Hide the password");
  field.focus();
});

// The word lists are 800 KB: fetched when somebody is about to think of a password, never before.
document.addEventListener("focusin", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || field.dataset.strength !== "") return;
  field.dataset.strength = "watched";
  void import("./strength").then((strength) => strength.watch(field));
});

start();
