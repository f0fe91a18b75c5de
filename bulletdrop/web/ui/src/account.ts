// Set-up and sign-in: the same forms as without script, with what is wrong said beside the field at once.
import { Refused, send } from "./server";

const form = document.querySelector<HTMLFormElement>("form[data-send]");

// The address that the server prints carries the code behind the #, which never reaches a server or a log.
function takeCode(): void {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  const field = form?.querySelector<HTMLInputElement>('[name="code"]');
  if (!code || !field) return;
  field.value = code;
  history.replaceState(null, "", location.pathname);
  form?.querySelector<HTMLInputElement>('[name="username"]')?.focus();
}
takeCode();
window.addEventListener("hashchange", takeCode); // the link was opened where the page was open already

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  void submit(form);
});
if (form) form.noValidate = true;

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-show]")) {
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.show ?? "");
    if (!(field instanceof HTMLInputElement)) return;
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.textContent = shown ? "Show" : "Hide";
    button.setAttribute("aria-label", shown ? "Show the password" : "Hide the password");
    field.focus();
  });
}

async function submit(of: HTMLFormElement): Promise<void> {
  clear(of);
  if (!filled(of)) return;
  const button = of.querySelector<HTMLButtonElement>('button[type="submit"]');
  const values: Record<string, string> = {};
  for (const [name, value] of new FormData(of)) if (name !== "next") values[name] = String(value);
  if (button) button.disabled = true;
  try {
    const answer = await send("POST", of.dataset.send ?? "", values);
    // 202: the password was right, and a second factor is due.
    location.assign((answer.status === 202 && of.dataset.second) || (of.dataset.next ?? "/"));
  } catch (error) {
    if (button) button.disabled = false;
    if (!(error instanceof Refused)) throw error;
    wrong(of, error.problem.field, error.message);
  }
}

function filled(of: HTMLFormElement): boolean {
  let first: HTMLInputElement | undefined;
  for (const field of of.querySelectorAll<HTMLInputElement>(".field input")) {
    const words = lack(field);
    if (!words) continue;
    mark(of, field.name, words);
    first ??= field;
  }
  first?.focus();
  return !first;
}

function lack(field: HTMLInputElement): string {
  if (field.validity.valueMissing) return "Fill this in.";
  if (field.validity.typeMismatch) return "This is no email address.";
  if (field.minLength > 0 && field.value.length < field.minLength) {
    return `At least ${field.minLength} characters; this has ${field.value.length}.`;
  }
  return "";
}

function wrong(of: HTMLFormElement, name: string | null, words: string): void {
  if (name && mark(of, name, words)) {
    of.querySelector<HTMLInputElement>(`[name="${CSS.escape(name)}"]`)?.focus();
    return;
  }
  const general = of.querySelector<HTMLElement>(".form-wrong");
  if (!general) return;
  general.textContent = words;
  general.hidden = false;
}

function mark(of: HTMLFormElement, name: string, words: string): boolean {
  const said = document.getElementById(`w-${name}`);
  const field = of.querySelector<HTMLInputElement>(`[name="${CSS.escape(name)}"]`);
  if (!said || !field) return false;
  said.textContent = words;
  said.hidden = false;
  field.setAttribute("aria-invalid", "true");
  return true;
}

function clear(of: HTMLFormElement): void {
  for (const said of of.querySelectorAll<HTMLElement>(".wrong, .form-wrong")) said.hidden = true;
  for (const field of of.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}
