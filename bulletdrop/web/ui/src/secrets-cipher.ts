// A secret that a browser encrypts: AES-256-GCM by WebCrypto. Its key is in the link behind the #, which browsers never send.
//
// The link carries 48 random bytes: the key, and an id that is authenticated with every part, so that no part opens in
// another secret's place or in another order. A passphrase is stretched (PBKDF2): half of it goes into the key, the other
// half is what the server is shown, so that it can refuse a wrong one before anything is used up.

const KEY = 32;
const ID = 16;
const NONCE = 12;
const ROUNDS = 600_000; // OWASP's figure for PBKDF2-HMAC-SHA256
const LABEL = "bulletdrop secret 1";

export interface Content {
  text: string;
  files: { name: string; type: string; size: number }[];
}

/** What encrypts and decrypts one secret, and the word that the server asks for in the passphrase's place. */
export interface Keys {
  seal: (place: number, plain: BufferSource) => Promise<Uint8Array<ArrayBuffer>>;
  open: (place: number, sealed: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>;
  word: string;
}

/** Whether this browser can: over plain http it has no WebCrypto, except on the machine itself. */
export function canEncrypt(): boolean {
  return window.isSecureContext && "subtle" in crypto;
}

/** What a new secret's link carries behind the #. */
export function newFragment(): string {
  return toText(crypto.getRandomValues(new Uint8Array(KEY + ID)));
}

/** The keys in a link; undefined when it is not whole. */
export async function keysOf(fragment: string, passphrase: string): Promise<Keys | undefined> {
  const bytes = fromText(fragment);
  if (bytes?.length !== KEY + ID) return undefined;
  const id = bytes.slice(KEY);
  const [more, word] = passphrase ? await stretched(passphrase, id) : [new Uint8Array(0), ""];
  const key = await derived(joined(bytes.slice(0, KEY), more), id);
  const about = (place: number): Uint8Array<ArrayBuffer> => joined(id, new TextEncoder().encode(`${LABEL} ${place}`));
  return {
    word,
    seal: async (place, plain) => {
      const iv = crypto.getRandomValues(new Uint8Array(NONCE));
      const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: about(place) }, key, plain);
      return joined(iv, new Uint8Array(sealed));
    },
    open: async (place, sealed) =>
      await crypto.subtle.decrypt(
        { name: "AES-GCM", iv: sealed.slice(0, NONCE), additionalData: about(place) },
        key,
        sealed.slice(NONCE),
      ),
  };
}

/** Bytes as base64url. */
export function toText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes in base64url; undefined for anything else. */
export function fromText(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}

async function derived(secret: Uint8Array<ArrayBuffer>, salt: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const from = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const how = { name: "HKDF", hash: "SHA-256", salt, info: new TextEncoder().encode(LABEL) };
  return await crypto.subtle.deriveKey(how, from, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

async function stretched(passphrase: string, id: Uint8Array<ArrayBuffer>): Promise<[Uint8Array<ArrayBuffer>, string]> {
  const typed = new TextEncoder().encode(passphrase.normalize("NFC"));
  const from = await crypto.subtle.importKey("raw", typed, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: id, iterations: ROUNDS };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(how, from, 8 * 2 * KEY));
  return [bits.slice(0, KEY), toText(bits.slice(KEY))];
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
