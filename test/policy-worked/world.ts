import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import type { Summary, Verdict } from '../../src/facts.ts'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { Person, programPath } from '../cli/run-program.ts'
import type { ProcessResult } from '../cli/run-program.ts'

/** Somebody who signs: with a login, with a workflow's token, or with an SSH key of a forge. */
export interface Signer {
  readonly name: string
  readonly email: string
  readonly token: () => Promise<string | undefined>
  /** File of an SSH key to sign with instead. */
  readonly key?: string
}

export interface Outcome {
  readonly status: number | null
  readonly stderr: string
  readonly verdicts: readonly Verdict[]
  readonly summary: Summary
}

/** One repository, a local stack, and people who sign with git itself. */
export class World {
  readonly stack: LocalStack
  readonly #person = new Person()
  readonly #folder = 'project'

  static async create(): Promise<World> {
    const world = new World(await startLocalStack({ test: true, port: 0 }))
    await world.#person.repository(world.#folder)
    for (const [name, value] of [
      ['gpg.x509.program', programPath],
      ['merge.conflictStyle', 'merge'],
    ] as const) {
      await world.#person.git('config', '--global', name, value)
    }
    return world
  }

  private constructor(stack: LocalStack) {
    this.stack = stack
    Object.assign(this.#person.env, stack.env)
    delete this.#person.env['SIGNET_TIMESTAMP_SERVER_URL']
    // Only signing is told of the stack's root: for judging it is the policy that pins it.
    delete this.#person.env['SIGNET_TRUSTED_ROOT']
  }

  async close(): Promise<void> {
    this.#person.remove()
    await this.stack.close()
  }

  person(name: string, email: string): Signer {
    return { name, email, token: () => this.stack.token(email) }
  }

  workflow(name: string, email: string, claims: Record<string, string>): Signer {
    return { name, email, token: () => this.stack.ciToken(claims) }
  }

  /** A forge's own key; its public line is what a policy pins. */
  async forge(name: string, email: string): Promise<{ signer: Signer; line: string }> {
    const key = join(this.#person.home, `${name}-key`)
    await this.#person.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key])
    const [type = '', base64 = ''] = readFileSync(`${key}.pub`, 'utf8').split(' ')
    const signer = { name, email, token: () => Promise.resolve(undefined), key }
    return { signer, line: `${type} ${base64.trim()}` }
  }

  path(file: string): string {
    return join(this.#person.home, this.#folder, file)
  }

  write(file: string, content: string): void {
    mkdirSync(dirname(this.path(file)), { recursive: true })
    writeFileSync(this.path(file), content)
  }

  /** Puts the stack's root beside the policy; returns the table that pins it. */
  pinRoot(name: string): string {
    const file = `.signet/trust/${name}.json`
    this.write(file, '')
    copyFileSync(this.stack.trustedRootPath, this.path(file))
    const digest = createHash('sha256')
      .update(readFileSync(this.path(file)))
      .digest('hex')
    return `[trust.${name}]\nroot = "${file}"\nsha256 = "${digest}"\n`
  }

  /** Runs git as nobody in particular; its words. */
  async git(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#person.run('git', args, { cwd: this.#folder })
    expect(status, `git ${args.join(' ')}: ${stderr}`).toBe(0)
    return stdout.trim()
  }

  /** Runs git as nobody in particular, whatever it says. */
  rawGit(...args: string[]): Promise<ProcessResult> {
    return this.#person.run('git', args, { cwd: this.#folder })
  }

  /** Forgets what audits remember of the refs. */
  forgetTips(): void {
    rmSync(this.path('.git/signet/audited.json'), { force: true })
  }

  id(revision = 'HEAD'): Promise<string> {
    return this.git('rev-parse', '--verify', revision)
  }

  /** Runs git as somebody who signs whatever is made; what HEAD is then. */
  async as(who: Signer, args: readonly string[], author = who): Promise<string> {
    await this.#signing(who, args, author)
    return this.id()
  }

  /** A signed commit of any tree with any parents; HEAD and the index stay as they are. */
  make(who: Signer, tree: string, parents: readonly string[], message = 'made'): Promise<string> {
    const all = parents.flatMap((id) => ['-p', id])
    return this.#signing(who, ['commit-tree', '-S', tree, ...all, '-m', message], who)
  }

  /** Stores an object of any form. */
  async store(type: 'commit' | 'tree' | 'blob', bytes: Buffer): Promise<string> {
    const file = join(this.#person.home, 'object')
    writeFileSync(file, bytes)
    return this.git('hash-object', '-t', type, '-w', '--literally', file)
  }

  async #signing(who: Signer, args: readonly string[], author: Signer): Promise<string> {
    const token = await who.token()
    const config =
      who.key === undefined
        ? ['-c', 'gpg.format=x509', '-c', 'user.signingKey=any']
        : ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${who.key}`]
    const { status, stdout, stderr } = await this.#person.run('git', [...config, ...args], {
      cwd: this.#folder,
      env: {
        GIT_COMMITTER_NAME: who.name,
        GIT_COMMITTER_EMAIL: who.email,
        GIT_AUTHOR_NAME: author.name,
        GIT_AUTHOR_EMAIL: author.email,
        SIGNET_TRUSTED_ROOT: this.stack.trustedRootPath,
        ...(token !== undefined && { SIGNET_ID_TOKEN: token }),
      },
    })
    expect(status, `git ${args.join(' ')}: ${stderr}`).toBe(0)
    return stdout.trim()
  }

  /** Commits files, signed. */
  async commit(
    who: Signer,
    message: string,
    files: Readonly<Record<string, string>> = { [`${message.replace(/\W+/g, '-')}.txt`]: message },
    author = who,
  ): Promise<string> {
    for (const [file, content] of Object.entries(files)) this.write(file, content)
    await this.git('add', '-A')
    return this.as(who, ['commit', '-q', '-S', '-m', message], author)
  }

  merge(who: Signer, branch: string, message: string): Promise<string> {
    return this.as(who, ['merge', '-q', '--no-ff', '-S', '-m', message, branch])
  }

  signet(...args: string[]): Promise<ProcessResult> {
    return this.signetIn(this.#folder, ...args)
  }

  /** The same in another folder below the home directory. */
  signetIn(cwd: string, ...args: string[]): Promise<ProcessResult> {
    const options = { cwd, timeoutMs: 60_000 }
    return this.#person.run(process.execPath, [programPath, ...args], options)
  }

  /** Runs a judging command and reads its JSON lines. */
  async judge(...args: string[]): Promise<Outcome> {
    const { status, stdout, stderr } = await this.signet(...args, '--format', 'jsonl')
    const lines = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown)
    expect(lines, stderr).not.toHaveLength(0)
    const summary = lines.pop() as Summary
    expect(status).toBe(summary.exit)
    return { status, stderr, verdicts: lines as Verdict[], summary }
  }
}

/** `pass`, or the codes, by commit. */
export function byCommit({ verdicts }: Outcome): Map<string, string> {
  return new Map(
    verdicts.map(({ object, verdict, codes, strength }) => [
      object.id,
      verdict === 'pass' ? (strength ?? 'signed') : codes.join(' '),
    ]),
  )
}
