// Passkeys: signing in with one, making one, proving something with one. The server speaks WebAuthn's JSON.
import { Refused, send } from "./server";

interface Descriptor {
  id: string;
  type: "public-key";
  transports?: AuthenticatorTransport[];
}

interface RequestJson {
  challenge: string;
  timeout: number;
  rpId: string;
  allowCredentials: Descriptor[];
  userVerification: UserVerificationRequirement;
}

interface CreationJson {
  rp: PublicKeyCredentialRpEntity;
  user: { id: string; name: string; displayName: string };
  challenge: string;
  pubKeyCredParams: PublicKeyCredentialParameters[];
  timeout: number;
  excludeCredentials: Descriptor[];
  authenticatorSelection: AuthenticatorSelectionCriteria;
  attestation: AttestationConveyancePreference;
}

/** Whether this page may use the passkeys of an origin; browsers bind them to it. */
export function isPossible(origin: string | undefined): boolean {
  return "PublicKeyCredential" in window && window.isSecureContext && location.origin === origin;
}

/** Let the person use a passkey. `options` is the path that gives a challenge. */
export async function use(
  options: string,
  body: unknown,
  more: { mediation?: CredentialMediationRequirement; signal?: AbortSignal } = {},
): Promise<unknown> {
  const answer = (await (await send("POST", options, body)).json()) as { options: RequestJson };
  const { challenge, allowCredentials, ...rest } = answer.options;
  const publicKey: PublicKeyCredentialRequestOptions = {
    ...rest,
    challenge: bytes(challenge),
    allowCredentials: allowCredentials.map(described),
  };
  const found = (await navigator.credentials.get({ publicKey, ...more })) as PublicKeyCredential | null;
  if (!found) throw new DOMException("nothing was chosen", "NotAllowedError");
  const response = found.response as AuthenticatorAssertionResponse;
  return {
    id: found.id,
    rawId: text(found.rawId),
    type: found.type,
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : null,
    },
  };
}

/** Let the person make a passkey. `body` carries the proof. */
export async function make(body: unknown): Promise<unknown> {
  const answer = (await (await send("POST", "/api/v1/account/passkeys/options", body)).json()) as {
    options: CreationJson;
  };
  const { challenge, user, excludeCredentials, ...rest } = answer.options;
  const publicKey: PublicKeyCredentialCreationOptions = {
    ...rest,
    challenge: bytes(challenge),
    user: { ...user, id: bytes(user.id) },
    excludeCredentials: excludeCredentials.map(described),
  };
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential | null;
  if (!made) throw new DOMException("nothing was made", "NotAllowedError");
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      transports: response.getTransports(),
    },
  };
}

/** What went wrong, in words; empty when the person changed their mind. */
export function reason(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (!(error instanceof DOMException)) throw error;
  if (error.name === "AbortError") return "";
  if (error.name === "InvalidStateError") return "This device or key has a passkey for your account already.";
  if (error.name === "NotAllowedError") return "No passkey was used. Try again when you are ready.";
  return "The browser does not allow passkeys here.";
}

/** Show or hide the words beside a passkey's button. */
export function say(place: Element, words: string): void {
  const said = place.querySelector<HTMLElement>(".form-wrong");
  if (!said) return;
  said.textContent = words;
  said.hidden = !words;
}

let waiting: AbortController | undefined;

async function signIn(place: HTMLElement, second: boolean): Promise<void> {
  const button = place.querySelector("button");
  waiting?.abort();
  say(place, "");
  if (button) button.disabled = true;
  try {
    const credential = await use("/api/v1/auth/passkeys/options", { second });
    await send("POST", "/api/v1/auth/passkeys", { second, credential });
    location.assign(place.dataset.next ?? "/");
  } catch (error) {
    say(place, reason(error));
    if (button) button.disabled = false;
  }
}

// The browser offers passkeys in the name field; it waits until one is chosen there.
async function offer(place: HTMLElement): Promise<void> {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  waiting = new AbortController();
  try {
    const more = { mediation: "conditional" as const, signal: waiting.signal };
    const credential = await use("/api/v1/auth/passkeys/options", { second: false }, more);
    await send("POST", "/api/v1/auth/passkeys", { second: false, credential });
    location.assign(place.dataset.next ?? "/");
  } catch (error) {
    // Nobody asked for this: only what a chosen passkey ended in is worth a word.
    if (error instanceof Refused && error.status === 401) say(place, error.message);
  }
}

for (const place of document.querySelectorAll<HTMLElement>("[data-passkey-sign-in], [data-passkey-second]")) {
  if (!isPossible(place.dataset.origin)) continue;
  const second = place.hasAttribute("data-passkey-second");
  place.hidden = false;
  place.querySelector("button")?.addEventListener("click", () => void signIn(place, second));
  if (!second) void offer(place);
}

function described(one: Descriptor): PublicKeyCredentialDescriptor {
  return { ...one, id: bytes(one.id) };
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(of: ArrayBuffer): string {
  const plain = Array.from(new Uint8Array(of), (byte) => String.fromCharCode(byte)).join("");
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
