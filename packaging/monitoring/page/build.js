// Bundles the page: node build.js FOLDER
import { cp, copyFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2];
if (!target) {
  console.error("build.js FOLDER");
  process.exit(2);
}
const ui = dirname(createRequire(import.meta.url).resolve("@grafana/ui/package.json"));
await build({
  entryPoints: [join(here, "src/main.jsx")], outdir: target, bundle: true, minify: true, format: "esm", jsx: "automatic",
  target: "chrome120", logLevel: "warning", define: { "process.env.NODE_ENV": '"production"' },
  alias: { "react-custom-scrollbars-2": join(here, "src/scrollbars.jsx") },
  loader: { ".svg": "dataurl", ".woff": "dataurl", ".woff2": "dataurl", ".ttf": "dataurl" },
});
await copyFile(join(here, "index.html"), join(target, "index.html"));
await cp(join(ui, "dist/public/img/icons"), join(target, "build/img/icons"), { recursive: true });
