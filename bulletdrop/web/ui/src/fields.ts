// What stands in a form's fields, what is lacking, and saying what is wrong beside the field.

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;
export type Values = Record<string, unknown>;

// Ours, not the API's: the page's own token, where to go on, whether one was asked.
const NOT_SENT = new Set(["csrf", "next", "sure", "word"]);
const NOTHING = Symbol("nothing");

/** The form's values as the API wants them: typed by `data-type`, lists where one name has many boxes. */
export function values(of: HTMLFormElement): Values {
  const found: Values = {};
  for (const control of controls(of)) {
    const { name } = control;
    if (NOT_SENT.has(name)) continue;
    if (control.dataset.type === "list") found[name] = [...((found[name] as string[] | undefined) ?? []), ...listIn(control)];
    else {
      const value = valueOf(control);
      if (value !== NOTHING) found[name] = value;
    }
  }
  return found;
}

/** Says beside each field what it lacks, and leads to the first. Returns whether nothing does. */
export function filled(of: HTMLFormElement): boolean {
  let first: Control | undefined;
  for (const control of controls(of)) {
    const words = lack(control);
    if (!words || !mark(of, control.name, words)) continue;
    first ??= control;
  }
  first?.focus();
  return !first;
}

/** Says what is wrong: beside the field, or above the form when it is about none of its fields. */
export function wrong(of: HTMLFormElement, name: string | null, words: string): boolean {
  if (name && mark(of, name, words)) {
    of.querySelector<HTMLElement>(`[name="${CSS.escape(name)}"]`)?.focus();
    return true;
  }
  const general = of.querySelector<HTMLElement>(".form-wrong");
  if (!general) return false;
  general.textContent = words;
  general.hidden = false;
  general.scrollIntoView({ block: "nearest" });
  return true;
}

/** Takes back all that was said to be wrong. */
export function clear(of: HTMLFormElement): void {
  for (const said of of.querySelectorAll<HTMLElement>(".wrong, .form-wrong")) said.hidden = true;
  for (const field of of.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

function controls(of: HTMLFormElement): Control[] {
  return [...of.elements].filter(
    (one): one is Control =>
      (one instanceof HTMLInputElement || one instanceof HTMLTextAreaElement || one instanceof HTMLSelectElement) &&
      one.name !== "" &&
      !one.disabled &&
      !(one instanceof HTMLInputElement && ["submit", "button", "file"].includes(one.type)),
  );
}

function listIn(control: Control): string[] {
  if (control instanceof HTMLInputElement && control.type === "checkbox") return control.checked ? [control.value] : [];
  return control.value.split(/[\n,]/).map((one) => one.trim()).filter((one) => one !== "");
}

function valueOf(control: Control): unknown {
  const kind = control.dataset.type ?? "";
  if (control instanceof HTMLInputElement && control.type === "checkbox") return kind === "boolean" || control.checked ? control.checked : NOTHING;
  if (control instanceof HTMLInputElement && control.type === "radio" && !control.checked) return NOTHING;
  const text = control.value;
  if (kind === "boolean") return ["yes", "true", "1", "on"].includes(text);
  if (text === "" && kind === "omit-if-empty") return NOTHING;
  if (text === "" && (kind === "number" || kind === "null-if-empty" || kind === "moment")) return null;
  if (kind === "number") return Math.round(Number(text) * Number(control.dataset.times ?? "1") * 1e6) / 1e6;
  // A field of a day and an hour knows no zone: it means the reader's.
  if (kind === "moment") return new Date(text).toISOString();
  return text;
}

function lack(control: Control): string {
  const { validity } = control;
  if (validity.valueMissing) {
    if (control.type === "checkbox") return "Tick this to go on.";
    return control.type === "radio" ? "Choose one." : "Fill this in.";
  }
  if (control instanceof HTMLSelectElement) return "";
  if (validity.typeMismatch) return control.type === "email" ? "This is no email address." : "This is no address.";
  if (validity.badInput) return control.type === "number" ? "This is no number." : "This is no date.";
  if (control.minLength > 0 && control.value !== "" && control.value.length < control.minLength) {
    return `At least ${control.minLength} characters; this has ${control.value.length}.`;
  }
  if (control instanceof HTMLTextAreaElement) return "";
  if (validity.rangeUnderflow) return `At least ${control.min}.`;
  if (validity.rangeOverflow) return `At most ${control.max}.`;
  if (validity.stepMismatch) return "This number is between two steps.";
  return "";
}

function mark(of: HTMLFormElement, name: string, words: string): boolean {
  const said = of.querySelector<HTMLElement>(`[data-field="${CSS.escape(name)}"] > .wrong`);
  const control = of.querySelector(`[name="${CSS.escape(name)}"]`);
  if (!said || !control) return false;
  said.textContent = words;
  said.hidden = false;
  control.setAttribute("aria-invalid", "true");
  return true;
}
