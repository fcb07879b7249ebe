import { MalformedError } from '../errors.ts'
import type { ObjectFormat } from '../facts.ts'

/** One entry of a tree. */
export interface TreeEntry {
  /** Canonical: 100644 100755 120000 160000 040000; an unknown one is kept as it stands. */
  readonly mode: string
  readonly name: Uint8Array
  readonly id: string
}

export interface ParsedTree {
  /** In stored order. */
  readonly entries: readonly TreeEntry[]
  /** Everything for which the tree is MALFORMED although git may go on. Names no bytes of it. */
  readonly findings: readonly string[]
  /** Modes that read as another, such as 100664. */
  readonly tolerated: readonly string[]
}

const canonicalModes: Readonly<Record<string, string>> = {
  '100644': '100644',
  '100755': '100755',
  '120000': '120000',
  '160000': '160000',
  '40000': '040000',
  '100664': '100644',
}

/**
 * Reads a tree and checks what policy.md §4.1 asks of it: strictly sorted, no name twice, no name that
 * some file system takes for the repository or another folder, known modes.
 *
 * @throws MalformedError TREE_MALFORMED where there is no reading at all
 */
export function parseTree(bytes: Uint8Array, format: ObjectFormat): ParsedTree {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const idBytes = format === 'sha1' ? 20 : 32
  const entries: TreeEntry[] = []
  const findings = new Set<string>()
  const tolerated = new Set<string>()
  const names = new Set<string>()
  let before: Buffer | undefined
  for (let at = 0; at < buffer.length;) {
    const space = buffer.indexOf(0x20, at)
    const end = space === -1 ? -1 : buffer.indexOf(0, space)
    if (end === -1 || space - at > 7 || end + 1 + idBytes > buffer.length) {
      throw new MalformedError('TREE_MALFORMED', 'tree is malformed: an entry is cut off')
    }
    const stored = buffer.toString('latin1', at, space)
    const name = buffer.subarray(space + 1, end)
    const mode = canonicalModes[stored]
    if (mode === undefined) findings.add('unknown mode')
    else if (stored === '100664') tolerated.add('mode 100664')
    const wrong = nameFinding(name)
    if (wrong !== undefined) findings.add(wrong)
    const text = name.toString('latin1')
    if (names.has(text)) findings.add('the same name twice')
    names.add(text)
    // git sorts a folder as if its name ended in a slash (read-cache.c base_name_compare).
    const key = mode === '040000' ? Buffer.concat([name, slash]) : name
    if (before !== undefined && before.compare(key) >= 0) findings.add('entries are not sorted')
    before = key
    const id = buffer.toString('hex', end + 1, end + 1 + idBytes)
    entries.push({ mode: mode ?? stored, name, id })
    at = end + 1 + idBytes
  }
  return { entries, findings: [...findings], tolerated: [...tolerated] }
}

const slash = Buffer.from('/')

/** What is wrong with a name, as git fsck tells it. */
function nameFinding(name: Buffer): string | undefined {
  if (name.length === 0) return 'an empty name'
  if (name.includes(0x2f)) return 'a name with a slash'
  const text = name.toString('utf8')
  if (text === '.' || text === '..') return 'a name that is . or ..'
  return isDotGit(text) ? 'a name that a file system takes for .git' : undefined
}

/**
 * Whether HFS+ or NTFS would open `.git` under this name.
 *
 * @see git: utf8.c is_hfs_dotgit, path.c is_ntfs_dotgit, fsck.c fsck_tree
 */
export function isDotGit(name: string): boolean {
  if (!/git/i.test(name) && !ignoredByHfs.test(name)) return false
  const hfs = name.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
  if (/^\.git$/i.test(hfs)) return true
  return name.split('\\').some((part) => /^(\.git|git~1)[. ]*(:|$)/i.test(part))
}

const ignoredByHfs = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/
