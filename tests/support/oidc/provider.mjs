// A real OpenID Connect provider on loopback for the tests, that can be told to misbehave.
//
// node provider.mjs PORT: prints "listening" when it does. POST /-/tell with JSON sets how it behaves from then on:
//   {"allow": [redirect_uri, …], "mode": "…", "people": {subject: {claims}}}
// Whoever signs in types a subject and any password.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";

const from = createRequire(pathToFileURL(`${process.cwd()}/package.json`));
const load = async (name) => import(pathToFileURL(from.resolve(name)));
const { Provider } = await load("oidc-provider");
const { SignJWT, UnsecuredJWT, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK } =
  await load("jose");

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const told = { allow: [], mode: "", people: {}, verifiers: [] };
const fresh = async (kid) => {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: "RS256", use: "sig" };
};
const own = await fresh("own");
const foreign = await fresh("own");
const stranger = await fresh("stranger");

const client = (id, method) => ({
  client_id: id,
  client_secret: `${id} secret & more: of 32 characters`,
  redirect_uris: ["https://unused.example/callback"],
  grant_types: ["authorization_code"],
  response_types: ["code"],
  token_endpoint_auth_method: method,
});

const provider = new Provider(issuer, {
  clients: [client("bulletdrop", "client_secret_basic"), client("other", "client_secret_basic")],
  jwks: { keys: [own] },
  cookies: { keys: ["only for tests"] },
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
  async findAccount(_ctx, sub) {
    const person = {
      name: sub,
      preferred_username: sub,
      email: `${sub}@example.org`,
      email_verified: true,
      ...told.people[sub],
    };
    return { accountId: sub, claims: async () => ({ ...person, sub }) };
  },
  // Who has signed in has agreed: the tests are about what comes after.
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});
provider.Client.prototype.redirectUriAllowed = (uri) => told.allow.includes(uri);

const seconds = () => Math.floor(Date.now() / 1000);
const signed = async (claims, jwk, header = {}) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: "RS256", kid: jwk.kid, ...header })
    .sign(await importJWK(jwk, "RS256"));
const publicOf = ({ kty, n, e, kid, alg, use }) => ({ kty, n, e, kid, alg, use });

// What becomes of a true ID token, by mode.
const forgeries = {
  "other nonce": (claims) => signed({ ...claims, nonce: "another" }, own),
  "no nonce": ({ nonce: _, ...claims }) => signed(claims, own),
  "other issuer": (claims) => signed({ ...claims, iss: "https://another.example" }, own),
  "issuer with a slash": (claims) => signed({ ...claims, iss: `${issuer}/` }, own),
  "other audience": (claims) => signed({ ...claims, aud: "other" }, own),
  "shared audience": (claims) => signed({ ...claims, aud: ["bulletdrop", "other"] }, own),
  "other party": (claims) => signed({ ...claims, azp: "other" }, own),
  expired: (claims) => signed({ ...claims, iat: seconds() - 7200, exp: seconds() - 3600 }, own),
  "not yet": (claims) => signed({ ...claims, iat: seconds() + 3600, exp: seconds() + 7200 }, own),
  "no expiry": ({ exp: _, ...claims }) => signed(claims, own),
  "no subject": ({ sub: _, ...claims }) => signed(claims, own),
  "other key": (claims) => signed(claims, foreign),
  "unknown key": (claims) => signed(claims, stranger),
  "key in the header": (claims) => signed(claims, stranger, { jwk: publicOf(stranger) }),
  none: (claims) => new UnsecuredJWT(claims).encode(),
  "HS256 with the public key": (claims) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", kid: "own" })
      .sign(new TextEncoder().encode(JSON.stringify(publicOf(own)))),
  "HS256 with the secret": (claims) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(client("bulletdrop").client_secret)),
  "cut signature": (_claims, token) => token.slice(0, token.lastIndexOf(".") + 1),
  "other claims": (claims, token) => {
    const [head, , tail] = token.split(".");
    return [head, Buffer.from(JSON.stringify({ ...claims, sub: "alice" })).toString("base64url"), tail].join(".");
  },
  "no token": () => undefined,
  "no token but words": () => "not a token",
  // These two are right: one says the address in the token itself, the other names no key.
  "says it in the token": (claims) => signed({ ...claims, email: "token@example.org", email_verified: true }, own),
  "names no key": (claims) => signed(claims, own, { kid: undefined }),
};

provider.use(async (ctx, next) => {
  const mode = told.mode;
  if (mode === "down") {
    ctx.status = 503;
    ctx.body = { error: "server_error" };
    return;
  }
  await next();
  const body = ctx.body;
  if (ctx.path === "/token" && ctx.status === 200 && forgeries[mode]) {
    const token = await forgeries[mode](decodeJwt(body.id_token), body.id_token, decodeProtectedHeader(body.id_token));
    ctx.body = { ...body, id_token: token };
  } else if (ctx.path === "/token" && mode === "huge") {
    ctx.body = { ...body, padding: "x".repeat(2_000_000) };
  } else if (ctx.path === "/token" && mode === "no JSON") {
    ctx.body = "<html>";
  } else if (ctx.path === "/token" && mode === "redirects") {
    ctx.redirect("/elsewhere");
  } else if (ctx.path === "/me" && mode === "other subject") {
    ctx.body = { ...body, sub: "alice" };
  } else if (ctx.path.endsWith("/openid-configuration")) {
    if (mode === "names itself otherwise") ctx.body = { ...body, issuer: "https://another.example" };
    if (mode === "plain endpoint") ctx.body = { ...body, token_endpoint: "http://another.example/token" };
    if (mode === "proves by post") ctx.body = { ...body, token_endpoint_auth_methods_supported: ["client_secret_post"] };
  }
  const away = ctx.response.get("location") ?? "";
  if (away.includes("iss=") && mode.startsWith("answers as")) {
    const url = new URL(away);
    if (mode === "answers as another") url.searchParams.set("iss", "https://another.example");
    else url.searchParams.delete("iss");
    ctx.set("location", url.href);
  }
});

provider.on("server_error", (_ctx, error) => console.error(error));
const answer = provider.callback();
createServer((request, response) => {
  if (request.url !== "/-/tell") return answer(request, response);
  let text = "";
  request.on("data", (part) => (text += part));
  request.on("end", () => {
    Object.assign(told, JSON.parse(text));
    response.end("{}");
  });
}).listen(port, "127.0.0.1", () => console.log("listening"));
