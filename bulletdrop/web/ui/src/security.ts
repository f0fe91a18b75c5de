// The security page: adding passkeys, proving with one, keeping recovery codes.
import { copy } from "./copy";
import { clear, values, wrong } from "./fields";
import { isPossible, make, reason, use } from "./passkeys";
import { say } from "./said";
import { Refused, send } from "./server";

const HERE = "/account/security";

/** A passkey's proof in place of a password, for people who have none. */
async function proof(): Promise<string> {
  const credential = await use("/api/v1/account/passkeys/proof-options", {});
  const answer = await send("POST", "/api/v1/account/passkeys/proof", { credential });
  return ((await answer.json()) as { code: string }).code;
}

async function withProof(form: HTMLFormElement): Promise<Record<string, unknown>> {
  const found = values(form);
  const { name, ...rest } = found;
  if (rest.code === "") rest.code = await proof();
  return { name, proof: rest };
}

async function add(form: HTMLFormElement): Promise<void> {
  const button = form.querySelector<HTMLButtonElement>('button[type="submit"]');
  clear(form);
  if (button) button.disabled = true;
  try {
    const { name, proof: shown } = await withProof(form);
    const credential = await make(shown);
    const answer = await send("POST", "/api/v1/account/passkeys", { name, credential });
    const { recovery_codes: codes } = (await answer.json()) as { recovery_codes: string[] };
    if (codes.length === 0) location.assign(`${HERE}?said=added`);
    else show(codes);
    form.reset();
  } catch (error) {
    tell(form, error);
  }
  if (button) button.disabled = false;
}

function tell(form: HTMLFormElement, error: unknown): void {
  const field = error instanceof Refused ? error.problem.field : null;
  const words = reason(error);
  if (words) wrong(form, field, words);
}

/** Show the first recovery codes, which came with the first passkey. */
function show(codes: string[]): void {
  const place = document.querySelector<HTMLElement>("[data-codes-place]");
  const template = document.querySelector<HTMLTemplateElement>("[data-codes-template]");
  if (!place || !template) return;
  place.replaceChildren(template.content.cloneNode(true));
  const list = place.querySelector("ul");
  for (const one of codes) {
    const item = document.createElement("li");
    const code = document.createElement("code");
    code.textContent = one;
    item.append(code);
    list?.append(item);
  }
  const file = place.querySelector<HTMLAnchorElement>("[data-codes-file]");
  if (file) file.href = `${file.href}${encodeURIComponent(`${codes.join("\n")}\n`)}`;
  wake(place);
  place.querySelector<HTMLElement>(".codes")?.focus();
  say("The passkey was added.");
}

function wake(place: HTMLElement): void {
  const copier = place.querySelector<HTMLButtonElement>("[data-codes-copy]");
  const printer = place.querySelector<HTMLButtonElement>("[data-codes-print]");
  const codes = [...place.querySelectorAll("li code")].map((one) => one.textContent).join("\n");
  if (!copier || !printer || !codes) return;
  copier.hidden = printer.hidden = false;
  copier.addEventListener("click", () => {
    void copy(codes).then((worked) => {
      say(worked ? "Codes copied." : "The browser did not let us copy. Download them instead.");
    });
  });
  printer.addEventListener("click", () => {
    window.print();
  });
}

/** Forms that ask for a code let a passkey stand in for it. */
async function sendWithPasskey(form: HTMLFormElement, field: HTMLInputElement): Promise<void> {
  try {
    field.value = await proof();
    form.submit();
  } catch (error) {
    tell(form, error);
  }
}

for (const place of document.querySelectorAll<HTMLElement>("[data-passkey-add]")) {
  const possible = isPossible(place.dataset.origin);
  place.hidden = !possible;
  const elsewhere = document.querySelector<HTMLElement>("[data-passkey-elsewhere]");
  if (elsewhere) elsewhere.hidden = possible;
  const form = place.querySelector("form");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    void add(form);
  });
}

for (const form of document.querySelectorAll<HTMLFormElement>("[data-owner-passkey]")) {
  form.addEventListener("submit", (event) => {
    const field = form.querySelector<HTMLInputElement>('[name="code"]');
    if (!field || field.value !== "") return;
    event.preventDefault();
    void sendWithPasskey(form, field);
  });
}

for (const place of document.querySelectorAll<HTMLElement>("[data-codes-place]")) wake(place);
