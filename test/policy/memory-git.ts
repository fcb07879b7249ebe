import { createHash } from 'node:crypto'
import { CommitGraph } from '../../src/git/commit-graph.ts'
import { isUnanswered } from '../../src/policy/git-answers.ts'
import type {
  Change,
  ChangesAnswer,
  CommitObject,
  GitAnswers,
  GitObjectType,
  MergeAnswer,
  TagObject,
  TreeAnswer,
  TreeEntry,
  Unanswered,
  WalkedCommit,
  WalkQuery,
} from '../../src/policy/git-answers.ts'

/** Path → content; `MODE:content` with a mode of its own, such as `120000:target`. */
export type Files = Readonly<Record<string, string>>

export interface CommitParts {
  readonly files: Files
  readonly parents?: readonly string[]
  readonly author?: string
  readonly committer?: string
  readonly message?: string
  readonly findings?: readonly string[]
  /** Two commits with one payload are the same commit, signed or encoded twice. */
  readonly payload?: string
}

type Stored = readonly (TreeEntry & { readonly name: string })[]

/** A repository in memory: merges are three-way by whole files, without renames. */
export class MemoryGit implements GitAnswers {
  readonly format = 'sha1'
  readonly refs = new Map<string, string>()
  readonly missing = new Set<string>()
  readonly shallow = new Set<string>()
  /** What is wrong with a tree, by its id. */
  readonly malformed = new Map<string, string>()
  readonly #graph = new CommitGraph(20)
  readonly #commits = new Map<string, CommitObject>()
  readonly #tags = new Map<string, TagObject>()
  readonly #trees = new Map<string, Stored>()
  readonly #blobs = new Map<string, string>()
  readonly #merges = new Map<string, MergeAnswer | Unanswered>()
  walks = 0

  /** The answers as an object of its own: they are the same only during one evaluation. */
  answers(): GitAnswers {
    return {
      format: this.format,
      commit: (id) => this.commit(id),
      tag: (id) => this.tag(id),
      objectType: (id) => this.objectType(id),
      walk: (query) => this.walk(query),
      isAncestor: (ancestor, descendant) => this.isAncestor(ancestor, descendant),
      tree: (id) => this.tree(id),
      changes: (from, to) => this.changes(from, to),
      mechanicalMerge: (first, second) => this.mechanicalMerge(first, second),
      blob: (id, maxBytes) => this.blob(id, maxBytes),
      ref: (name) => this.ref(name),
      refNames: () => this.refNames(),
    }
  }

  addCommit(parts: CommitParts): string {
    const { files, parents = [], message = 'work' } = parts
    const tree = this.treeOf(files)
    const { author = ident('a@example.org'), committer = author } = parts
    const known = this.#commits.size
    const id = hash('commit', String(known), tree, ...parents, author, committer, message)
    const payloadSha256 = (parts.payload ?? id).padEnd(64, '0')
    const findings = parts.findings ?? []
    const base = { id, tree, parents, author, committer, message, payloadSha256, findings }
    this.#commits.set(id, { ...base, shallow: false })
    this.#graph.add({ id, parents: [...parents] })
    return id
  }

  addTag(parts: Pick<TagObject, 'target' | 'targetType' | 'name' | 'tagger'>): string {
    const id = hash('tag', parts.target, parts.name, parts.tagger)
    const rest = { message: '', payloadSha256: id.padEnd(64, '0'), findings: [] }
    this.#tags.set(id, { ...parts, ...rest, id })
    return id
  }

  treeOf(files: Files): string {
    const folders = new Map<string, Record<string, string>>()
    const entries: (TreeEntry & { name: string })[] = []
    for (const [path, value] of Object.entries(files)) {
      const [head = '', ...rest] = path.split('/')
      if (rest.length > 0) {
        const below = folders.get(head) ?? {}
        below[rest.join('/')] = value
        folders.set(head, below)
        continue
      }
      const [, mode = '100644', content = value] = /^(\d{6}):([^]*)$/.exec(value) ?? []
      const id = hash('blob', content)
      this.#blobs.set(id, content)
      entries.push({ mode, id, name: head })
    }
    for (const [name, below] of folders) {
      entries.push({ mode: '040000', id: this.treeOf(below), name })
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    const id = hash('tree', ...entries.map(({ mode, id: one, name }) => `${mode} ${one} ${name}`))
    this.#trees.set(id, entries)
    return id
  }

  filesOf(commit: string): Files {
    const files: Record<string, string> = {}
    const read = (tree: string, prefix: string): void => {
      for (const { mode, id, name } of this.#trees.get(tree) ?? []) {
        if (mode === '040000') read(id, `${prefix}${name}/`)
        else {
          const content = this.#blobs.get(id) ?? ''
          files[prefix + name] = mode === '100644' ? content : `${mode}:${content}`
        }
      }
    }
    const known = this.#commits.get(commit)
    if (known === undefined) throw new Error(`no commit ${commit}`)
    read(known.tree, '')
    return files
  }

  /** What a merge makes, where the simple one below would not do. */
  setMerge(first: string, second: string, answer: MergeAnswer | Unanswered): void {
    this.#merges.set(`${first} ${second}`, answer)
  }

  /** Files of a mechanical merge; conflicts are written as they are found. */
  merged(first: string, second: string): { files: Files; conflicts: string[] } | undefined {
    const bases = this.#graph.mergeBases(first, second)
    const [base] = bases
    if (base === undefined) return undefined
    const [before, ours, theirs] = [base, first, second].map((id) => this.filesOf(id))
    const files: Record<string, string> = {}
    const conflicts: string[] = []
    const paths = new Set([...Object.keys(ours ?? {}), ...Object.keys(theirs ?? {})])
    for (const path of paths) {
      const [old, one, two] = [before?.[path], ours?.[path], theirs?.[path]]
      const result = one === two || two === old ? one : one === old ? two : undefined
      const isConflict = one !== two && one !== old && two !== old
      if (isConflict) conflicts.push(path)
      const content = isConflict ? `<<<<<<< ${one ?? ''} ======= ${two ?? ''} >>>>>>>` : result
      if (content !== undefined) files[path] = content
    }
    return { files, conflicts }
  }

  commit(id: string): Promise<CommitObject | Unanswered> {
    const known = this.missing.has(id) ? undefined : this.#commits.get(id)
    if (known === undefined) {
      const code = this.#tags.has(id) || this.#trees.has(id) ? 'MALFORMED' : 'MISSING_OBJECT'
      return Promise.resolve({ unanswered: code, detail: 'no such commit' })
    }
    return Promise.resolve({ ...known, shallow: this.shallow.has(id) })
  }

  tag(id: string): Promise<TagObject | Unanswered> {
    const known = this.#tags.get(id)
    return Promise.resolve(known ?? { unanswered: 'MALFORMED', detail: 'no such tag' })
  }

  objectType(id: string): Promise<GitObjectType | undefined> {
    if (this.missing.has(id)) return Promise.resolve(undefined)
    if (this.#commits.has(id)) return Promise.resolve('commit')
    if (this.#tags.has(id)) return Promise.resolve('tag')
    if (this.#trees.has(id)) return Promise.resolve('tree')
    return Promise.resolve(this.#blobs.has(id) ? 'blob' : undefined)
  }

  async *walk({ include, exclude, firstParent }: WalkQuery): AsyncGenerator<WalkedCommit> {
    await Promise.resolve()
    this.walks++
    const below = new Set<string>()
    for (const { id, parents } of this.#graph.walk(include, exclude, firstParent)) {
      if (below.has(id)) {
        for (const parent of parents ?? []) below.add(parent)
        continue
      }
      const isMissing = this.missing.has(id)
      if (isMissing || this.shallow.has(id)) for (const one of parents ?? []) below.add(one)
      if (isMissing || parents === undefined) {
        yield { id, parents: [], absent: 'MISSING_OBJECT' }
      } else yield { id, parents }
      if (!this.shallow.has(id)) continue
      for (const parent of parents ?? []) yield { id: parent, parents: [], absent: 'SHALLOW' }
    }
  }

  isAncestor(ancestor: string, descendant: string): Promise<boolean | Unanswered> {
    const isKnown = this.#graph.has(ancestor) && this.#graph.has(descendant)
    return Promise.resolve(isKnown && this.#graph.isAncestor(ancestor, descendant))
  }

  tree(id: string): Promise<TreeAnswer | Unanswered> {
    const entries = this.missing.has(id) ? undefined : this.#trees.get(id)
    if (entries === undefined) {
      return Promise.resolve({ unanswered: 'MISSING_OBJECT', detail: 'no such tree' })
    }
    const finding = this.malformed.get(id)
    return Promise.resolve({ entries, findings: finding === undefined ? [] : [finding] })
  }

  async changes(from: string | undefined, to: string): Promise<ChangesAnswer | Unanswered> {
    const changes: Change[] = []
    const findings: string[] = []
    const compare = async (
      one: string | undefined,
      two: string | undefined,
      prefix: string,
    ): Promise<Unanswered | undefined> => {
      if (one === two) return undefined
      const before = one === undefined ? { entries: [], findings: [] } : await this.tree(one)
      const after = two === undefined ? { entries: [], findings: [] } : await this.tree(two)
      if (isUnanswered(before)) return before
      if (isUnanswered(after)) return after
      findings.push(...after.findings)
      const names = new Set([...before.entries, ...after.entries].map(({ name }) => name))
      for (const name of names) {
        const old = before.entries.find((entry) => entry.name === name)
        const now = after.entries.find((entry) => entry.name === name)
        if (old?.id === now?.id && old?.mode === now?.mode) continue
        const path = prefix + name
        const [oldTree, newTree] = [old, now].map((entry) =>
          entry?.mode === '040000' ? entry.id : undefined,
        )
        const wrong = await compare(oldTree, newTree, `${path}/`)
        if (wrong !== undefined) return wrong
        const fileBefore = oldTree === undefined ? old : undefined
        const fileAfter = newTree === undefined ? now : undefined
        if (fileBefore === undefined && fileAfter === undefined) continue
        changes.push({
          path,
          ...(fileBefore && { before: fileBefore }),
          ...(fileAfter && { after: fileAfter }),
        })
      }
      return undefined
    }
    return (await compare(from, to, '')) ?? { changes, findings }
  }

  mechanicalMerge(first: string, second: string): Promise<MergeAnswer | Unanswered> {
    const given = this.#merges.get(`${first} ${second}`)
    if (given !== undefined) return Promise.resolve(given)
    const merged = this.merged(first, second)
    if (merged === undefined) return Promise.resolve({ kind: 'unrelated' })
    const { files, conflicts } = merged
    return Promise.resolve({ kind: 'merged', tree: this.treeOf(files), conflicts })
  }

  blob(id: string, maxBytes: number): Promise<Uint8Array | Unanswered> {
    const content = this.#blobs.get(id)
    if (content === undefined) {
      return Promise.resolve({ unanswered: 'MISSING_OBJECT', detail: 'no such blob' })
    }
    const bytes = new TextEncoder().encode(content)
    return Promise.resolve(
      bytes.length > maxBytes ? { unanswered: 'LIMIT', detail: 'a file is too large' } : bytes,
    )
  }

  ref(name: string): Promise<string | undefined> {
    return Promise.resolve(this.refs.get(name))
  }

  refNames(): Promise<readonly string[]> {
    return Promise.resolve([...this.refs.keys()])
  }
}

export function ident(address: string, name = 'Somebody'): string {
  return `${name} <${address}> 1767225600 +0000`
}

function hash(...parts: readonly string[]): string {
  return createHash('sha1').update(parts.join('\0')).digest('hex')
}
