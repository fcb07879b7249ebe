import { UnavailableError } from '../errors.ts'
import type { Unanswered, WalkQuery, WalkedCommit } from '../policy/git-answers.ts'
import { CommitGraph } from './commit-graph.ts'
import type { CommitRange, RepositoryPaths } from './refs.ts'
import { runGit, type GitPlace } from './run.ts'
import { straightLine, type ParentsOf, type StraightLine } from './straight-line.ts'
import { unanswered } from './tree-diff.ts'
import { listCommits } from './walk.ts'

/** Notes beyond this are not kept. */
const maxNotes = 10_000

/** No more are looked at to spare a process. */
const MAX_PARENTS = 16

/** Parents as the raw commit names them, or why there is no reading it. */
export type ReadParents = (id: string) => Promise<readonly string[] | 'missing'>

/**
 * Questions about who descends from whom. A few are asked of git, a process each; after `load` they are
 * answered from memory.
 */
export class Ancestry {
  readonly #place: GitPlace
  readonly #shallow: ReadonlySet<string>
  readonly #readParents: ReadParents
  readonly #saneParents: ParentsOf
  readonly #idBytes: 20 | 32
  /** What was found out or told: a commit and another that it is reachable from. */
  readonly #below = new Set<string>()
  /** What an absent parent is called. */
  #cut: 'MISSING_OBJECT' | 'SHALLOW' = 'MISSING_OBJECT'
  #graph: CommitGraph | undefined
  #loadedWithout: readonly string[] = []
  #loaded: readonly string[] = []

  constructor(
    place: GitPlace,
    paths: RepositoryPaths,
    shallow: ReadonlySet<string>,
    readParents: ReadParents,
    saneParents: ParentsOf,
  ) {
    this.#place = place
    this.#shallow = shallow
    this.#readParents = readParents
    this.#saneParents = saneParents
    this.#idBytes = paths.format === 'sha1' ? 20 : 32
  }

  /**
   * Loads a range so that later questions inside it need no process, and beside what was loaded where that
   * ends at the same commits. Where a commit on the way is missing nothing is loaded, and questions are
   * answered one by one.
   */
  async load({ include, exclude }: CommitRange): Promise<void> {
    if (this.#isLoaded({ include, exclude })) return
    const isMore = this.#graph !== undefined && isSame(exclude, this.#loadedWithout)
    const graph = (isMore ? this.#graph : undefined) ?? new CommitGraph(this.#idBytes)
    const known = isMore ? this.#loaded : []
    const range = {
      include: include.filter((id) => !graph.has(id)),
      exclude: [...exclude, ...known],
    }
    try {
      for await (const commit of listCommits(this.#place, range, {
        order: 'reverse-topological',
      })) {
        graph.add({ id: commit.id, parents: await this.#rawParents(commit.id, commit.parents) })
      }
    } catch (error) {
      if (error instanceof UnavailableError && error.code === 'GIT_FAILED') return
      throw error
    }
    this.#graph = graph
    this.#loadedWithout = exclude
    this.#loaded = [...known, ...range.include]
  }

  /** Takes note of what has been found out elsewhere: one commit is reachable from another. */
  noteAncestor(ancestor: string, descendant: string): void {
    if (this.#below.size < maxNotes) this.#below.add(`${ancestor} ${descendant}`)
  }

  /**
   * Absent parents are SHALLOW from now on: git has seen that a push is whole but for what its shallow
   * boundary cuts off, and does not tell hooks where that is.
   */
  expectShallow(): void {
    this.#cut = 'SHALLOW'
  }

  /** How many commits a walk gives, where that needs no process. */
  async countAtOnce(query: WalkQuery): Promise<number | undefined> {
    return (await this.#walkStraight(query))?.length
  }

  /** @see GitAnswers.walk */
  async *walk(query: WalkQuery): AsyncGenerator<WalkedCommit, void, undefined> {
    if (this.#isLoaded(query)) {
      yield* this.#walkLoaded(query)
      return
    }
    const alone = await this.#withoutParents(query)
    if (alone !== undefined) {
      yield alone
      return
    }
    const commits = await this.#walkStraight(query)
    if (commits === undefined) yield* this.#walkGit(query)
    else yield* commits
  }

  async #walkStraight(query: WalkQuery): Promise<readonly WalkedCommit[] | undefined> {
    const line = await this.#straightLine(query)
    // An excluded commit that is not on the line may reach what is.
    return line?.end === undefined && query.exclude.length > 0 ? undefined : line?.commits
  }

  /** Only in whole histories: with `shallow` there are commits whose parents do not count. */
  async #straightLine(query: WalkQuery): Promise<StraightLine | undefined> {
    if (this.#shallow.size > 0) return undefined
    const line = await straightLine(query, this.#saneParents, (ancestor, descendant) =>
      this.#isKnownBelow(ancestor, descendant),
    )
    if (line?.end !== undefined) this.noteAncestor(line.end, query.include[0] ?? '')
    return line
  }

  #isKnownBelow(ancestor: string, descendant: string): boolean {
    return ancestor === descendant || this.#below.has(`${ancestor} ${descendant}`)
  }

  /** @see GitAnswers.isAncestor */
  async isAncestor(ancestor: string, descendant: string): Promise<boolean | Unanswered> {
    if (ancestor === descendant) return true
    const graph = this.#graph
    if (graph?.has(descendant) === true) {
      if (graph.has(ancestor)) return graph.isAncestor(ancestor, descendant)
    }
    if (this.#isKnownBelow(ancestor, descendant)) return true
    const line = await this.#straightLine({ include: [descendant], exclude: [ancestor] })
    if (line !== undefined) return line.end === ancestor
    const { status } = await runGit(
      this.#place,
      ['merge-base', '--is-ancestor', '--', ancestor, descendant],
      { answers: [0, 1, 128] },
    )
    if (status === 0) {
      this.noteAncestor(ancestor, descendant)
      return true
    }
    // git also says no where history ends before it finds out.
    const hole = await this.#firstHole({ include: [descendant], exclude: [ancestor] })
    return hole?.id === ancestor || (hole?.answer ?? false)
  }

  /** Best common ancestors of two commits; empty where there is none. */
  async mergeBases(first: string, second: string): Promise<readonly string[] | Unanswered> {
    const graph = this.#graph
    if (graph?.has(first) === true && graph.has(second)) {
      const bases = graph.mergeBases(first, second)
      const isWhole = this.#loadedWithout.length === 0 && this.#shallow.size === 0
      if (bases.length > 0 || isWhole) return bases
    }
    const { status, stdout } = await runGit(
      this.#place,
      ['merge-base', '--all', '--', first, second],
      { answers: [0, 1, 128] },
    )
    if (status === 0) return stdout.toString('latin1').trim().split('\n')
    const hole = await this.#firstHole({ include: [first, second], exclude: [] })
    return hole?.answer ?? []
  }

  async #firstHole(query: WalkQuery): Promise<{ id: string; answer: Unanswered } | undefined> {
    for await (const { id, absent } of this.walk(query)) {
      if (absent === undefined) continue
      return { id, answer: unanswered(absent, 'history is cut off before it was found') }
    }
    return undefined
  }

  /** The one commit of a walk that excludes exactly its parents: nothing else can be in it. */
  async #withoutParents({ include, exclude }: WalkQuery): Promise<WalkedCommit | undefined> {
    const [id, ...more] = include
    if (id === undefined || more.length > 0) return undefined
    // A commit without parents may be one that could not be read.
    if (exclude.length === 0 || exclude.length > MAX_PARENTS) return undefined
    const parents = await this.#readParents(id)
    const isExact =
      parents !== 'missing' &&
      parents.every((parent) => exclude.includes(parent)) &&
      exclude.every((one) => parents.includes(one))
    if (!isExact) return undefined
    // An absent one excludes nothing.
    const above = await Promise.all(parents.map((parent) => this.#readParents(parent)))
    return above.includes('missing') ? undefined : { id, parents }
  }

  #isLoaded({ include, exclude }: WalkQuery): boolean {
    const graph = this.#graph
    return (
      graph !== undefined &&
      include.every((id) => graph.has(id)) &&
      this.#loadedWithout.every((id) => exclude.includes(id)) &&
      // What lies below an excluded commit outside the graph is unknown here.
      exclude.every((id) => graph.has(id) || this.#loadedWithout.includes(id))
    )
  }

  *#walkLoaded(query: WalkQuery): Generator<WalkedCommit, void, undefined> {
    const graph = this.#graph
    if (graph === undefined) return
    const ofShallow = new Set<string>()
    for (const { id, parents } of graph.walk(query.include, query.exclude, query.firstParent)) {
      if (parents === undefined) {
        // Parents outside the graph lie below what it was loaded without, or were never fetched.
        if (ofShallow.has(id)) yield { id, parents: [], absent: 'SHALLOW' }
      } else {
        if (this.#shallow.has(id)) for (const parent of parents) ofShallow.add(parent)
        yield { id, parents }
      }
    }
  }

  async *#walkGit(query: WalkQuery): AsyncGenerator<WalkedCommit, void, undefined> {
    const present = async (ids: readonly string[]): Promise<string[]> => {
      const found = await Promise.all(ids.map((id) => this.#readParents(id)))
      return ids.filter((_, index) => found[index] !== 'missing')
    }
    const include = await present(query.include)
    const exclude = await present(query.exclude)
    const absent = new Set(query.include.filter((id) => !include.includes(id)))
    const boundary = new Set<string>()
    const seen = new Set<string>()
    try {
      const range = { include, exclude }
      const options = { order: 'topological', firstParent: query.firstParent ?? false } as const
      for await (const listed of listCommits(this.#place, range, options)) {
        const parents = await this.#rawParents(listed.id, listed.parents)
        seen.add(listed.id)
        if (this.#shallow.has(listed.id)) for (const parent of parents) boundary.add(parent)
        yield { id: listed.id, parents }
      }
    } catch (error) {
      if (!(error instanceof UnavailableError) || error.code !== 'GIT_FAILED') throw error
      // With the topological order git has found every commit, or fails before it prints one.
      if (seen.size > 0) throw error
      yield* this.#walkBroken(include, exclude, query.firstParent === true)
    }
    for (const id of absent) if (!exclude.includes(id)) yield missing(id)
    for (const id of boundary) {
      if (!seen.has(id) && !query.exclude.includes(id)) yield { id, parents: [], absent: 'SHALLOW' }
    }
  }

  /** The same walk over a history with holes, commit by commit; slow, and only then needed. */
  async *#walkBroken(
    include: readonly string[],
    exclude: readonly string[],
    firstParent: boolean,
  ): AsyncGenerator<WalkedCommit, void, undefined> {
    const excluded = await this.#reach(exclude, new Map(), false)
    const found = await this.#reach(include, excluded, firstParent)
    const children = new Map<string, number>()
    for (const parents of found.values()) {
      if (parents === 'missing') continue
      for (const parent of parents) children.set(parent, (children.get(parent) ?? 0) + 1)
    }
    const ready = [...found.keys()].filter((id) => !children.has(id))
    for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
      const parents = found.get(id)
      if (parents === undefined) continue
      if (parents === 'missing') {
        yield include.includes(id) ? missing(id) : { id, parents: [], absent: this.#cut }
        continue
      }
      yield { id, parents }
      for (const parent of parents) {
        const left = (children.get(parent) ?? 0) - 1
        children.set(parent, left)
        if (left === 0) ready.push(parent)
      }
    }
  }

  async #reach(
    from: readonly string[],
    stop: ReadonlyMap<string, unknown>,
    firstParent: boolean,
  ): Promise<Map<string, readonly string[] | 'missing'>> {
    const found = new Map<string, readonly string[] | 'missing'>()
    let front = [...new Set(from)].filter((id) => !stop.has(id))
    while (front.length > 0) {
      const read = await Promise.all(front.map((id) => this.#readParents(id)))
      const next = new Set<string>()
      for (const [index, id] of front.entries()) {
        const parents = read[index] ?? 'missing'
        found.set(id, parents)
        if (parents === 'missing' || this.#shallow.has(id)) continue
        for (const parent of firstParent ? parents.slice(0, 1) : parents) next.add(parent)
      }
      front = [...next].filter((id) => !found.has(id) && !stop.has(id))
    }
    return found
  }

  async #rawParents(id: string, listed: readonly string[]): Promise<readonly string[]> {
    if (!this.#shallow.has(id)) return listed
    const raw = await this.#readParents(id)
    return raw === 'missing' ? listed : raw
  }
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  const all = new Set(others)
  return some.length === all.size && some.every((id) => all.has(id))
}

function missing(id: string): WalkedCommit {
  return { id, parents: [], absent: 'MISSING_OBJECT' }
}
