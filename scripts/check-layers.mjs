// Keeps the folders of src in their levels: a folder imports from lower levels only and, within
// levels 1 and 2, from those to its left. It also keeps powers in their place: processes are
// started by src/git alone, cryptography comes through src/crypto, the pure levels touch no machine.
// A rule that only review enforces is broken within a month.
import { readFileSync, readdirSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, posix, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

const LEVELS = [
  ['errors.ts', 'facts.ts', 'encoding'],
  ['asn1', 'crypto'],
  ['x509', 'cms', 'rfc3161', 'tlog', 'bundle', 'gpg', 'policy'],
  ['git', 'oidc', 'sigstore'],
  ['config', 'verification'],
  ['agent', 'report', 'localstack'],
  ['signing', 'hooks'],
  ['cli'],
]
/** Up to here a folder may import those to its left in its own level. */
const ORDERED_UP_TO = 2
/** They must not know each other: the stack that tests the verifier cannot share its mistakes. */
const STRANGERS = ['localstack', 'verification']
const FROM_ANYWHERE = new Set(['errors.ts', 'facts.ts'])
/** Folders of levels 0-2 compute; they reach no file, network, clock or process. */
const IMPURE = new Set(
  'fs net tls http https http2 dns dgram child_process process os worker_threads cluster timers readline tty'.split(
    ' ',
  ),
)
const MAY_START_PROCESSES = new Set(['git'])
const MAY_USE_CRYPTO = new Set(['crypto', 'localstack'])

const levelOf = (part) => LEVELS.findIndex((parts) => parts.includes(part))

/** Top folder (or file) of a path below src: `tlog/merkle.ts` → `tlog`. */
const partOf = (path) => path.split('/')[0]

function checkFolders(from, to) {
  const [fromPart, toPart] = [partOf(from), partOf(to)]
  const [fromLevel, toLevel] = [levelOf(fromPart), levelOf(toPart)]
  if (toLevel === -1) return `${toPart} has no level`
  if (fromPart === toPart || FROM_ANYWHERE.has(toPart)) return undefined
  if (STRANGERS.includes(fromPart) && STRANGERS.includes(toPart)) {
    return `${fromPart} and ${toPart} may not know each other`
  }
  if (toLevel > fromLevel)
    return `${fromPart} (level ${fromLevel}) may not import ${toPart} (level ${toLevel})`
  if (toLevel < fromLevel) return undefined
  const order = LEVELS[fromLevel]
  if (fromLevel <= ORDERED_UP_TO && order.indexOf(toPart) < order.indexOf(fromPart))
    return undefined
  return `${fromPart} may not import ${toPart}: same level${fromLevel <= ORDERED_UP_TO ? ', not to its left' : ''}`
}

function checkBuiltin(from, name) {
  const part = partOf(from)
  const base = name.replace(/^node:/, '').split('/')[0]
  if (!name.startsWith('node:')) return `write node:${name}`
  if (base === 'child_process' && !MAY_START_PROCESSES.has(part))
    return 'only src/git starts processes'
  if (base === 'crypto' && !MAY_USE_CRYPTO.has(part)) return 'only src/crypto uses node:crypto'
  if (levelOf(part) <= 2 && IMPURE.has(base)) return `${part} is pure: no ${name}`
  return undefined
}

/** Imports that only name types vanish at build time, but a level is a level: they count. */
function importsOf(text) {
  const { importedFiles } = ts.preProcessFile(text, true, true)
  return importedFiles.map(({ fileName }) => fileName)
}

/**
 * Whether loading the file loads `name` too. Types are erased and `import()` waits until it runs:
 * neither closes a cycle.
 */
function isStatic(text, name) {
  const statements = text.matchAll(/^(?:import|export)\s+(type\b)?[^'"]*?'([^']+)'/gm)
  return [...statements].some(([, type, path]) => path === name && type === undefined)
}

/** @param files Map of path below src → text. Returns one line for each broken rule. */
export function findBrokenRules(files) {
  const broken = []
  const graph = new Map()
  for (const [from, text] of files) {
    if (levelOf(partOf(from)) === -1) broken.push(`${from}: ${partOf(from)} has no level`)
    const targets = []
    for (const name of importsOf(text)) {
      let why
      if (name.startsWith('.')) {
        const to = posix.normalize(posix.join(posix.dirname(from), name))
        if (to.startsWith('..') || /\.(json|cjs|js)$/.test(to)) continue
        if (files.has(to)) {
          if (isStatic(text, name)) targets.push(to)
        } else why = 'no such file'
        why ??= checkFolders(from, to)
      } else if (name.startsWith('node:') || builtinModules.includes(name)) {
        why = checkBuiltin(from, name)
      }
      if (why) broken.push(`${from}: imports ${name}: ${why}`)
    }
    graph.set(from, targets)
  }
  return [...broken, ...findCycles(graph)]
}

function findCycles(graph) {
  const cycles = []
  const done = new Set()
  const visit = (file, path) => {
    if (done.has(file)) return
    const start = path.indexOf(file)
    if (start !== -1) {
      cycles.push(`cycle: ${[...path.slice(start), file].join(' → ')}`)
      return
    }
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return cycles
}

function readSources(root) {
  const files = new Map()
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
    const path = join(entry.parentPath, entry.name)
    files.set(relative(root, path).replaceAll('\\', '/'), readFileSync(path, 'utf8'))
  }
  return files
}

if (process.argv[1] && pathToFileURL(resolve(process.argv[1])).href === import.meta.url) {
  const root = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src')
  const broken = findBrokenRules(readSources(root))
  for (const line of broken) console.error(`layers: ${line}`)
  process.exitCode = broken.length > 0 ? 1 : 0
}
