import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { escapeText } from '../encoding/escape.ts'
import { UsageError } from '../errors.ts'
import type { ObjectFormat } from '../facts.ts'
import { isObjectId } from './object-form.ts'
import { gitLine, runGit, type GitPlace } from './run.ts'

/** Where a repository keeps what is read beside git. Absolute paths. */
export interface RepositoryPaths {
  readonly format: ObjectFormat
  readonly gitDir: string
  /** The git directory that worktrees share. */
  readonly commonDir: string
  readonly objects: string
  readonly shallow: string
  readonly bare: boolean
}

/** One ref as it stands. */
export interface Ref {
  readonly name: string
  /** What it resolves to, unpeeled. */
  readonly id: string
  readonly type: string
  /** What a tag object points to in the end. */
  readonly peeled: string | undefined
  /** The ref a symbolic ref points to. */
  readonly symbolicTarget: string | undefined
}

/**
 * Finds the repository of a place. Fails where there is none, or where safe.directory forbids it.
 *
 * @throws UnavailableError as runGit
 */
export async function repositoryPaths(place: GitPlace): Promise<RepositoryPaths> {
  const text = await gitLine(place, [
    'rev-parse',
    '--show-object-format',
    '--is-bare-repository',
    '--absolute-git-dir',
    '--git-common-dir',
    ...['--git-path', 'objects', '--git-path', 'shallow'],
  ])
  const [format, bare, gitDir = '', commonDir = '', objects = '', shallow = ''] = text.split('\n')
  return {
    format: format === 'sha256' ? 'sha256' : 'sha1',
    gitDir,
    commonDir: resolve(place.cwd, commonDir),
    objects: resolve(place.cwd, objects),
    shallow: resolve(place.cwd, shallow),
    bare: bare === 'true',
  }
}

/** Commits the `shallow` file names: their parents were never fetched. Empty where there is none. */
export function shallowCommits(paths: RepositoryPaths): ReadonlySet<string> {
  try {
    const text = readFileSync(paths.shallow, 'latin1')
    return new Set(text.split('\n').filter((line) => isObjectId(line, paths.format)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set()
    throw error
  }
}

/**
 * The id a person's revision names, unpeeled; `undefined` where it names nothing. Never an option.
 *
 * @throws UnavailableError as runGit
 */
export async function resolveRevision(
  place: GitPlace,
  revision: string,
): Promise<string | undefined> {
  const { status, stdout } = await runGit(
    place,
    ['rev-parse', '--verify', '--quiet', '--end-of-options', revision],
    { answers: [0, 1, 128] },
  )
  const id = stdout.toString('latin1').trim()
  return status === 0 && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(id) ? id : undefined
}

/** A range `A..B`, `A...B`, `^A`, or one revision: what `rev-list` is told. */
export interface CommitRange {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/**
 * The commits a person's range arguments start from and stop at, as ids peeled to commits.
 *
 * @throws UsageError REVISION_UNKNOWN
 */
export async function resolveRange(
  place: GitPlace,
  revisions: readonly string[],
): Promise<CommitRange> {
  const include: string[] = []
  const exclude: string[] = []
  for (const revision of revisions) {
    const { status, stdout } = await runGit(
      place,
      ['rev-parse', '--quiet', '--revs-only', '--end-of-options', revision],
      { answers: [0, 1, 128] },
    )
    const lines = stdout.toString('latin1').trim().split('\n')
    if (status !== 0 || !lines.every((line) => /^\^?[0-9a-f]{40,64}$/.test(line))) {
      throw unknownRevision(revision)
    }
    for (const line of lines) {
      const excluded = line.startsWith('^')
      const id = await resolveRevision(place, `${excluded ? line.slice(1) : line}^{commit}`)
      if (id === undefined) throw unknownRevision(revision)
      ;(excluded ? exclude : include).push(id)
    }
  }
  return { include, exclude }
}

/** The error for a revision that names nothing here. */
export function unknownRevision(revision: string): UsageError {
  return new UsageError('REVISION_UNKNOWN', `no such revision: ${escapeText(revision)}`, {
    hint: 'git log --oneline --all shows what there is',
  })
}

/** All refs below the given prefixes (default: all), in order of name. */
export async function listRefs(place: GitPlace, prefixes: readonly string[] = []): Promise<Ref[]> {
  const format = '%(refname)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(symref)'
  const { stdout } = await runGit(place, ['for-each-ref', `--format=${format}`, ...prefixes])
  const refs: Ref[] = []
  for (const line of stdout.toString('utf8').split('\n')) {
    const [name, id, type, peeled, symbolic] = line.split('\0')
    if (name === undefined || id === undefined || type === undefined) continue
    refs.push({
      name,
      id,
      type,
      peeled: peeled === '' ? undefined : peeled,
      symbolicTarget: symbolic === '' ? undefined : symbolic,
    })
  }
  return refs
}

/** The full name of the ref a name means (`main` → `refs/heads/main`); undefined for none or several. */
export async function fullRefName(place: GitPlace, name: string): Promise<string | undefined> {
  const { status, stdout } = await runGit(
    place,
    ['rev-parse', '--symbolic-full-name', '--verify', '--quiet', '--end-of-options', name],
    { answers: [0, 1, 128] },
  )
  const lines = stdout
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
  return status === 0 && lines.length === 1 && lines[0]?.startsWith('refs/') === true
    ? lines[0]
    : undefined
}

/** The ref a symbolic ref points to (one step); undefined where it is none. */
export async function symbolicRefTarget(
  place: GitPlace,
  name: string,
): Promise<string | undefined> {
  const { status, stdout } = await runGit(place, ['symbolic-ref', '--quiet', '--', name], {
    answers: [0, 1, 128],
  })
  return status === 0 ? stdout.toString('utf8').trim() : undefined
}
