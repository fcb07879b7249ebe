import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { found } from '../corpus/truth.ts'
import { readSharedLines, sharedPath } from '../shared.ts'
import { Person, programPath } from './run-program.ts'
import type { ProcessResult } from './run-program.ts'

/** What the test data says about one object of a history. */
export interface Truth {
  oid: string
  type: 'commit' | 'tag'
  signature: 'x509' | 'pgp' | 'ssh' | 'unsigned'
  verdict?: 'offline-full' | 'online-only'
  san?: string[]
  issuer?: string
  /** Seconds; of what carries a log entry. */
  integratedTime?: number | null
}

/** Somebody with one of the real histories of the test data and the trust root of that time. */
export class HistoryPerson extends Person {
  /** Its name below the home directory. */
  readonly history: string
  readonly program = programPath
  readonly truth: readonly Truth[]

  private constructor(name: string) {
    super()
    this.history = `${name}.git`
    this.truth = readSharedLines<Truth>(`corpus/histories/${name}.truth.jsonl`)
  }

  static async create(name: string): Promise<HistoryPerson> {
    const person = new HistoryPerson(name)
    const archive = found(sharedPath(`corpus/histories/${name}.git.tar.gz`), name)
    await person.run('tar', ['-xzf', archive])
    person.env['SIGNET_TRUSTED_ROOT'] = found(sharedPath('corpus/trusted_root.json'), 'root')
    return person
  }

  /** Runs git-signet in the repository. */
  at(...args: string[]): Promise<ProcessResult> {
    return this.atWith({}, ...args)
  }

  atWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<ProcessResult> {
    return this.run(process.execPath, [programPath, ...args], { cwd: this.history, env })
  }

  /** A repository with one unsigned commit for each file; its name below the home directory. */
  async plainRepository(name: string, files: readonly string[]): Promise<string> {
    const path = await this.repository(name)
    for (const file of files) {
      writeFileSync(join(path, file), file)
      await this.run('git', ['add', '--', file], { cwd: name })
      const who = ['-c', 'user.name=A', '-c', 'user.email=a@example.org']
      await this.run('git', [...who, 'commit', '-qm', `add ${file}`], { cwd: name })
    }
    return name
  }
}
