import { latin1 } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import { sha256 } from '../crypto/digest.ts'
import type { ObjectFormat } from '../facts.ts'
import { foldPath, POLICY_DIRECTORY } from '../policy/fold.ts'
import { isUnanswered } from '../policy/git-answers.ts'
import type {
  ChainCommit,
  ChangesAnswer,
  CommitObject,
  GitAnswers,
  GitObjectType,
  MergeAnswer,
  TagObject,
  TreeAnswer,
  Unanswered,
  WalkedCommit,
  WalkQuery,
} from '../policy/git-answers.ts'
import { pathText } from '../policy/path-text.ts'
import { Ancestry } from './ancestry.ts'
import { readObjects } from './bulk-read.ts'
import { LruCache } from './lru-cache.ts'
import type { MergePair } from './merge-process.ts'
import { MergeScratch } from './merge-tree.ts'
import { MergeQueue } from './merges.ts'
import { commitFields, objectFindings, tagFields } from './object-form.ts'
import { ObjectReader, type RawObject, type ReadAnswer, type ReadsObjects } from './objects.ts'
import {
  listRefs,
  repositoryPaths,
  shallowCommits,
  type CommitRange,
  type RepositoryPaths,
} from './refs.ts'
import type { GitPlace } from './run.ts'
import { splitObject } from './split.ts'
import { TreeReader, unanswered } from './tree-diff.ts'

/** Merge bases of merge bases of …: beyond this git's own merge is out of any use. */
const maxCrissCross = 8
/** Root trees of more commits are read by a process of their own. */
const FEW_TREES = 17

/** Answers from a repository on disk. `close` ends its processes and removes its scratch folder. */
export class RepositoryAnswers implements GitAnswers {
  readonly format: ObjectFormat
  readonly place: GitPlace
  readonly paths: RepositoryPaths
  readonly #shallow: ReadonlySet<string>
  readonly #reader: ReadsObjects
  readonly #trees: TreeReader
  readonly #ancestry: Ancestry
  readonly #merges: MergeQueue
  readonly #commits = new LruCache<Promise<CommitObject | Unanswered>>(20_000)
  #scratchReader: ObjectReader | undefined
  #refs: Promise<ReadonlyMap<string, string>> | undefined

  private constructor(
    place: GitPlace,
    paths: RepositoryPaths,
    shallow: ReadonlySet<string>,
    reader: ReadsObjects,
  ) {
    this.place = place
    this.paths = paths
    this.format = paths.format
    this.#shallow = shallow
    this.#reader = reader
    this.#trees = new TreeReader((id) => this.#readAnywhere(id))
    this.#ancestry = new Ancestry(
      place,
      paths,
      shallow,
      async (id) => {
        const commit = await this.commit(id)
        if (!isUnanswered(commit)) return commit.parents
        // It is there, and judging it says that it is too large; git walks it all the same.
        return commit.unanswered === 'LIMIT' ? [] : 'missing'
      },
      async (id) => {
        const commit = await this.commit(id)
        return isUnanswered(commit) || commit.findings.length > 0 ? undefined : commit.parents
      },
    )
    this.#merges = new MergeQueue(
      () => MergeScratch.create(place.env, paths),
      (pair) => this.#checkMerge(pair),
    )
  }

  /**
   * Opens the repository of a place.
   *
   * @throws UnavailableError as runGit
   */
  static async open(place: GitPlace): Promise<RepositoryAnswers> {
    return RepositoryAnswers.at(place, await repositoryPaths(place))
  }

  /** Opens a repository whose paths are known; a reader is ended with it. */
  static at(
    place: GitPlace,
    paths: RepositoryPaths,
    reader: ReadsObjects = new ObjectReader(place),
  ): RepositoryAnswers {
    return new RepositoryAnswers(place, paths, shallowCommits(paths), reader)
  }

  async close(): Promise<void> {
    await Promise.all([this.#reader.close(), this.#scratchReader?.close()])
    this.#merges.close()
  }

  /** As `close`, without waiting for what ends by itself. */
  letGo(): Promise<void> {
    this.#reader.letGo()
    this.#scratchReader?.letGo()
    this.#merges.close()
    return Promise.resolve()
  }

  /** Loads a range of commits so that walks inside it cost no process. */
  load(range: CommitRange): Promise<void> {
    return this.#ancestry.load(range)
  }

  /** Takes note of what has been found out elsewhere: one commit is reachable from another. */
  noteAncestor(ancestor: string, descendant: string): void {
    this.#ancestry.noteAncestor(ancestor, descendant)
  }

  /** Absent parents are SHALLOW from now on, as a push from a shallow clone makes them. */
  expectShallow(): void {
    this.#ancestry.expectShallow()
  }

  /** How many commits a walk gives, where that needs no process. */
  countAtOnce(query: WalkQuery): Promise<number | undefined> {
    return this.#ancestry.countAtOnce(query)
  }

  /** Reads any object, by id or by any name git understands, through the one process of this repository. */
  readonly read = (name: string): Promise<ReadAnswer> => this.#reader.read(name)

  /** Whether the `shallow` file names a commit. */
  isShallow(id: string): boolean {
    return this.#shallow.has(id)
  }

  commit(id: string): Promise<CommitObject | Unanswered> {
    const known = this.#commits.get(id)
    if (known !== undefined) return known
    const asked = this.#read(id, 'commit').then((raw) =>
      isUnanswered(raw) ? raw : this.#commitOf(raw),
    )
    this.#commits.set(id, asked)
    return asked
  }

  async tag(id: string): Promise<TagObject | Unanswered> {
    const raw = await this.#read(id, 'tag')
    if (isUnanswered(raw)) return raw
    const split = splitObject('tag', raw.bytes, raw.format)
    const fields = tagFields(split)
    if (fields === undefined) return unanswered('MALFORMED', 'the tag lacks a header')
    return {
      id,
      target: fields.object,
      targetType: fields.targetType,
      name: latin1(fields.name),
      tagger: latin1(fields.tagger),
      message: latin1(split.body),
      payloadSha256: encodeHex(sha256(split.payload)),
      findings: objectFindings(split).map(({ detail }) => detail),
    }
  }

  async objectType(id: string): Promise<GitObjectType | undefined> {
    const answer = await this.#reader.read(id)
    return answer.kind === 'missing' ? undefined : answer.type
  }

  walk(query: WalkQuery): AsyncIterable<WalkedCommit> {
    return this.#ancestry.walk(query)
  }

  isAncestor(ancestor: string, descendant: string): Promise<boolean | Unanswered> {
    return this.#ancestry.isAncestor(ancestor, descendant)
  }

  async tree(id: string): Promise<TreeAnswer | Unanswered> {
    const tree = await this.#trees.tree(id)
    if (isUnanswered(tree)) return tree
    const entries = tree.entries.map(({ mode, id: entryId, name }) => ({
      mode,
      id: entryId,
      name: pathText(name),
    }))
    return { entries, findings: tree.findings }
  }

  changes(from: string | undefined, to: string): Promise<ChangesAnswer | Unanswered> {
    return this.#trees.changes(from, to)
  }

  mechanicalMerge(first: string, second: string): Promise<MergeAnswer | Unanswered> {
    return this.#merges.merge(first, second)
  }

  async blob(id: string, maxBytes: number): Promise<Uint8Array | Unanswered> {
    const raw = await this.#read(id, 'blob')
    if (isUnanswered(raw)) return raw
    return raw.bytes.length > maxBytes
      ? unanswered('LIMIT', `a file is over ${String(maxBytes)} bytes`)
      : Uint8Array.from(raw.bytes)
  }

  async ref(name: string): Promise<string | undefined> {
    return (await this.#allRefs()).get(name)
  }

  async refNames(): Promise<readonly string[]> {
    return [...(await this.#allRefs()).keys()]
  }

  async policyEntryChanges(
    anchor: string,
    tip: string,
  ): Promise<readonly ChainCommit[] | undefined | Unanswered> {
    const chain: string[] = []
    let last = tip
    if (tip !== anchor) {
      const query = { include: [tip], exclude: [anchor], firstParent: true }
      for await (const { id, parents, absent } of this.walk(query)) {
        if (absent !== undefined) return unanswered(absent, 'the first-parent chain is cut off')
        chain.push(id)
        last = parents[0] ?? ''
      }
      if (last !== anchor) return undefined
    }
    return this.#entryChanges([anchor, ...chain.reverse()])
  }

  /** Commits of a chain, after the first, whose policy entries differ from the one before. */
  async #entryChanges(chain: readonly string[]): Promise<readonly ChainCommit[] | Unanswered> {
    const changes: ChainCommit[] = []
    let index = 0
    let before: string | undefined
    const trees =
      chain.length <= FEW_TREES
        ? [await Promise.all(chain.map((id) => this.#rootTree(id)))]
        : this.#rootTrees(chain)
    for await (const block of trees) {
      for (const tree of block) {
        const entries = policyEntries(tree)
        if (isUnanswered(entries)) return entries
        if (before !== undefined && entries !== before) {
          changes.push({ id: chain[index] ?? '', index })
        }
        before = entries
        index++
      }
    }
    return changes
  }

  async #rootTree(id: string): Promise<TreeAnswer | Unanswered> {
    const commit = await this.commit(id)
    return isUnanswered(commit) ? commit : this.tree(commit.tree)
  }

  /** The same of many commits, through a process of their own. */
  async *#rootTrees(
    commits: readonly string[],
  ): AsyncGenerator<(TreeAnswer | Unanswered)[], void, undefined> {
    const names = commits.map((id) => `${id}^{tree}`)
    for await (const answers of readObjects(this.place, names)) {
      const trees: (TreeAnswer | Unanswered)[] = []
      for (const answer of answers) {
        if (answer.kind === 'missing') {
          trees.push(unanswered('MISSING_OBJECT', 'a root tree is missing'))
        } else if (answer.kind === 'object') trees.push(await this.tree(answer.id))
        else trees.push(unanswered('LIMIT', 'a root tree is too large'))
      }
      yield trees
    }
  }

  async #checkMerge(pair: MergePair): Promise<MergeAnswer | Unanswered | undefined> {
    let commits = [pair.first, pair.second]
    // git 2.39 takes a missing root tree for an empty one and calls the merge clean. Several merge
    // bases are merged themselves, over their own.
    for (let depth = 0; commits.length > 1 && depth < maxCrissCross; depth++) {
      const [first = '', second = ''] = commits
      const bases = await this.#ancestry.mergeBases(first, second)
      if (isUnanswered(bases)) return bases
      if (bases.length === 0 && depth === 0) return { kind: 'unrelated' }
      for (const id of depth === 0 ? [...commits, ...bases] : bases) {
        const commit = await this.commit(id)
        if (isUnanswered(commit)) return commit
        const tree = await this.#trees.tree(commit.tree)
        if (isUnanswered(tree)) return tree
      }
      commits = [...bases]
    }
    return undefined
  }

  #commitOf(raw: RawObject): CommitObject | Unanswered {
    const split = splitObject('commit', raw.bytes, raw.format)
    const fields = commitFields(split)
    if (fields === undefined) return unanswered('MALFORMED', 'the commit lacks a header')
    return {
      id: raw.id,
      tree: fields.tree,
      parents: fields.parents,
      author: latin1(fields.author),
      committer: latin1(fields.committer),
      message: latin1(split.body),
      payloadSha256: encodeHex(sha256(split.payload)),
      findings: objectFindings(split).map(({ detail }) => detail),
      shallow: this.#shallow.has(raw.id),
    }
  }

  async #read(id: string, type: GitObjectType): Promise<RawObject | Unanswered> {
    const answer = await this.#reader.read(id)
    if (answer.kind === 'missing') return unanswered('MISSING_OBJECT', `a ${type} is missing`)
    if (answer.kind === 'too-large') return unanswered('LIMIT', `a ${type} is over the size limit`)
    if (answer.type !== type) return unanswered('MALFORMED', `a ${answer.type} for a ${type}`)
    if (!answer.idMatches) return unanswered('MALFORMED', `the hash of a ${type} is not its id`)
    return answer
  }

  async #readAnywhere(id: string): ReturnType<ObjectReader['read']> {
    const answer = await this.#reader.read(id)
    const scratch = answer.kind === 'missing' ? this.#merges.scratch : undefined
    if (scratch === undefined) return answer
    this.#scratchReader ??= new ObjectReader(scratch.place)
    return this.#scratchReader.read(id)
  }

  #allRefs(): Promise<ReadonlyMap<string, string>> {
    return (this.#refs ??= listRefs(this.place).then(
      (refs) => new Map(refs.map(({ name, id }) => [name, id])),
    ))
  }
}

function policyEntries(tree: TreeAnswer | Unanswered): string | Unanswered {
  if (isUnanswered(tree)) return tree
  return tree.entries
    .filter(({ name }) => foldPath(name) === POLICY_DIRECTORY)
    .map(({ mode, id, name }) => `${mode} ${id} ${name}`)
    .join('\n')
}
