import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadSettings } from '../../config/settings.ts'
import { latin1 } from '../../encoding/bytes.ts'
import { escapeText } from '../../encoding/escape.ts'
import { EXIT, UsageError } from '../../errors.ts'
import { RepositoryAnswers } from '../../git/answers.ts'
import { readGitConfig } from '../../git/config.ts'
import { fullRefName, listRefs, resolveRange, resolveRevision } from '../../git/refs.ts'
import type { CommitRange } from '../../git/refs.ts'
import { gitLine } from '../../git/run.ts'
import { carryOutResign, moveRef, planResign } from '../../signing/resign.ts'
import type { ResignPlan, Rewrite } from '../../signing/resign.ts'
import { openSigningSession } from '../../signing/sign-payload.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'

export const resign = defineCommand({
  name: 'resign',
  summary: 'Sign your own unsigned commits in a range, everything else kept',
  operands: 'A..B | --root B',
  operandCount: { min: 1, max: 1 },
  description: `Signs every commit of A..B that has no signature and that you committed, and every later one that gets another parent by it. Tree, author, dates, message and all other headers stay byte for byte; merges stay merges. B is a branch (or HEAD); it is moved at the end, with a reflog entry, if nobody moved it meanwhile. Index and work tree are not touched.

Commits of other people are refused: a signature of yours would say that you made them. One login, one certificate.`,
  examples: [
    'git-signet resign --dry-run origin/main..HEAD',
    'git-signet resign origin/main..HEAD',
    'git-signet resign --root HEAD',
  ],
  options: {
    root: {
      type: 'boolean',
      summary: 'the whole history of the branch, its first commit included',
    },
    'dry-run': { type: 'boolean', summary: 'say what would be signed, and do nothing' },
  },
  async run(context, { options, positionals: [text = ''] }) {
    const repository = await RepositoryAnswers.open({ cwd: context.cwd, env: context.env })
    const say = (line: string): void => {
      context.streams.stdout.write(`${line}\n`)
    }
    try {
      if (options.root && text.includes('..')) throw notAfterRoot(text)
      const target = await findTarget(repository, options.root ? `..${text}` : text)
      const range = await resolveRange(repository.place, [text])
      const ident = await gitLine(repository.place, ['var', 'GIT_COMMITTER_IDENT'], { plain: true })
      const email = /<([^<>]*)>/.exec(ident)?.[1] ?? ''
      const plan = await planResign(repository, range, email)
      if (plan.rewrites.length === 0) {
        say(`nothing to sign: ${counted(plan.kept, 'commit')} in ${escapeText(text)}, all signed`)
        return EXIT.ok
      }
      if (options['dry-run']) {
        for (const rewrite of plan.rewrites) say(planLine(rewrite))
        say(`would sign ${counted(plan.rewrites.length, 'commit')} and move ${target.shown}`)
        await warnPushed(repository, range, plan, say)
        return EXIT.ok
      }
      await carryOut(context, repository, plan, target, say)
      await warnPushed(repository, range, plan, say)
      return EXIT.ok
    } finally {
      await repository.close()
    }
  },
})

function notAfterRoot(text: string): UsageError {
  return new UsageError('RESIGN_RANGE', `--root takes a branch: ${escapeText(text)}`, {
    hint: 'git signet resign --root HEAD',
  })
}

/** The ref that a range ends in. */
interface Target {
  readonly ref: string
  readonly shown: string
  readonly id: string
}

async function findTarget(repository: RepositoryAnswers, text: string): Promise<Target> {
  const match = text.includes('...') ? null : /^.*?\.\.(.*)$/.exec(text)
  const end = match?.[1] === '' ? 'HEAD' : match?.[1]
  if (end === undefined) {
    throw new UsageError('RESIGN_RANGE', `not a range of commits: ${escapeText(text)}`, {
      hint: 'git signet resign origin/main..HEAD',
    })
  }
  for (const name of ['rebase-merge', 'rebase-apply']) {
    if (!existsSync(join(repository.paths.gitDir, name))) continue
    throw new UsageError('RESIGN_REBASE', 'a rebase is in progress', {
      hint: 'git rebase --continue, or git rebase --abort, first',
    })
  }
  const { place } = repository
  const ref = await fullRefName(place, end)
  const isDetached = ref === undefined && end === 'HEAD'
  if (ref?.startsWith('refs/heads/') !== true && !isDetached) {
    throw new UsageError('RESIGN_BRANCH', `${escapeText(end)} is no branch that could be moved`, {
      hint: 'end the range in a local branch or HEAD',
    })
  }
  const id = await resolveRevision(place, ref ?? 'HEAD')
  if (id === undefined) throw new UsageError('REVISION_UNKNOWN', `${escapeText(end)} has no commit`)
  return { ref: ref ?? 'HEAD', shown: escapeText(ref?.slice('refs/heads/'.length) ?? 'HEAD'), id }
}

async function carryOut(
  context: Context,
  repository: RepositoryAnswers,
  plan: ResignPlan,
  target: Target,
  say: (line: string) => void,
): Promise<void> {
  const gitConfig = await readGitConfig(repository.place)
  const session = await openSigningSession(loadSettings({ env: context.env, gitConfig }), {
    env: context.env,
    clock: context.clock,
    isInteractive: context.isInteractive,
    say: (words) => {
      context.streams.stderr.write(words)
    },
  })
  const ids = await carryOutResign(
    repository,
    plan,
    async (payload) => (await session.sign(payload)).armor,
    (rewrite, newId) => {
      say(`${rewrite.id.slice(0, 12)} → ${newId.slice(0, 12)} ${subject(rewrite)}`)
    },
  )
  const newTip = ids.get(target.id)
  if (newTip === undefined) {
    throw new UsageError('RESIGN_RANGE', `the range does not hold the tip of ${target.shown}`)
  }
  await moveRef(repository, target.ref, target.id, newTip)
  say(`signed ${counted(ids.size, 'commit')}; ${target.shown} is now ${newTip.slice(0, 12)}`)
  say(`to get back: git update-ref ${target.ref} ${target.id} ${newTip}`)
}

/** Commits that others already have come apart from theirs. */
async function warnPushed(
  repository: RepositoryAnswers,
  range: CommitRange,
  { rewrites }: ResignPlan,
  say: (line: string) => void,
): Promise<void> {
  const remotes = await listRefs(repository.place, ['refs/remotes/'])
  const tips = remotes.filter(({ type }) => type === 'commit').map(({ id }) => id)
  const unpushed = new Set<string>()
  const query = { include: range.include, exclude: [...range.exclude, ...tips] }
  for await (const { id } of repository.walk(query)) unpushed.add(id)
  const pushed = rewrites.filter(({ id }) => !unpushed.has(id)).length
  if (pushed === 0) return
  say(
    `note: ${counted(pushed, 'commit')} had been pushed; git push --force-with-lease replaces them`,
  )
}

function planLine(rewrite: Rewrite): string {
  const why = rewrite.why === 'unsigned' ? 'unsigned' : 'signed, gets another parent'
  return `${rewrite.id.slice(0, 12)} ${subject(rewrite)} (${why})`
}

function subject({ split }: Rewrite): string {
  const bytes = split.body
  const end = bytes.indexOf(0x0a)
  const line = end === -1 ? bytes : bytes.subarray(0, end)
  return escapeText(Buffer.from(latin1(line), 'latin1').toString('utf8'), 60)
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`
}
