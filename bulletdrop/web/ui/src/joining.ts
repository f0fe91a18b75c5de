// The page of an invitation. Its code came behind the #, which a sign-in in between would lose: it waits in this tab.
const KEY = "bulletdrop.invitation";
const field = document.querySelector<HTMLInputElement>('input[data-from-hash="code"]');
const code = new URLSearchParams(location.hash.slice(1)).get("code") ?? field?.value ?? "";
const waits = document.querySelector("[data-waits]");

if (waits) {
  if (code) {
    sessionStorage.setItem(KEY, code);
    waits.textContent = "Sign in first. Your invitation waits here meanwhile.";
    history.replaceState(null, "", location.pathname);
  }
} else {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (field && !field.value && (code || kept)) field.value = code || kept || "";
  // There is nothing to think about before the answer: it only shows what the invitation is for.
  if (field?.value && !document.querySelector(".form-wrong:not([hidden])")) field.form?.requestSubmit();
}
