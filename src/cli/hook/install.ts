import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { dataDirectory } from '../../config/directories.ts'
import { readSetting } from '../../config/settings.ts'
import { loadTrustRoots } from '../../config/trust-root.ts'
import { escapeText } from '../../encoding/escape.ts'
import { quoteShell } from '../../encoding/shell.ts'
import { EXIT, PolicyError, UnavailableError, UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { RepositoryAnswers } from '../../git/answers.ts'
import { resolveRevision } from '../../git/refs.ts'
import { runBareProgram } from '../../git/run-program.ts'
import { openHookSession } from '../../hooks/policy.ts'
import type { HookSession } from '../../hooks/policy.ts'
import { showProblem } from '../../policy/problem.ts'
import { FactsCache } from '../../verification/cache.ts'
import { policyFilesInFolder } from '../../verification/policy-files.ts'
import { policyMaterial } from '../../verification/policy-material.ts'
import type { Context } from '../context.ts'
import { VERSION } from '../version.ts'
import { adviceFor } from './advice.ts'
import { acceptExisting } from './existing.ts'
import { branchOf } from './flags.ts'
import type { HookFlags, HookName } from './flags.ts'
import { openHookPlace, readHookFile } from './place.ts'
import type { HookFile, HookPlace } from './place.ts'
import { describePolicy, renderHook } from './script.ts'

export interface InstallFlags {
  readonly policy: string | undefined
  readonly anchor: string | undefined
  readonly 'accept-existing': boolean
  readonly audit: boolean
  readonly 'dry-run': boolean
}

/** @throws PolicyError NO_POLICY, and as openHookSession; UsageError HOOK_OCCUPIED; UnavailableError */
export async function installHook(
  name: HookName,
  context: Context,
  given: InstallFlags,
): Promise<ExitCode> {
  const { stdout } = context.streams
  const where = await openHookPlace(context)
  if (given['accept-existing']) await printExisting(where, context)
  const flags = enforced(context, where, given, name)
  const file = readHookFile(where, name)
  if (file.text !== undefined && !file.isOurs && file.hasKept) {
    throw new UsageError(
      'HOOK_OCCUPIED',
      `${escapeText(file.path)} is another program, and so is ${escapeText(file.keptPath)}`,
      { hint: `look at both, and move one away: mv ${quoteShell(file.keptPath)} ELSEWHERE` },
    )
  }
  const advice = await checkPolicy(name, where, context, flags)
  const script = renderHook({
    name,
    nodePath: process.execPath,
    programPath: context.programPath,
    flags,
    keptPath: file.keptPath,
  })
  if (given['dry-run']) {
    stdout.write(`${file.path} would be:\n\n${script}`)
    return EXIT.ok
  }
  await writeHook(file, script, context)
  stdout.write(`installed ${file.path}\n`)
  for (const line of describePolicy(flags)) stdout.write(`  ${escapeText(line, 400)}\n`)
  if (file.text !== undefined && !file.isOurs) {
    stdout.write(`  The hook that was there is kept and runs after it: ${file.keptPath}\n`)
  }
  stdout.write('  It was started once, and answers.\n')
  if (advice.length > 0) stdout.write('You should also know:\n')
  for (const line of advice) stdout.write(`  - ${line}\n`)
  return EXIT.ok
}

/** What the hook will be told; only what stands in it counts when it runs. */
function enforced(
  context: Context,
  where: HookPlace,
  given: InstallFlags,
  name: HookName,
): HookFlags {
  const sources = {
    env: context.env,
    gitConfig: where.config,
    flags: {
      ...(given.policy !== undefined && { policyFile: given.policy }),
      ...(given.anchor !== undefined && { anchor: given.anchor }),
    },
  }
  const text = (value: string | undefined): string | undefined => (value === '' ? undefined : value)
  const policy = text(readSetting('policyFile', sources).value)
  const anchor = text(readSetting('anchor', sources).value)
  const branch = text(readSetting('policyBranch', sources).value)
  const root = readSetting('trustedRoot', sources)
  if (policy === undefined && anchor === undefined) {
    throw new PolicyError('NO_POLICY', 'nothing is installed: nobody said who may push', {
      hint: [
        'with a policy file on this server:',
        `  git signet hook install ${name} --policy /path/to/policy.toml`,
        'with .signet/policy.toml in the project, committed and signed by its admin:',
        `  git signet hook install ${name} --anchor FULL-ID-OF-THAT-COMMIT`,
      ].join('\n'),
    })
  }
  return {
    policy: policy === undefined ? undefined : resolve(context.cwd, policy),
    anchor,
    'policy-branch':
      branch === undefined || branch.startsWith('refs/') ? branch : `refs/heads/${branch}`,
    'trusted-root': root.value === undefined ? [] : [resolve(context.cwd, root.value)],
    audit: given.audit,
  }
}

async function printExisting({ place }: HookPlace, { streams }: Context): Promise<void> {
  const lines = await acceptExisting(place)
  streams.stdout.write(
    lines === ''
      ? 'There is no history yet that a policy could accept.\n'
      : `# For the policy: what is here is accepted as it is.\n${lines}\n`,
  )
}

/** Opens the policy as the hook will, so that a mistake is found now; gives what else to say. */
async function checkPolicy(
  name: HookName,
  where: HookPlace,
  context: Context,
  flags: HookFlags,
): Promise<string[]> {
  const { place } = where
  const roots = flags['trusted-root'].flatMap((value) =>
    loadTrustRoots({ value, source: { kind: 'flag', name: 'signet.trustedRoot' } }),
  )
  const repository = await RepositoryAnswers.open(place)
  const policyBranch = branchOf(flags)
  const { anchor } = flags
  try {
    const current = (ref: string): Promise<string | undefined> =>
      name === 'pre-push' ? trackedTip(where, ref) : resolveRevision(place, ref)
    const isAnchorHere = anchor === undefined || (await repository.objectType(anchor)) !== undefined
    if (!isAnchorHere && (await current(policyBranch)) === undefined) {
      // An empty repository: the first push has to bring it.
      return [
        `the anchor is not here yet: the first push must be ${policyBranch} with it`,
        ...adviceFor(name, where, flags, undefined),
      ]
    }
    const opened = await openHookSession({
      policyFile: flags.policy,
      anchor,
      policyBranch,
      repository,
      roots:
        roots.length > 0
          ? roots
          : loadTrustRoots({ value: undefined, source: { kind: 'default', name: '' } }),
      openCache: (all) =>
        FactsCache.open({
          paths: repository.paths,
          roots: all,
          version: VERSION,
          keyFile: join(dataDirectory(context.env), 'facts.key'),
        }),
      current,
    })
    try {
      await needPinned(opened, flags)
      return [...told(opened), ...adviceFor(name, where, flags, opened)]
    } finally {
      await opened.session.close()
    }
  } finally {
    await repository.close()
  }
}

/** @throws PolicyError POLICY_INVALID where a key or root that the policy file pins is not beside it */
async function needPinned({ session }: HookSession, flags: HookFlags): Promise<void> {
  const { fixed } = session.context
  if (fixed === undefined || flags.policy === undefined) return
  const { problems } = await policyMaterial(
    fixed.policy,
    policyFilesInFolder(dirname(flags.policy)),
  )
  const [problem] = problems
  if (problem === undefined) return
  throw new PolicyError('POLICY_INVALID', showProblem(fixed.policy.name, problem), {
    hint: `git signet policy check ${quoteShell(flags.policy)}`,
  })
}

function told({ session, isWaiting }: HookSession): string[] {
  const { policyBranch, chain } = session.context
  return [
    ...(isWaiting ? [`${policyBranch} has to be pushed first, with the anchor`] : []),
    ...session.problems,
    ...(chain?.failed ?? []).map(
      ({ commit, reasons }) =>
        `the policy change at ${commit.slice(0, 10)} did not land: ${reasons.map(({ code, detail }) => `${code}, ${detail}`).join('; ')}`,
    ),
  ].map((line) => escapeText(line, 400))
}

async function trackedTip({ place }: HookPlace, ref: string): Promise<string | undefined> {
  const tracking = ref.replace(/^refs\/heads\//, 'refs/remotes/origin/')
  return (await resolveRevision(place, tracking)) ?? (await resolveRevision(place, ref))
}

/** Writes the hook in one step and starts it once with a bare environment. */
async function writeHook(file: HookFile, script: string, context: Context): Promise<void> {
  const fresh = `${file.path}.${String(process.pid)}.new`
  const failed = (why: string): UnavailableError =>
    new UnavailableError('HOOK_FAILED', `cannot install ${escapeText(file.path)}: ${why}`, {
      hint: 'install node and git-signet where every user of the hook can read them',
    })
  if (!isAbsolute(process.execPath)) throw failed('the path of node is not known')
  try {
    mkdirSync(join(file.path, '..'), { recursive: true })
    writeFileSync(fresh, script)
    chmodSync(fresh, 0o755)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw failed(error instanceof Error ? escapeText(error.message) : String(error))
  }
  const { status, stdout, stderr } = await runBareProgram(
    fresh,
    ['--self-test'],
    context.env['HOME'],
  )
  if (status !== 0 || stdout !== `git-signet ${VERSION}\n`) {
    rmSync(fresh, { force: true })
    throw failed(`it does not start: ${escapeText((stderr || stdout).trim().split('\n')[0] ?? '')}`)
  }
  if (file.text !== undefined && !file.isOurs) renameSync(file.path, file.keptPath)
  renameSync(fresh, file.path)
}
