import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectFormat } from '../../src/facts.ts'

/** What git handed to its signature program: stdin and the signature file. */
export interface Recorded {
  readonly payload: Buffer
  readonly signature: Buffer
}

/** A repository whose signature program only writes down what it is given. */
export class RecordingRepository {
  readonly folder: string
  readonly #env: NodeJS.ProcessEnv

  constructor(format: ObjectFormat) {
    this.folder = mkdtempSync(join(tmpdir(), 'signet-split-'))
    this.#env = {
      PATH: process.env['PATH'],
      HOME: this.folder,
      TMPDIR: this.folder,
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
    }
    const program = join(this.folder, 'record')
    mkdirSync(join(this.folder, 'out'))
    writeFileSync(join(this.folder, 'separator'), separator)
    writeFileSync(
      program,
      // `--verify FILE -` is last whatever comes before; FILE's random suffix names the record.
      `#!/bin/sh
while [ "$1" != --verify ]; do shift; done
printf '\\n[GNUPG:] NEWSIG\\n[GNUPG:] ERRSIG 0 0 0 00 0 9\\n[GNUPG:] TRUST_UNDEFINED\\n'
exec cat - "${join(this.folder, 'separator')}" "$2" > "${join(this.folder, 'out')}/\${2##*tmp}"
`,
      { mode: 0o755 },
    )
    this.git(['init', '-q', '--bare', `--object-format=${format}`, 'repo.git'])
    for (const name of ['gpg.program', 'gpg.x509.program', 'gpg.openpgp.program']) {
      this.git(['config', '-f', 'repo.git/config', name, program])
    }
  }

  git(args: readonly string[], input = ''): string {
    return execFileSync('git', args, {
      cwd: this.folder,
      env: this.#env,
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
    })
  }

  /** Stores objects of one type; returns their ids in order. */
  store(type: 'commit' | 'tag', objects: readonly Buffer[]): string[] {
    const paths = objects.map((bytes, index) => {
      const path = join(this.folder, `in-${String(index)}`)
      writeFileSync(path, bytes)
      return path
    })
    const ids = this.git(
      ['-C', 'repo.git', 'hash-object', '-w', '-t', type, '--literally', '--stdin-paths'],
      paths.map((path) => `${path}\n`).join(''),
    )
      .trim()
      .split('\n')
    for (const path of paths) rmSync(path)
    return ids
  }

  /** Lets git verify each object on its own; returns what the program was given for each, if it was run. */
  record(type: 'commit' | 'tag', ids: readonly string[]): (Recorded | undefined)[] {
    const command = type === 'commit' ? 'verify-commit' : 'verify-tag'
    return ids.map((id) => {
      spawnSync('git', ['-C', 'repo.git', command, id], {
        cwd: this.folder,
        env: this.#env,
        stdio: 'ignore',
      })
      return this.#collect()[0]
    })
  }

  /** Lets one git verify them all; returns what the program was given, in no order. */
  recordTogether(type: 'commit' | 'tag', ids: readonly string[]): Recorded[] {
    const command = type === 'commit' ? 'verify-commit' : 'verify-tag'
    const run = spawnSync('git', ['-C', 'repo.git', command, ...ids], {
      cwd: this.folder,
      env: this.#env,
      stdio: 'ignore',
    })
    // 128 is git's death: the objects after the fatal one were not looked at.
    if (run.status !== 0 && run.status !== 1)
      throw new Error(`git ${command}: ${String(run.status)}`)
    return this.#collect()
  }

  #collect(): Recorded[] {
    const out = join(this.folder, 'out')
    return readdirSync(out).map((name) => {
      const record = readFileSync(join(out, name))
      rmSync(join(out, name))
      const at = record.indexOf(separator)
      return { payload: record.subarray(0, at), signature: record.subarray(at + separator.length) }
    })
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const separator = '\n--- a separator that no object contains: 9d2f4c61 ---\n'
