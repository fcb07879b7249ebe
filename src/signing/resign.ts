import { concatBytes, encodeUtf8, latin1 } from '../encoding/bytes.ts'
import { MalformedError, UnavailableError, UsageError } from '../errors.ts'
import type { RepositoryAnswers } from '../git/answers.ts'
import { commitFields, objectFindings } from '../git/object-form.ts'
import { objectId, ObjectReader, type RawObject } from '../git/objects.ts'
import type { CommitRange } from '../git/refs.ts'
import { runGit } from '../git/run.ts'
import { signatureHeader, splitObject, type SplitObject } from '../git/split.ts'
import { committerOf, isSameAddress } from './committer.ts'

/** A commit that gets another id, and why. */
export interface Rewrite {
  readonly id: string
  readonly split: SplitObject
  readonly parents: readonly string[]
  /** `unsigned`: it had no signature; `moved`: its parents get other ids, which ends its signature. */
  readonly why: 'unsigned' | 'moved'
}

export interface ResignPlan {
  /** Parents before children. */
  readonly rewrites: readonly Rewrite[]
  /** Commits of the range that stay as they are. */
  readonly kept: number
}

/** Signatures asked for at one time; only commits on different branches can be. */
const sideBySide = 8

/**
 * Finds what signing every unsigned commit of a range takes. Commits that are signed, and lie on nothing
 * that changes, stay.
 *
 * @param email - the address whose commits may be signed
 * @throws UsageError RESIGN_FOREIGN a commit of somebody else would have to be signed;
 * UnavailableError MISSING_OBJECT; MalformedError OBJECT_FORM
 */
export async function planResign(
  repository: RepositoryAnswers,
  range: CommitRange,
  email: string,
): Promise<ResignPlan> {
  const listed: string[] = []
  for await (const { id, absent } of repository.walk(range)) {
    // What lies beyond a shallow boundary is not rewritten, so it need not be there.
    if (absent === 'MISSING_OBJECT') throw missing(id)
    if (absent === undefined) listed.push(id)
  }
  const reader = new ObjectReader(repository.place)
  const rewrites = new Map<string, Rewrite>()
  const foreign: string[] = []
  try {
    for (const id of listed.reverse()) {
      const commit = await readCommit(reader, id)
      const { split, parents } = commit
      const isMoved = parents.some((parent) => rewrites.has(parent))
      if (split.signature !== undefined && !isMoved) continue
      const committer = committerOf(split.payload)
      const isOwn = committer !== undefined && isSameAddress(committer.email, email)
      if (!isOwn) foreign.push(id)
      rewrites.set(id, { ...commit, why: split.signature === undefined ? 'unsigned' : 'moved' })
    }
  } finally {
    await reader.close()
  }
  if (foreign.length > 0) throw foreignCommits(foreign)
  return { rewrites: [...rewrites.values()], kept: listed.length - rewrites.size }
}

/**
 * Writes the commits of a plan with new signatures; nothing else of them changes but the ids of parents.
 * No ref is moved.
 *
 * @param sign - makes the armor for a payload
 * @param progress - told after each commit
 * @returns old id → new id
 * @throws what `sign` throws; UnavailableError as runGit
 */
export async function carryOutResign(
  repository: RepositoryAnswers,
  plan: ResignPlan,
  sign: (payload: Uint8Array) => Promise<string>,
  progress: (rewrite: Rewrite, newId: string) => void,
): Promise<ReadonlyMap<string, string>> {
  const started = new Map<string, Promise<string>>()
  const done = new Map<string, string>()
  const slots = new Slots(sideBySide)
  for (const rewrite of plan.rewrites) {
    const parents = rewrite.parents.map((id) => started.get(id) ?? Promise.resolve(id))
    const written = Promise.all(parents).then((newParents) =>
      slots.run(async () => {
        const payload = withParents(rewrite.split, newParents)
        const commit = withSignature(payload, await sign(payload), rewrite.split)
        const newId = await writeCommit(repository, commit)
        done.set(rewrite.id, newId)
        progress(rewrite, newId)
        return newId
      }),
    )
    // Whoever waits for it below gets the error; a branch that fails first must not end the process.
    written.catch(() => undefined)
    started.set(rewrite.id, written)
  }
  await Promise.all(started.values())
  return done
}

/**
 * Points a ref to another commit, with a reflog entry, if it still is where it was. Index and work tree
 * are not touched.
 *
 * @throws UnavailableError GIT_FAILED the ref has moved meanwhile
 */
export async function moveRef(
  repository: RepositoryAnswers,
  ref: string,
  oldId: string,
  newId: string,
): Promise<void> {
  const log = ['-m', 'git-signet resign', '--create-reflog']
  await runGit(repository.place, ['update-ref', ...log, '--', ref, newId, oldId], {
    plain: true,
  })
}

/** The payload with other parents, byte for byte the same elsewhere. */
export function withParents(split: SplitObject, parents: readonly string[]): Uint8Array {
  const text = latin1(split.payload)
  const end = text.indexOf('\nauthor ')
  let next = 0
  const head = text.slice(0, end).replace(/^parent [0-9a-f]+$/gm, () => {
    return `parent ${parents[next++] ?? ''}`
  })
  return Buffer.from(head + text.slice(end), 'latin1')
}

/** A commit with its signature as last header, where git puts it. */
export function withSignature(
  payload: Uint8Array,
  armor: string,
  { format, hasBlankLine }: Pick<SplitObject, 'format' | 'hasBlankLine'>,
): Uint8Array {
  const at = hasBlankLine ? latin1(payload).indexOf('\n\n') + 1 : payload.length
  const folded = armor.replace(/\n+$/, '').replaceAll('\n', '\n ')
  const header = encodeUtf8(`${signatureHeader(format)} ${folded}\n`)
  return concatBytes(payload.subarray(0, at), header, payload.subarray(at))
}

async function writeCommit(repository: RepositoryAnswers, commit: Uint8Array): Promise<string> {
  const { stdout } = await runGit(
    repository.place,
    ['hash-object', '-w', '-t', 'commit', '--stdin'],
    { input: commit },
  )
  const id = stdout.toString('latin1').trim()
  if (id === objectId('commit', commit, repository.format)) return id
  throw new UnavailableError('GIT_OUTPUT', 'git hash-object: stored something else')
}

async function readCommit(reader: ObjectReader, id: string): Promise<Omit<Rewrite, 'why'>> {
  const raw = await reader.read(id)
  if (raw.kind !== 'object' || raw.type !== 'commit') throw missing(id)
  return { id, ...checkedForm(raw) }
}

function checkedForm(raw: RawObject): Pick<Rewrite, 'split' | 'parents'> {
  // Bytes would be shared with the reader's chunk for as long as the plan lives.
  const split = splitObject('commit', Uint8Array.from(raw.bytes), raw.format)
  const fields = commitFields(split)
  const [finding] = objectFindings(split)
  if (raw.idMatches && fields !== undefined && finding === undefined) {
    return { split, parents: fields.parents }
  }
  const why = raw.idMatches ? (finding?.detail ?? 'a header is missing') : 'its hash is not its id'
  throw new MalformedError('OBJECT_FORM', `commit ${raw.id} is malformed: ${why}`)
}

function missing(id: string): UnavailableError {
  return new UnavailableError('MISSING_OBJECT', `the repository does not have commit ${id}`)
}

function foreignCommits(ids: readonly string[]): UsageError {
  const shown = ids.slice(0, 5).map((id) => id.slice(0, 12))
  const more = ids.length > shown.length ? ` and ${String(ids.length - shown.length)} more` : ''
  return new UsageError(
    'RESIGN_FOREIGN',
    `cannot sign what somebody else committed: ${shown.join(', ')}${more}`,
    { hint: 'leave those out of the range, or have their committers sign them first' },
  )
}

/** At most so many at one time. */
class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(free: number) {
    this.#free = free
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
