// Builds the page: TypeScript and CSS into ../static, content-hashed, with a manifest of logical → built names.
// `node build.mjs` checks the types too; `--no-check` leaves that out while working.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.env.BULLETDROP_STATIC ?? join(here, "..", "static");
// The tray's own page, which is served without the server: the same tokens, built beside its templates.
const trayOut = process.env.BULLETDROP_TRAY_STATIC ?? join(here, "..", "..", "tray", "page", "static");
const manifest = {};

// The classes that give a tile its aspect: 2 % steps, because style attributes are forbidden by our CSP.
// `render.py` computes the same steps; keep FIRST, STEP and LAST in both the same.
const [FIRST, STEP, LAST] = [0.4, 1.02, 122];

function aspectClasses() {
  const rules = [];
  for (let n = 0; n <= LAST; n++) rules.push(`.a${n}{--a:${(FIRST * STEP ** n).toFixed(4)}}`);
  return rules.join("\n");
}

const aspects = {
  name: "aspects",
  setup(it) {
    it.onResolve({ filter: /^aspects\.css$/ }, () => ({ path: "aspects.css", namespace: "aspects" }));
    it.onLoad({ filter: /.*/, namespace: "aspects" }, () => ({ contents: aspectClasses(), loader: "css" }));
  },
};

function keep(name, bytes) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
  const built = `${basename(name, extname(name))}-${hash}${extname(name)}`;
  writeFileSync(join(out, built), bytes);
  manifest[name] = built;
  return built;
}

async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: ["src/app.ts", "src/gallery.ts", "src/forms.ts", "src/passkeys.ts", "src/security.ts", "src/trash.ts", "src/joining.ts", "src/drop.ts", "src/arriving.ts", "src/text.ts", "src/secrets.ts", "src/secret.ts", "src/album.ts", "src/ordering.ts", "src/guest.ts", "src/clients.ts", "css/app.css", "css/admin.css", "css/embed.css"],
    outdir: out,
    entryNames: "[name]-[hash]",
    chunkNames: "part-[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["chrome123", "firefox120", "safari17.5"],
    minify: true,
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
    plugins: [aspects],
  });
  for (const [path, made] of Object.entries(result.metafile.outputs)) {
    const built = relative(out, join(here, path));
    if (made.entryPoint) manifest[`${basename(made.entryPoint, extname(made.entryPoint))}${extname(built)}`] = built;
  }
}

/** Under plain names: the tray serves them with a tag of their content. */
async function bundleTray() {
  await build({
    absWorkingDir: here,
    entryPoints: ["src/tray.ts", "css/tray.css"],
    outdir: trayOut,
    entryNames: "[name]",
    bundle: true,
    format: "esm",
    target: ["chrome123", "firefox120", "safari17.5"],
    minify: true,
    legalComments: "none",
    logLevel: "warning",
  });
  copyFileSync(join(here, "art", "favicon.svg"), join(trayOut, "favicon.svg"));
}

function art() {
  // Asked for by this very name, unasked, by browsers that do not read the page's head.
  copyFileSync(join(here, "art", "favicon.ico"), join(out, "favicon.ico"));
  keep("favicon.svg", readFileSync(join(here, "art", "favicon.svg")));
  const touch = keep("touch-icon.png", readFileSync(join(here, "art", "touch-icon.png")));
  const large = keep("icon-512.png", readFileSync(join(here, "art", "icon-512.png")));
  const site = {
    name: "BulletDrop",
    short_name: "BulletDrop",
    start_url: "/",
    display: "standalone",
    background_color: "#fafbfc",
    theme_color: "#fafbfc",
    icons: [
      { src: `/static/${touch}`, sizes: "180x180", type: "image/png" },
      { src: `/static/${large}`, sizes: "512x512", type: "image/png" },
    ],
  };
  keep("site.webmanifest", Buffer.from(JSON.stringify(site)));
}

if (!process.argv.includes("--no-check")) {
  const tsc = join(here, "node_modules", "typescript", "bin", "tsc");
  if (existsSync(tsc)) execFileSync(process.execPath, [tsc, "--noEmit", "-p", here], { stdio: "inherit" });
}
for (const folder of [out, trayOut]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
await bundle();
await bundleTray();
art();
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 1) + "\n");
