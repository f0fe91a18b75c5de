// Codes that an address carries behind its #, where no server and no log sees them: put into the fields that ask for them.
// Where signing in comes first they wait in this tab, for the page that they were meant for and no other.
import { clear } from "./fields";

const KEPT = "bulletdrop.brought";
const NAMES = ["code", "token", "confirm", "undo"];
const LIVES = 10 * 60_000; // as long as a device's code, in milliseconds

interface Kept {
  path: string;
  until: number;
  codes: Record<string, string>;
}

/** Fill in what the address brought, or what it brought before the person signed in. */
export function takeBrought(): void {
  const brought = inAddress();
  const next = new URLSearchParams(location.search).get("next");
  // An address that leads on to another page has its code for that one: set-up asks for a code of its own.
  if (brought && next) sessionStorage.setItem(KEPT, JSON.stringify({ path: next.split("?", 1)[0], until: Date.now() + LIVES, codes: brought }));
  else fill(brought ?? kept());
  if (brought && (next || isAsked(brought))) history.replaceState(null, "", location.pathname + location.search);
}

function fill(codes: Record<string, string> | null): void {
  if (!codes || !isAsked(codes)) return;
  sessionStorage.removeItem(KEPT);
  for (const field of asking()) {
    const value = codes[field.dataset.fromHash ?? ""];
    if (!value) continue;
    if (field.form) clear(field.form);
    field.value = value;
    [...(field.form?.querySelectorAll<HTMLInputElement>(".field input") ?? [])].find((one) => one.value === "")?.focus();
  }
}

function inAddress(): Record<string, string> | null {
  const given = [...new URLSearchParams(location.hash.slice(1))].filter(([name, value]) => NAMES.includes(name) && value);
  return given.length ? Object.fromEntries(given) : null;
}

function kept(): Record<string, string> | null {
  const text = sessionStorage.getItem(KEPT);
  if (!text) return null;
  const { path, until, codes } = JSON.parse(text) as Kept;
  if (Date.now() < until) return path === location.pathname ? codes : null;
  sessionStorage.removeItem(KEPT);
  return null;
}

function asking(): HTMLInputElement[] {
  return [...document.querySelectorAll<HTMLInputElement>("[data-from-hash]")];
}

function isAsked(codes: Record<string, string>): boolean {
  return asking().some((field) => codes[field.dataset.fromHash ?? ""]);
}
