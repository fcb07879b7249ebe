import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const programPath = fileURLToPath(new URL('../../bin/git-signet.cjs', import.meta.url))

export interface ProcessResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly timeoutMs?: number
}

/** A person with an empty home, and nothing of the machine's configuration. */
export class Person {
  readonly home: string
  readonly env: Record<string, string>

  constructor() {
    this.home = realpathSync(mkdtempSync(join(tmpdir(), 'git-signet-test-')))
    this.env = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.home,
      GIT_CONFIG_NOSYSTEM: '1',
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
    }
  }

  /** Runs a program in the home directory (or `cwd` below it) without a terminal. */
  run(program: string, args: readonly string[], options: RunOptions = {}): Promise<ProcessResult> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        cwd: options.cwd === undefined ? this.home : join(this.home, options.cwd),
        env: { ...this.env, ...options.env },
        timeout: options.timeoutMs ?? 30_000,
      })
      let [stdout, stderr] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
      child.on('error', reject)
      child.on('close', (status) => {
        resolve({ status, stdout, stderr })
      })
      child.stdin.on('error', () => undefined)
      child.stdin.end(options.input ?? '')
    })
  }

  git(...args: readonly string[]): Promise<ProcessResult> {
    return this.run('git', args)
  }

  signet(...args: readonly string[]): Promise<ProcessResult> {
    return this.run(process.execPath, [programPath, ...args])
  }

  /** Makes a repository `name` in the home directory. */
  async repository(name: string): Promise<string> {
    const path = join(this.home, name)
    mkdirSync(path)
    await this.run('git', ['init', '--quiet', '--initial-branch=main'], { cwd: name })
    return path
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true })
  }
}
