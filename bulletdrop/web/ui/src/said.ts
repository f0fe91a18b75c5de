// Telling the person: one toast at a time, with an act that can be taken back.

export interface Act {
  words: string;
  run: () => void;
}

let current: { element: HTMLElement; end: () => void; act: Act | undefined } | undefined;

/**
 * Show a toast.
 * @param words What happened, as a sentence.
 * @param act What can be done about it, such as Undo.
 * @param seconds How long it stays; the clock stands still while it is touched or has the focus.
 */
export function say(words: string, act?: Act, seconds = act ? 10 : 4): void {
  current?.end();
  const place = document.querySelector(".toasts");
  if (!place) return;
  const element = document.createElement("div");
  element.className = "toast";
  const text = document.createElement("p");
  text.textContent = words;
  element.append(text);
  if (act) element.append(button(act));
  let timer = 0;
  const end = (): void => {
    window.clearTimeout(timer);
    element.remove();
    if (current?.element === element) current = undefined;
  };
  const start = (): void => {
    window.clearTimeout(timer);
    timer = window.setTimeout(end, seconds * 1000);
  };
  const stop = (): void => window.clearTimeout(timer);
  element.addEventListener("pointerenter", stop);
  element.addEventListener("pointerleave", start);
  element.addEventListener("focusin", stop);
  element.addEventListener("focusout", start);
  place.append(element);
  current = { element, end, act };
  start();
}

/** Do what the toast on the screen offers, as its button would. Returns whether there was anything to do. */
export function takeOffer(): boolean {
  const act = current?.act;
  if (!current || !act) return false;
  current.end();
  act.run();
  return true;
}

function button(act: Act): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = act.words;
  made.addEventListener("click", () => {
    current?.end();
    act.run();
  });
  return made;
}
