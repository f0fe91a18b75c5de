// How quickly a new password would be guessed, in words below its field; the same rule as core/people/passwords.py.
import zxcvbn from "zxcvbn";

const LEAST = 8;
const LEAST_SCORE = 2;
const GUESSABLE = 72; // what is longer is not guessed by its beginning, and takes long to look at
const MOST = 1024;
const WORDS = ["", "", "Good enough.", "Good.", "Very good."];
const WEAK = "Quickly guessed. Take a longer one, such as four words.";

/** Say it while somebody types into this field. */
export function watch(field: HTMLInputElement): void {
  let timer = 0;
  const look = (): void => tell(field);
  field.addEventListener("input", () => {
    // What was wrong was wrong with another password.
    for (const said of field.closest(".field")?.querySelectorAll<HTMLElement>(":scope > .wrong") ?? []) said.hidden = true;
    field.removeAttribute("aria-invalid");
    window.clearTimeout(timer);
    timer = window.setTimeout(look, 150);
  });
  look();
}

function tell(field: HTMLInputElement): void {
  const line = field.closest(".field")?.querySelector<HTMLElement>("[data-strength-words]");
  if (!line) return;
  const [words, fits] = judge(field.value, known(field.form));
  line.textContent = words;
  line.hidden = words === "";
  line.classList.toggle("fits", fits);
}

/** What to say of a password, and whether the server would take it. */
export function judge(password: string, known: string[]): [words: string, fits: boolean] {
  if (password === "") return ["", false];
  const length = [...password].length; // as the server counts: an emoji is one character
  if (length < LEAST) return [`${LEAST - length} more character${LEAST - length === 1 ? "" : "s"} at least.`, false];
  if (length > MOST) return [`Too long: at most ${MOST} characters.`, false];
  if (length > GUESSABLE) return [WORDS[4] ?? "", true];
  const { score } = zxcvbn(password, [...known, "bulletdrop"]);
  return score < LEAST_SCORE ? [WEAK, false] : [WORDS[score] ?? "", true];
}

/** What a guesser knows of the person: the form's name and email, or what the form says of somebody signed in. */
function known(form: HTMLFormElement | null): string[] {
  const typed = [...(form?.querySelectorAll<HTMLInputElement>('[name="username"], [name="email"]') ?? [])];
  return typed.map((one) => one.value).filter((value) => value !== "");
}
