import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ObjectFormat } from '../facts.ts'
import type { GitObjectType } from './batch-parser.ts'
import { objectId } from './objects.ts'

/** What a scratch repository is made of. */
export interface ScratchShape {
  readonly format: ObjectFormat
  /** Lines `section.name=value` of its only configuration. */
  readonly settings: readonly string[]
  /** Folders with the objects that are not its own. */
  readonly alternates: readonly string[]
}

/** Writes an empty bare repository as `git init` does: no hook, no template, no process. */
export function writeScratchRepository(folder: string, shape: ScratchShape): void {
  for (const name of ['refs', 'objects/info']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'HEAD'), 'ref: refs/heads/main\n')
  const format =
    shape.format === 'sha1'
      ? ['core.repositoryFormatVersion=0']
      : ['core.repositoryFormatVersion=1', `extensions.objectFormat=${shape.format}`]
  const config = [...format, 'core.bare=true', ...shape.settings].map((setting) => {
    const [, section = '', name = '', value = ''] = /^(\w+)\.(\w+)=(.*)$/.exec(setting) ?? []
    return `[${section}]\n\t${name} = ${value}\n`
  })
  writeFileSync(join(folder, 'config'), config.join(''))
  const lines = shape.alternates.map((one) => `${quoted(one)}\n`)
  writeFileSync(join(folder, 'objects', 'info', 'alternates'), lines.join(''))
}

/** git unquotes a line of `alternates` that starts with a quote as it does C strings. */
function quoted(path: string): string {
  if (!/[\n"\\#]/.test(path)) return path
  return `"${path.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
}

/**
 * Writes two commits whose merge is quick and has an answer of more than `bytes`: one removes a file with
 * a long name, the other changes its mode.
 */
export function writeLongAnswer(
  folder: string,
  format: ObjectFormat,
  bytes: number,
): { readonly first: string; readonly second: string } {
  // Not on the way of a push without merges, which would load it for nothing.
  const { deflateSync } = process.getBuiltinModule('node:zlib')
  const store = (type: GitObjectType, content: Uint8Array): string => {
    const id = objectId(type, content, format)
    const header = Buffer.from(`${type} ${String(content.length)}\0`)
    mkdirSync(join(folder, 'objects', id.slice(0, 2)), { recursive: true })
    const path = join(folder, 'objects', id.slice(0, 2), id.slice(2))
    writeFileSync(path, deflateSync(Buffer.concat([header, content]), { level: 1 }))
    return id
  }
  const blob = Buffer.from(store('blob', Buffer.alloc(0)), 'hex')
  const treeOf = (mode: string): string =>
    store('tree', Buffer.concat([Buffer.from(`${mode} ${'a'.repeat(bytes)}\0`), blob]))
  const commit = (tree: string, parents: readonly string[]): string => {
    const lines = [
      `tree ${tree}`,
      ...parents.map((id) => `parent ${id}`),
      'author git-signet <> 0 +0000',
      'committer git-signet <> 0 +0000',
    ]
    return store('commit', Buffer.from(`${lines.join('\n')}\n\n`))
  }
  const base = commit(treeOf('100644'), [])
  return {
    first: commit(store('tree', Buffer.alloc(0)), [base]),
    second: commit(treeOf('100755'), [base]),
  }
}
