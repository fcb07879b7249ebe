// Builds dist aside and then puts it in place file by file, so that a running test or a git that
// signs meanwhile finds either the old program or the new one. `npx tsup` alone leaves old chunks
// behind.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const project = fileURLToPath(new URL('..', import.meta.url))
const dist = join(project, 'dist')

/** Throws when tsup fails; its words are in the message. */
export function build() {
  mkdirSync(join(project, '.cache'), { recursive: true })
  const fresh = mkdtempSync(join(project, '.cache', 'build-'))
  try {
    const tsup = join(project, 'node_modules', 'tsup', 'dist', 'cli-default.js')
    const run = spawnSync(process.execPath, [tsup, '--silent', '--out-dir', fresh], {
      cwd: project,
      encoding: 'utf8',
    })
    if (run.status !== 0) throw new Error(`tsup failed:\n${run.stdout}${run.stderr}`)
    writeManPage(fresh)
    copyAssets(fresh)
    compileAhead(fresh)
    putInPlace(fresh)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

/** The table of commands is TypeScript: the program just built prints its own manual. */
function writeManPage(fresh) {
  const run = spawnSync(process.execPath, [join(fresh, 'cli.js'), 'help', '--man'], {
    encoding: 'utf8',
  })
  if (run.status !== 0) throw new Error(`help --man failed:\n${run.stdout}${run.stderr}`)
  writeFileSync(join(fresh, 'git-signet.1'), run.stdout)
}

/** What is read at run time: the report's page, the JSON Schemas, the trusted root. */
function copyAssets(fresh) {
  cpSync(join(project, 'src', 'sigstore', 'public-good.json'), join(fresh, 'public-good.json'))
  for (const name of ['page', 'schema']) {
    cpSync(join(project, 'src', 'report', name), join(fresh, name), { recursive: true })
  }
}

function compileAhead(fresh) {
  const script = join(project, 'scripts', 'code-cache.mjs')
  const run = spawnSync(process.execPath, [script, fresh], { encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`code-cache.mjs failed:\n${run.stderr}`)
}

function putInPlace(fresh) {
  mkdirSync(dist, { recursive: true })
  const files = readdirSync(fresh)
  // Entries last: whoever starts now finds every chunk that its entry names.
  const entries = files.filter((name) => existsSync(join(dist, name)))
  for (const name of files)
    if (!entries.includes(name)) renameSync(join(fresh, name), join(dist, name))
  for (const name of entries) {
    if (statSync(join(fresh, name)).isDirectory()) rmSync(join(dist, name), { recursive: true })
    renameSync(join(fresh, name), join(dist, name))
  }
  for (const name of readdirSync(dist)) {
    if (!files.includes(name)) rmSync(join(dist, name), { recursive: true, force: true })
  }
}

if (process.argv[1] && pathToFileURL(resolve(process.argv[1])).href === import.meta.url) build()
