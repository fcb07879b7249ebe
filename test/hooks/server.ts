import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Person, programPath } from '../cli/run-program.ts'
import type { ProcessResult } from '../cli/run-program.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'

export const ZERO = '0'.repeat(40)

/** People with a working copy each, and the server they push to, all below one home. */
export class Team extends Person {
  readonly #stack: LocalStack
  readonly rootFile: string
  readonly issuer: string

  private constructor(stack: LocalStack) {
    super()
    this.#stack = stack
    this.rootFile = stack.env['SIGNET_TRUSTED_ROOT'] ?? ''
    this.issuer = stack.issuer
    Object.assign(this.env, stack.env)
    delete this.env['SIGNET_TIMESTAMP_SERVER_URL']
  }

  static async create(stack: LocalStack): Promise<Team> {
    const team = new Team(stack)
    for (const [name, value] of [
      ['gpg.format', 'x509'],
      ['gpg.x509.program', programPath],
      ['protocol.file.allow', 'always'],
      ['init.defaultBranch', 'main'],
      ['advice.detachedHead', 'false'],
    ] as const) {
      await team.git('config', '--global', name, value)
    }
    return team
  }

  /** A bare repository `NAME.git`; trusts the stack's root alone. */
  async server(name: string, format = 'sha1'): Promise<Server> {
    const folder = `${name}.git`
    await this.git('init', '-q', '--bare', `--object-format=${format}`, folder)
    await this.git('-C', folder, 'config', 'signet.trustedRoot', this.rootFile)
    return new Server(this, folder)
  }

  /** A server whose hook enforces a policy file that names alice and bob, and alice's working copy. */
  async guarded(
    name: string,
    more = '',
    format = 'sha1',
  ): Promise<{ server: Server; alice: Member; policy: string }> {
    const server = await this.server(name, format)
    const alice = await this.member('alice', server)
    const policy = server.policyFile(this.policy(['alice', 'bob'], more))
    await server.install('--policy', policy)
    return { server, alice, policy }
  }

  /** A working copy of somebody, with `origin` set. */
  async member(name: string, server: Server): Promise<Member> {
    const folder = `${name}-${server.folder.replace('.git', '')}`
    const address = `${name}@example.org`
    const token = await this.#stack.token(address)
    const format = (await server.git('rev-parse', '--show-object-format')).stdout.trim()
    // git 2.39 clones an empty repository as SHA-1, whatever it is.
    await this.git('init', '-q', `--object-format=${format}`, folder)
    await this.git('-C', folder, 'remote', 'add', 'origin', server.path)
    await this.git('-C', folder, 'fetch', '-q', 'origin')
    if ((await server.ref('refs/heads/main')) !== undefined) {
      await this.git('-C', folder, 'checkout', '-q', '-B', 'main', 'origin/main')
    }
    await this.git('-C', folder, 'config', 'user.name', name)
    await this.git('-C', folder, 'config', 'user.email', address)
    return new Member(this, folder, token)
  }

  /** A signing program that takes its time. @returns its path */
  slowProgram(ms: number): string {
    const path = join(this.home, `slow-${String(ms)}`)
    writeFileSync(path, `#!/bin/sh\nsleep ${String(ms / 1000)}\nexec '${programPath}' "$@"\n`)
    chmodSync(path, 0o755)
    return path
  }

  /** A policy in which each of these addresses is a person who may commit to main, the first an admin. */
  policy(people: readonly string[], more = ''): string {
    const entries = people.map(
      (name) =>
        `[people.${name}]\nemail = "${name}@example.org"\nissuer = "${this.issuer}"\ntrust = "local"\n`,
    )
    return `version = 1
admins = ["${people[0] ?? ''}"]
${more.startsWith('other-refs') ? `${more.split('\n')[0] ?? ''}\n` : ''}
${entries.join('\n')}
[trust.local]
root = ".signet/trust/local.json"
sha256 = "${createHash('sha256').update(readFileSync(this.rootFile)).digest('hex')}"

[[protect]]
refs = ["refs/heads/main"]
by = [${people.map((name) => `"${name}"`).join(', ')}]
${more.startsWith('other-refs') ? more.split('\n').slice(1).join('\n') : more}
`
  }
}

export class Server {
  readonly folder: string
  readonly team: Team

  constructor(team: Team, folder: string) {
    this.team = team
    this.folder = folder
  }

  get path(): string {
    return join(this.team.home, this.folder)
  }

  git(...args: readonly string[]): Promise<ProcessResult> {
    return this.team.run('git', args, { cwd: this.folder })
  }

  /** What the owner types in the bare repository. */
  signet(...args: readonly string[]): Promise<ProcessResult> {
    return this.team.run(process.execPath, [programPath, ...args], { cwd: this.folder })
  }

  async install(...args: readonly string[]): Promise<void> {
    const installed = await this.signet('hook', 'install', 'pre-receive', ...args)
    if (installed.status !== 0) throw new Error(installed.stderr)
  }

  get hookFile(): string {
    return join(this.path, 'hooks', 'pre-receive')
  }

  /**
   * Has the installed hook find this shell script in place of git; `$real` is git itself. Stands for a
   * git that is slow, dies or fails while the hook judges.
   */
  replaceGit(script: string): void {
    const folder = join(this.path, 'git-in-hook')
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'git')
    writeFileSync(
      file,
      `#!/bin/sh\nPATH=\${PATH#*:}\nreal=$(command -v git)\n${script}\nexec "$real" "$@"\n`,
    )
    chmodSync(file, 0o755)
    const hook = readFileSync(this.hookFile, 'utf8')
    writeFileSync(this.hookFile, hook.replace(/^unset .*$/m, `$&; PATH='${folder}':$PATH`))
  }

  /** Writes a policy file beside the repository. */
  policyFile(text: string): string {
    const folder = `${this.path}.policy`
    mkdirSync(join(folder, 'trust'), { recursive: true })
    copyFileSync(this.team.rootFile, join(folder, 'trust', 'local.json'))
    writeFileSync(join(folder, 'policy.toml'), text)
    return join(folder, 'policy.toml')
  }

  async ref(name: string): Promise<string | undefined> {
    const { status, stdout } = await this.git('rev-parse', '--verify', '-q', name)
    return status === 0 ? stdout.trim() : undefined
  }

  journal(): Record<string, unknown>[] {
    const path = join(this.path, 'signet', 'journal.jsonl')
    if (!existsSync(path)) return []
    return readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }
}

export class Member {
  readonly folder: string
  readonly #team: Team
  readonly #token: string

  constructor(team: Team, folder: string, token: string) {
    this.#team = team
    this.folder = folder
    this.#token = token
  }

  git(...args: readonly string[]): Promise<ProcessResult> {
    return this.#team.run('git', args, {
      cwd: this.folder,
      env: { SIGNET_ID_TOKEN: this.#token },
      timeoutMs: 120_000,
    })
  }

  /** The program itself, in the working copy. */
  async signet(...args: readonly string[]): Promise<ProcessResult> {
    const result = await this.#team.run(process.execPath, [programPath, ...args], {
      cwd: this.folder,
      env: { SIGNET_ID_TOKEN: this.#token },
    })
    if (result.status !== 0) throw new Error(`git-signet ${args.join(' ')}: ${result.stderr}`)
    return result
  }

  /** As `git`, and fails the test where git fails. */
  async ok(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.git(...args)
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }

  write(path: string, text: string): void {
    const file = join(this.#team.home, this.folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }

  append(path: string, text: string): void {
    appendFileSync(join(this.#team.home, this.folder, path), text)
  }

  /** A commit that changes a file of its own; signed unless told not to. @returns its id */
  async commit(subject: string, options: { unsigned?: boolean } = {}): Promise<string> {
    this.write(`files/${subject.replaceAll(/\W+/g, '-')}`, `${subject}\n`)
    await this.ok('add', '-A')
    await this.ok('commit', options.unsigned === true ? '--no-gpg-sign' : '-S', '-qm', subject)
    return this.ok('rev-parse', 'HEAD')
  }

  async commitPolicy(text: string, subject = 'policy'): Promise<string> {
    this.write('.signet/policy.toml', text)
    this.write('.signet/trust/local.json', readFileSync(this.#team.rootFile, 'utf8'))
    return this.commit(subject)
  }

  push(...args: readonly string[]): Promise<ProcessResult> {
    return this.git('push', ...args)
  }
}
