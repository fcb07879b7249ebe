import { join } from 'node:path'
import { dataDirectory } from '../../config/directories.ts'
import { readSetting } from '../../config/settings.ts'
import type { SettingSources } from '../../config/settings.ts'
import { escapeText } from '../../encoding/escape.ts'
import { PolicyError, UsageError } from '../../errors.ts'
import { RepositoryAnswers } from '../../git/answers.ts'
import type { ReadsObjects } from '../../git/objects.ts'
import { isObjectId } from '../../git/object-form.ts'
import { resolveRevision, unknownRevision } from '../../git/refs.ts'
import type { RepositoryPaths } from '../../git/refs.ts'
import type { GitPlace } from '../../git/run.ts'
import { readPolicyFile } from '../../hooks/policy-file.ts'
import { POLICY_DIRECTORY } from '../../policy/fold.ts'
import { isUnanswered } from '../../policy/git-answers.ts'
import type { TrustRoots } from '../../sigstore/trusted-root.ts'
import { FactsCache } from '../../verification/cache.ts'
import type { LogCompletion } from '../../verification/online-keep.ts'
import { floorOf, PolicyCache } from '../../verification/policy-cache.ts'
import type { PolicyCacheOptions } from '../../verification/policy-cache.ts'
import { PolicySession } from '../../verification/policy-session.ts'
import type { Context } from '../context.ts'
import { VERSION } from '../version.ts'
import type { Prover } from '../verify/prover.ts'
import { RefView } from './ref-view.ts'

export interface PolicyFlags {
  readonly policy: string | undefined
  readonly anchor: string | undefined
  readonly 'squash-source'?: readonly string[]
}

/** What a policy needs to have facts proven. */
export interface Proving {
  readonly sources: SettingSources
  readonly roots: TrustRoots
  completion(): Promise<LogCompletion | undefined>
  /**
   * One object is judged: opening what was proven before would cost more than proving it, and walking the
   * policy chain more than both, so that one is kept.
   */
  readonly single?: SingleObject
}

/** What is known already to whoever judges one object and ends. */
export interface SingleObject {
  readonly paths: RepositoryPaths
  readonly reader: ReadsObjects
}

/** A policy in force, with the repository it is asked about; `close` it. */
export interface OpenPolicy {
  readonly session: PolicySession
  readonly refs: RefView
  readonly repository: RepositoryAnswers
  readonly anchor: string | undefined
  /** Where it comes from, for reports. */
  readonly source: string
  close(): Promise<void>
}

/**
 * The policy that flags and settings state: a file by path, or the one in the tree from the anchor on;
 * both, and the file is the floor.
 *
 * @returns undefined where none is stated
 * @throws PolicyError POLICY_FILE, POLICY_INVALID, ANCHOR_INVALID; UnavailableError as runGit
 */
export async function openPolicy(
  context: Pick<Context, 'cwd' | 'env'>,
  prover: Proving,
  flags: PolicyFlags,
): Promise<OpenPolicy | undefined> {
  const sources = { ...prover.sources, flags: settingFlags(flags) }
  const file = readSetting('policyFile', sources).value
  const anchorText = readSetting('anchor', sources).value
  if (file === undefined && (anchorText === undefined || anchorText === '')) return undefined
  const place = { cwd: context.cwd, env: context.env }
  const { single } = prover
  const repository =
    single === undefined
      ? await RepositoryAnswers.open(place)
      : RepositoryAnswers.at(place, single.paths, single.reader)
  try {
    const refs = await RefView.open(place, sources, single && ((name) => idOf(single, name)))
    const { policyBranch } = refs
    const anchor = anchorText === undefined ? undefined : await readAnchor(repository, anchorText)
    const isInTree =
      anchor !== undefined && (file === undefined || (await hasPolicy(repository, anchor)))
    const fixed =
      file === undefined
        ? undefined
        : readPolicyFile(file, {
            folder: context.cwd,
            policyBranch,
            isFloor: isInTree,
            hint: 'git signet policy init -o FILE writes a draft',
          })
    const tip = await refs.tipOf(policyBranch)
    if (isInTree && tip === undefined) {
      throw new PolicyError(
        'POLICY_BRANCH',
        `there is no policy branch ${escapeText(policyBranch)}`,
        {
          hint: 'git config signet.policyBranch refs/heads/NAME',
        },
      )
    }
    const keyFile = join(dataDirectory(context.env), 'facts.key')
    const session = await PolicySession.open({
      repository,
      ...(single !== undefined &&
        isInTree && {
          chains: chainCache({
            repository,
            refs,
            anchor,
            floor: fixed && (await floorOf(fixed)),
            prover,
            keyFile,
          }),
        }),
      roots: prover.roots,
      openCache: (roots) =>
        single !== undefined
          ? undefined
          : FactsCache.open({
              paths: repository.paths,
              roots,
              version: VERSION,
              keyFile,
            }),
      completion: await prover.completion(),
      policyBranch,
      tip,
      anchor,
      fixed,
      isInTree,
      squashSources: await sourcesOf(place, flags['squash-source'] ?? []),
      tipOf: (ref) => refs.tipOf(ref),
      ruleName: (local) => refs.ruleName(local),
      localName: (ref) => refs.localName(ref),
    })
    return {
      session,
      refs,
      repository,
      anchor,
      source: sourceText(file, isInTree, session),
      async close() {
        await session.close()
        await (single === undefined ? repository.close() : repository.letGo())
      },
    }
  } catch (error) {
    await repository.close()
    throw error
  }
}

function chainCache({
  repository,
  refs,
  anchor,
  floor,
  prover,
  keyFile,
}: {
  readonly repository: RepositoryAnswers
  readonly refs: RefView
  readonly anchor: string
  readonly floor: PolicyCacheOptions['floor']
  readonly prover: Proving
  readonly keyFile: string
}): PolicyCache {
  return new PolicyCache({
    paths: repository.paths,
    anchor,
    policyBranch: refs.policyBranch,
    floor,
    roots: prover.roots,
    version: VERSION,
    keyFile,
  })
}

async function idOf({ reader }: SingleObject, name: string): Promise<string | undefined> {
  const answer = await reader.read(name)
  return answer.kind === 'missing' ? undefined : answer.id
}

async function sourcesOf(place: GitPlace, names: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const name of names) {
    const id = await resolveRevision(place, `${name}^{commit}`)
    if (id === undefined) throw unknownRevision(name)
    ids.push(id)
  }
  return ids
}

function settingFlags({
  policy,
  anchor,
}: PolicyFlags): Partial<Record<'policyFile' | 'anchor', string>> {
  return {
    ...(policy !== undefined && { policyFile: policy }),
    ...(anchor !== undefined && { anchor }),
  }
}

function sourceText(
  file: string | undefined,
  isInTree: boolean,
  { context }: PolicySession,
): string {
  const landing = context.chain?.landings.at(-1)
  const floor = file === undefined ? '' : `, floor ${file}`
  if (!isInTree || landing === undefined) return file ?? ''
  return `.signet/policy.toml as landed at ${landing.commit.slice(0, 10)}${floor}`
}

async function readAnchor(repository: RepositoryAnswers, text: string): Promise<string> {
  const invalid = (why: string): PolicyError =>
    new PolicyError(
      'ANCHOR_INVALID',
      `cannot start from anchor "${escapeText(text, 80)}": ${why}`,
      {
        hint: 'the anchor is the full id of a commit that has the policy: git rev-parse COMMIT',
      },
    )
  if (!isObjectId(text, repository.format)) throw invalid('it is not a full object id')
  const type = await repository.objectType(text)
  if (type === undefined) throw invalid('it is not here')
  if (type !== 'commit') throw invalid(`it is a ${type}`)
  return text
}

async function hasPolicy(repository: RepositoryAnswers, commit: string): Promise<boolean> {
  const object = await repository.commit(commit)
  if (isUnanswered(object)) return true
  const tree = await repository.tree(object.tree)
  // Whatever cannot be read is not taken for absent: the chain then says what is wrong.
  return isUnanswered(tree)
    ? tree.unanswered !== 'MISSING_OBJECT'
    : tree.entries.some(({ name }) => name === POLICY_DIRECTORY)
}

/** @throws UsageError POLICY_TWICE where a policy and an identity are both typed */
export function refuseBoth(flags: PolicyFlags, hasSigner: boolean): void {
  if (!hasSigner || flags.policy === undefined) return
  throw new UsageError('POLICY_TWICE', 'who may sign is said by a policy and by flags', {
    hint: 'leave out --policy, or --identity and --issuer',
  })
}

/**
 * The anchor beside an identity: history before it is left alone. A list, empty where there is none.
 *
 * @throws PolicyError ANCHOR_INVALID
 */
export async function readAnchorSetting(
  place: GitPlace,
  prover: Prover,
  flags: PolicyFlags,
): Promise<string[]> {
  const text = readSetting('anchor', { ...prover.sources, flags: settingFlags(flags) }).value
  if (text === undefined || text === '') return []
  const repository = await RepositoryAnswers.open(place)
  try {
    return [await readAnchor(repository, text)]
  } finally {
    await repository.close()
  }
}
