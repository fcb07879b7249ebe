import { execFile, execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'

const program = fileURLToPath(new URL('../../bin/git-signet.cjs', import.meta.url))

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

describe('git-signet stack', () => {
  let home: string
  /** With what a shell must not take apart. */
  let directory: string

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'signet-stack-'))
    directory = join(home, "it's a stack")
  })

  afterEach(async () => {
    await run('down')
    rmSync(home, { recursive: true, force: true })
  })

  function run(verb: string, ...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [program, 'stack', verb, '--dir', directory, ...args],
        { encoding: 'utf8', env: { ...process.env, HOME: home } },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
        },
      )
    })
  }

  const urlOf = (text: string): string => /http:\/\/localhost:\d+/.exec(text)?.[0] ?? ''

  test('up returns when it answers; again it says so; down and up keep address and logs', async () => {
    const first = await run('up', '--test')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    const url = urlOf(first.stdout)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    const again = await run('up')
    expect(again.code).toBe(0)
    expect(again.stdout).toContain(`already running at ${url}`)
    const running = await run('status')
    expect(running.code).toBe(0)
    expect(running.stdout).toContain('0 signatures in Rekor v1')
    const root = readFileSync(join(directory, 'trusted_root.json'), 'utf8')

    expect((await run('down')).stdout).toBe('local sigstore stopped\n')
    expect((await run('down')).stdout).toBe('not running\n')
    const stopped = await run('status')
    expect([stopped.code, stopped.stdout.split('\n')[0]]).toEqual([4, 'stopped'])
    const second = await run('up')
    expect(urlOf(second.stdout)).toBe(url)
    expect(readFileSync(join(directory, 'trusted_root.json'), 'utf8')).toBe(root)
    // Without --test nobody gets a token for the asking.
    expect((await fetch(`${url}/test-token`)).status).toBe(404)
    expect((await run('up', '--test')).stderr).toContain('runs without --test')
  })

  test('state is for its owner only', async () => {
    await run('up')
    const modes = readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => [
      entry.name,
      (statSync(join(entry.parentPath, entry.name)).mode & 0o777).toString(8),
      entry.isDirectory() ? '700' : '600',
    ])
    expect(modes.length).toBeGreaterThan(20)
    expect((statSync(directory).mode & 0o777).toString(8)).toBe('700')
    for (const [name, mode, wanted] of modes) expect([name, mode]).toEqual([name, wanted])
  })

  test('env is what a shell reads back', async () => {
    await run('up')
    const { stdout, stderr } = await run('env')
    expect(stderr).toBe('')
    const read = (script: string): string =>
      execFileSync('sh', ['-c', script], { encoding: 'utf8', env: { PATH: process.env['PATH'] } })
    writeFileSync(join(home, 'env'), stdout)
    expect(read(`. '${home}/env'; cat "$SIGNET_TRUSTED_ROOT"`)).toContain('git-signet LOCAL')
    for (const name of ['gitsign', 'cosign']) {
      const variables = read(`. "${directory}/${name}.env"; cat "$SIGSTORE_REKOR_PUBLIC_KEY"`)
      expect(variables).toContain('BEGIN PUBLIC KEY')
    }
    await run('down')
    const stopped = await run('env')
    expect([stopped.code, stopped.stdout]).toEqual([0, stdout])
    expect(stopped.stderr).toContain('warning: the local sigstore is not running')
  })

  test('reset deletes a stack, not what else lies there, and never a running one', async () => {
    await run('up')
    const refused = await run('reset')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('it is running')
    await run('down')
    writeFileSync(join(directory, 'mine.txt'), 'kept')
    const reset = await run('reset')
    expect(reset.code).toBe(0)
    expect(reset.stdout).toContain('["mine.txt"]')
    expect(readdirSync(directory)).toEqual(['mine.txt'])
    expect((await run('reset')).code).toBe(2)
    expect(readdirSync(directory)).toEqual(['mine.txt'])
    rmSync(join(directory, 'mine.txt'))
    await run('up')
    await run('down')
    await run('reset')
    expect(existsSync(directory)).toBe(false)
  })

  test('up refuses a directory that holds something else', async () => {
    mkdirSync(directory)
    writeFileSync(join(directory, 'thesis.txt'), 'x')
    const { code, stderr } = await run('up')
    expect(code).toBe(2)
    expect(stderr).toContain('thesis.txt')
    rmSync(directory, { recursive: true })
    writeFileSync(directory, 'a file')
    expect((await run('up')).code).toBe(2)
    rmSync(directory)
  })

  test('up says when its port is taken, and that it cannot move', async () => {
    const url = urlOf((await run('up')).stdout)
    await run('down')
    const port = Number(new URL(url).port)
    const other = createServer((socket) => {
      socket.destroy()
    })
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
    const taken = await run('up')
    expect(taken.code).toBe(4)
    expect(taken.stderr).toContain(`port ${port} is used by another program`)
    await new Promise((resolve) => other.close(resolve))
    const moved = await run('up', '--port', String(port - 1))
    expect(moved.code).toBe(2)
    expect(moved.stderr).toContain(`name ${port}`)
    expect((await run('up', '--port', 'many')).code).toBe(2)
  })

  test('a lock whose holder was killed does not hold', async () => {
    const { stdout } = await run('up')
    process.kill(Number(/process (\d+)/.exec(stdout)?.[1]), 'SIGKILL')
    const again = await run('up')
    expect(again.code).toBe(0)
    expect(again.stdout).toContain('started')
  })

  test('one directory is used by one process', async () => {
    await run('up')
    await expect(startLocalStack({ directory })).rejects.toMatchObject({ code: 'STACK_LOCKED' })
  })
})
