import { isPolicyDirectoryTwin } from '../policy/fold.ts'
import {
  isUnanswered,
  type Change,
  type ChangesAnswer,
  type Unanswered,
} from '../policy/git-answers.ts'
import { pathText } from '../policy/path-text.ts'
import { MalformedError } from '../errors.ts'
import { LruCache } from './lru-cache.ts'
import type { ReadAnswer } from './objects.ts'
import { parseTree, type ParsedTree } from './trees.ts'

/** Paths of one difference; a tree may name itself so often that it has more files than atoms. */
const maxChanges = 200_000
const maxDepth = 512

/** Reads one object by id. */
export type ReadObject = (id: string) => Promise<ReadAnswer>

/** Trees of one repository, read at most once while they are in use. */
export class TreeReader {
  readonly #read: ReadObject
  readonly #trees = new LruCache<Promise<ParsedTree | Unanswered>>(32 << 20)

  constructor(read: ReadObject) {
    this.#read = read
  }

  /** A tree by its own id. */
  tree(id: string): Promise<ParsedTree | Unanswered> {
    const known = this.#trees.get(id)
    if (known !== undefined) return known
    const asked = this.#load(id)
    this.#trees.set(id, asked)
    void asked.then(
      (tree) => {
        this.#trees.set(id, asked, isUnanswered(tree) ? 1 : 200 + tree.entries.length * 150)
      },
      () => undefined,
    )
    return asked
  }

  /**
   * Every path that differs, trees opened to the files, without rename detection. Findings are about
   * trees below `to` that are not at the same place below `from`.
   */
  async changes(from: string | undefined, to: string): Promise<ChangesAnswer | Unanswered> {
    const changes: Change[] = []
    const notes: Notes = { findings: new Set(), tolerated: new Set() }
    const problem = await this.#compare(from, to, '', 0, changes, notes)
    const { findings, tolerated } = notes
    return problem ?? { changes, findings: [...findings], tolerated: [...tolerated] }
  }

  async #load(id: string): Promise<ParsedTree | Unanswered> {
    const answer = await this.#read(id)
    if (answer.kind === 'missing') return unanswered('MISSING_OBJECT', 'a tree is missing')
    if (answer.kind === 'too-large') return unanswered('LIMIT', 'a tree is over the size limit')
    if (answer.type !== 'tree') return unanswered('MALFORMED', 'what should be a tree is none')
    if (!answer.idMatches) return unanswered('MALFORMED', 'the hash of a tree is not its id')
    try {
      return parseTree(answer.bytes, answer.format)
    } catch (error) {
      if (error instanceof MalformedError) return unanswered('MALFORMED', error.message)
      throw error
    }
  }

  async #compare(
    from: string | undefined,
    to: string | undefined,
    prefix: string,
    depth: number,
    changes: Change[],
    notes: Notes,
  ): Promise<Unanswered | undefined> {
    if (from === to) return undefined
    if (depth > maxDepth) return unanswered('LIMIT', 'folders are nested too deep')
    const [old, now] = await Promise.all([this.#optional(from), this.#optional(to)])
    if (isUnanswered(old)) return old
    if (isUnanswered(now)) return now
    for (const finding of now.findings) notes.findings.add(finding)
    for (const one of now.tolerated) notes.tolerated.add(one)
    const before = new Map(old.entries.map((entry) => [pathText(entry.name), entry]))
    const names = new Map([...before.keys()].map((name) => [name, undefined as TreeLike]))
    for (const entry of now.entries) names.set(pathText(entry.name), entry)
    for (const [name, after] of names) {
      const earlier = before.get(name)
      if (earlier?.id === after?.id && earlier?.mode === after?.mode) continue
      if (depth === 0 && after !== undefined && isPolicyDirectoryTwin(name)) {
        notes.findings.add('a name that folds to .signet')
      }
      const path = prefix + name
      const problem = await this.#entry(path, earlier, after, depth, changes, notes)
      if (problem !== undefined) return problem
      if (changes.length > maxChanges) return unanswered('LIMIT', 'too many paths differ')
    }
    return undefined
  }

  async #entry(
    path: string,
    before: TreeLike,
    after: TreeLike,
    depth: number,
    changes: Change[],
    notes: Notes,
  ): Promise<Unanswered | undefined> {
    const oldFile = before !== undefined && before.mode !== folderMode ? before : undefined
    const newFile = after !== undefined && after.mode !== folderMode ? after : undefined
    if (oldFile !== undefined || newFile !== undefined) {
      changes.push({
        path,
        ...(oldFile === undefined ? {} : { before: { mode: oldFile.mode, id: oldFile.id } }),
        ...(newFile === undefined ? {} : { after: { mode: newFile.mode, id: newFile.id } }),
      })
    }
    const oldFolder = before?.mode === folderMode ? before.id : undefined
    const newFolder = after?.mode === folderMode ? after.id : undefined
    if (oldFolder === newFolder) return undefined
    return this.#compare(oldFolder, newFolder, `${path}/`, depth + 1, changes, notes)
  }

  #optional(id: string | undefined): Promise<ParsedTree | Unanswered> {
    return id === undefined ? Promise.resolve(emptyTree) : this.tree(id)
  }
}

/** What is wrong, or odd, with the trees that were read. */
interface Notes {
  readonly findings: Set<string>
  readonly tolerated: Set<string>
}

type TreeLike = { readonly mode: string; readonly id: string } | undefined

const folderMode = '040000'
const emptyTree: ParsedTree = { entries: [], findings: [], tolerated: [] }

/** A question that has no answer, as a value. */
export function unanswered(code: Unanswered['unanswered'], detail: string): Unanswered {
  return { unanswered: code, detail }
}
