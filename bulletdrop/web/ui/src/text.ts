// Texts: copying all of one, and sending a new one with the keyboard.
import { copy } from "./copy";
import { say } from "./said";

/** The text itself: what is drawn as a sign, because it cannot be seen, comes as what it is. */
function textOf(shown: Element): string {
  const whole = shown.cloneNode(true) as Element;
  for (const sign of whole.querySelectorAll<HTMLElement>(".sign")) sign.textContent = String.fromCodePoint(Number(sign.dataset.code));
  return whole.textContent ?? "";
}

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-copy-text]") : null;
  const shown = button && document.getElementById(button.dataset.copyText ?? "");
  if (!button || !shown) return;
  void copy(textOf(shown)).then((worked) => {
    say(worked ? (button.dataset.copied ?? "Copied.") : "The browser did not let us copy. Select the text and copy it.");
  });
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const field = event.target instanceof HTMLTextAreaElement ? event.target : null;
  if (field?.dataset.sends === undefined) return;
  event.preventDefault();
  field.form?.requestSubmit();
});
