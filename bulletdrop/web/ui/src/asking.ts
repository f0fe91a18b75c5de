// Asking before what cannot be taken back: a dialog, with a word to type where much is at stake.

export interface Question {
  words: string;
  help: string;
  /** What the button that goes on says. */
  label: string;
  /** The word to type before it can be pressed; empty for none. */
  word: string;
  grave: boolean;
}

/** Ask, and wait for the answer. */
export function ask(question: Question): Promise<boolean> {
  const dialog = document.createElement("dialog");
  dialog.className = "sheet ask";
  dialog.setAttribute("aria-labelledby", "ask-head");
  const head = made("h2", question.words);
  head.id = "ask-head";
  const form = document.createElement("form");
  form.method = "dialog";
  const field = question.word ? wordField(question.word) : undefined;
  const go = made("button", question.label, question.grave ? "button danger-act" : "button main-act");
  go.value = "yes";
  const keep = made("button", "Cancel", "button quiet");
  keep.type = "button";
  const acts = made("div", "", "acts");
  acts.append(go, keep);
  form.append(head);
  if (question.help) form.append(made("p", question.help, "soft"));
  if (field) form.append(field.whole);
  form.append(acts);
  dialog.append(form);
  document.body.append(dialog);
  if (field) {
    const fits = (): void => void (go.disabled = field.input.value.trim() !== question.word);
    field.input.addEventListener("input", fits);
    fits();
  }
  keep.addEventListener("click", () => dialog.close(""));
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
    dialog.showModal();
    (field?.input ?? keep).focus();
  });
}

/** The question that a form says of itself, if it has one. */
export function questionOf(form: HTMLFormElement): Question | undefined {
  const { confirm, confirmHelp, confirmLabel, confirmWord } = form.dataset;
  if (!confirm) return undefined;
  const button = form.querySelector<HTMLButtonElement>('button[type="submit"]');
  return {
    words: confirm,
    help: confirmHelp ?? "",
    label: confirmLabel ?? button?.textContent.trim() ?? "Go on",
    word: confirmWord ?? "",
    grave: !button?.classList.contains("main-act"),
  };
}

function wordField(word: string): { whole: HTMLElement; input: HTMLInputElement } {
  const whole = made("div", "", "field");
  const label = made("label", "Type ");
  label.append(made("strong", word, "anywhere"), " to go on");
  const input = document.createElement("input");
  input.id = label.htmlFor = "ask-word";
  input.autocomplete = "off";
  input.autocapitalize = "none";
  input.spellcheck = false;
  whole.append(label, input);
  return { whole, input };
}

function made<K extends keyof HTMLElementTagNameMap>(tag: K, words: string, looks = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.textContent = words;
  if (looks) element.className = looks;
  return element;
}
