// Speaking to the API: JSON in and out, the CSRF token along, errors in the server's own words.

export interface Problem {
  code: string;
  message: string;
  field: string | null;
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.message);
  }
}

const UNREACHABLE = "The server cannot be reached. Check the connection, then try again.";

/** The token of this page's session; empty on pages for nobody. */
export function csrf(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
}

/** Send a request; throws Refused, in words, for every answer that is no success and when there is none. */
export async function send(method: string, path: string, body?: unknown): Promise<Response> {
  return await fetched(method, path, body === undefined ? null : JSON.stringify(body), "application/json");
}

/** Send a file's bytes as they are; throws as `send` does. */
export async function sendFile(method: string, path: string, file: File): Promise<Response> {
  return await fetched(method, path, file, file.type || "application/octet-stream");
}

/** Send a form with files; the browser itself says how it is divided. Throws as `send` does. */
export async function sendForm(path: string, form: FormData): Promise<Response> {
  return await fetched("POST", path, form, "");
}

async function fetched(method: string, path: string, body: BodyInit | null, type: string): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", "x-csrf-token": csrf() };
  if (body !== null && type) headers["content-type"] = type;
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body });
  } catch {
    throw new Refused(0, { code: "unreachable", message: UNREACHABLE, field: null });
  }
  if (!response.ok) throw new Refused(response.status, problemIn(response.status, await response.text()));
  return response;
}

/** The error in an answer's body, or one of our own when a proxy answered in the server's place. */
export function problemIn(status: number, text: string): Problem {
  try {
    const found = (JSON.parse(text) as { error?: Partial<Problem> }).error;
    if (found?.message) return { code: found.code ?? "error", message: found.message, field: found.field ?? null };
  } catch {
    // not ours
  }
  if (status === 0) return { code: "unreachable", message: UNREACHABLE, field: null };
  if (status === 413) return { code: "too_big", message: "Too large for this server.", field: null };
  return { code: "error", message: `The server answered with ${status}. Try again in a moment.`, field: null };
}
