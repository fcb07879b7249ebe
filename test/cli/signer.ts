import { Person, programPath } from './run-program.ts'
import type { ProcessResult, RunOptions } from './run-program.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'

export const ADDRESS = 'alice@example.org'

/** A person whose git signs with the built program against a local stack. */
export class SigningPerson extends Person {
  readonly stack: LocalStack
  /** The secret that no output may hold. */
  readonly token: string

  private constructor(stack: LocalStack, token: string) {
    super()
    this.stack = stack
    this.token = token
    Object.assign(this.env, stack.env, { SIGNET_ID_TOKEN: token })
    // A stack with a timestamp authority configures it; the plain case is the log's time alone.
    delete this.env['SIGNET_TIMESTAMP_SERVER_URL']
  }

  static async create(stack: LocalStack): Promise<SigningPerson> {
    const person = new SigningPerson(stack, await stack.token(ADDRESS))
    for (const [name, value] of [
      ['user.name', 'Alice Doe'],
      ['user.email', ADDRESS],
      ['gpg.format', 'x509'],
      ['gpg.x509.program', programPath],
      ['protocol.file.allow', 'always'],
    ] as const) {
      await person.git('config', '--global', name, value)
    }
    return person
  }

  /** Runs the program as git does, with `input` as payload. */
  sign(options: RunOptions = {}): Promise<ProcessResult> {
    const input = 'tree 0\ncommitter Alice Doe <alice@example.org> 0 +0000\n\nhello\n'
    return this.run(process.execPath, [programPath, '--status-fd=2', '-bsau', 'key'], {
      input,
      ...options,
    })
  }

  /** A repository with one signed commit, its name below the home directory. */
  async signedRepository(name: string): Promise<void> {
    await this.repository(name)
    const commit = await this.gitIn(name, 'commit', '-S', '--allow-empty', '-qm', 'one')
    if (commit.status !== 0) throw new Error(`cannot commit: ${commit.stderr}`)
  }

  gitIn(cwd: string, ...args: readonly string[]): Promise<ProcessResult> {
    return this.run('git', args, { cwd })
  }

  withEnv(changes: Readonly<Record<string, string | undefined>>): Record<string, string> {
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) Reflect.deleteProperty(this.env, name)
      else this.env[name] = value
    }
    return this.env
  }
}
