// Builds dist/; the same source gives the same bytes.
//   node build.mjs           writes dist/ and prints the sizes
//   node build.mjs --check   fails when dist/ is not the build of src/, or larger than package.json allows
//   node build.mjs --examples DIR   bundles examples/ against dist/, for the tests that run them in a browser
//   node build.mjs --pages DIR   the same for test/pages/: what other people's libraries make of a page
//   node build.mjs --weights   prints what each file of src/ takes in s.js
//   node build.mjs --tests   bundles test/*.test.ts into build/test/, since Node 20 does not run TypeScript
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { build } from 'esbuild';
import { minify } from 'terser';
import { flatten } from './flatten.mjs';
import { nameOuter } from './outer-names.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const { sizeLimits } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const brotli = (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });

/** What dist/ has to hold: path to bytes. */
async function built() {
  const shared = { absWorkingDir: root, bundle: true, write: false, legalComments: 'none', target: 'es2021' };
  const script = { ...shared, format: 'iife', tsconfigRaw: {} };
  const outputs = await Promise.all([
    build({ ...script, entryPoints: { s: 'src/snippet.ts' }, outdir: dist }),
    build({ ...script, minify: true, bundle: false, format: undefined, entryPoints: ['src/stub.ts'], outdir: dist }),
    build({ ...shared, format: 'esm', minify: true, entryPoints: { inspect: 'src/inspect/index.ts' }, outdir: dist }),
    build({
      ...shared,
      format: 'esm',
      entryPoints: ['src/index.ts', 'src/react.ts', 'src/vue.ts', 'src/window.ts'],
      minify: true,
      mangleProps: /^_/,
      external: ['react', 'vue'],
      outdir: dist,
    }),
  ]);
  const files = new Map();
  for (const { path, contents } of outputs.flatMap(({ outputFiles }) => outputFiles)) {
    files.set(relative(dist, path), Buffer.from(contents));
  }
  files.set('s.js', await squeezed(files.get('s.js')));
  for (const name of ['s.js', 'inspect.js']) {
    files.set(`${name}.br`, brotli(files.get(name)));
  }
  for (const [path, contents] of declarations()) {
    files.set(path, contents);
  }
  return files;
}

/** Chromium compiles all of it before it runs, beside the main thread, and not function by function while it runs. */
const COMPILE_HINT = '//# allFunctionsCalledOnLoad\n';

/**
 * Members of the global object that are called by their names alone. Not those that a script of the page may well name a
 * variable of its own, `const screen = …`: that one would be meant.
 */
const GLOBALS = new Set(
  'atob addEventListener BroadcastChannel clearTimeout console Date document getComputedStyle innerHeight innerWidth '
    .concat('IntersectionObserver localStorage location Math MutationObserver navigator setTimeout')
    .split(' '),
);

/** One scope, then what terser takes off: it inlines what is called once, which esbuild leaves. */
async function squeezed(script) {
  const flat = flatten(script.toString(), {
    given: ['env.document'],
    absent: ['options.sessionId', 'options.fetch', 'timer.unref'], // Nothing of a tag.
    object: 'platform',
    globals: GLOBALS,
  });
  const compress = {
    passes: 4,
    inline: 1,
    unsafe: true,
    unsafe_arrows: true,
    pure_getters: true,
    keep_fargs: false,
    lhs_constants: false,
  };
  const { code: small } = await minify(flat, { ecma: 2020, compress, mangle: false });
  const { code: named, names } = nameOuter(small);
  const mangle = { reserved: names, properties: { regex: /^_[a-z]/i } };
  const { code } = await minify(named, { ecma: 2020, compress: false, mangle });
  return Buffer.from(COMPILE_HINT + code);
}

function declarations() {
  const out = mkdtempSync(join(tmpdir(), 'types-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const flags = ['--noEmit', 'false', '--emitDeclarationOnly', '--stripInternal', '--outDir', out];
    execFileSync(process.execPath, [tsc, '-p', root, ...flags], { stdio: 'inherit' });
    return filesUnder(out)
      .filter((name) => !/^(stub\.|snippet\.|inspect\/)/.test(name))
      .map((name) => [join('types', name), readFileSync(join(out, name))]);
  } finally {
    rmSync(out, { recursive: true });
  }
}

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** Prints each size that has a limit; the problems found. */
function overweight(files) {
  return Object.entries(sizeLimits).flatMap(([path, limit]) => {
    const { length } = files.get(relative('dist', path));
    const small = brotli(files.get(relative('dist', path))).length;
    // The stub stands inside the page, where it is not a file of its own.
    const counted = path.endsWith('stub.js') ? length : small;
    console.log(`${path}: ${length} bytes, ${small} brotli, limit ${limit}`);
    return counted > limit ? [`${path} is ${counted - limit} bytes too large`] : [];
  });
}

async function check() {
  const files = await built();
  const present = filesUnder(dist);
  const problems = [
    ...present.filter((path) => !files.has(path)).map((path) => `dist/${path} is built from nothing`),
    ...[...files]
      .filter(([path, bytes]) => !present.includes(path) || !bytes.equals(readFileSync(join(dist, path))))
      .map(([path]) => `dist/${path} is not the build of its source: npm run build`),
    ...overweight(files),
  ];
  for (const problem of problems) {
    console.error(problem);
  }
  process.exitCode = problems.length ? 1 : 0;
}

async function write() {
  const files = await built();
  rmSync(dist, { recursive: true, force: true });
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    writeFileSync(join(dist, path), bytes);
  }
  overweight(files);
}

async function tests() {
  const folder = join(root, 'build/test');
  rmSync(folder, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
    entryPoints: readdirSync(join(root, 'test'))
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => join('test', name)),
    outdir: folder,
  });
}

async function examples(entryPoints = ['examples/react.tsx', 'examples/vue.ts', 'examples/edge.mjs']) {
  const names = { '': 'index.js', '/react': 'react.js', '/vue': 'vue.js' };
  await build({
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    loader: { '.css': 'empty' },
    define: { 'process.env.NODE_ENV': '"development"', __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false' },
    alias: Object.fromEntries(
      Object.entries(names).map(([path, file]) => [`personalize-relay${path}`, join(dist, file)]),
    ),
    entryPoints,
    outExtension: { '.js': '.mjs' },
    outdir: process.argv[3],
    logLevel: 'error',
  });
}

/** Prints the bytes each file of src/ has in the script, minified and not compressed, as JSON. */
async function weights() {
  const { metafile } = await build({
    absWorkingDir: root,
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    format: 'iife',
    target: 'es2021',
    mangleProps: /^_/,
    tsconfigRaw: {},
    entryPoints: { s: 'src/snippet.ts' },
    outdir: dist,
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  const bytes = Object.entries(inputs).map(([path, { bytesInOutput }]) => [path.slice('src/'.length), bytesInOutput]);
  console.log(JSON.stringify(Object.fromEntries(bytes)));
}

const pages = () => examples(readdirSync(join(root, 'test/pages')).map((name) => join('test/pages', name)));

const modes = {
  '--check': check,
  '--examples': () => examples(),
  '--pages': pages,
  '--tests': tests,
  '--weights': weights,
};
await (modes[process.argv[2]] ?? write)();
