import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const demo = fileURLToPath(new URL('../scripts/demo.mjs', import.meta.url))
let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'git-signet-test-')))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface Run {
  readonly status: number | null
  readonly output: string
}

/** Runs the demo in its own process group, as a terminal does; `signal` is sent once `after` was shown. */
function runDemo(env: Record<string, string> = {}, signal?: NodeJS.Signals, after?: string) {
  return new Promise<Run>((resolve, reject) => {
    const child = spawn(process.execPath, [demo], {
      detached: true,
      env: { ...process.env, TMPDIR: folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let isSent = false
    const read = (text: string) => {
      output += text
      if (signal && after && !isSent && output.includes(after) && child.pid !== undefined) {
        isSent = true
        process.kill(-child.pid, signal)
      }
    }
    child.stdout.setEncoding('utf8').on('data', read)
    child.stderr.setEncoding('utf8').on('data', read)
    child.on('error', reject)
    child.on('close', (status) => {
      resolve({ status, output })
    })
  })
}

/** Whether the stack still runs a moment later: what init has not yet reaped no longer does. */
async function isStackRunning(output: string): Promise<boolean> {
  const pid = /\(process (\d+)\)/.exec(output)?.[1]
  if (pid === undefined) return false
  for (let attempt = 0; attempt < 50 && isAlive(Number(pid)); attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return isAlive(Number(pid))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // ESRCH: it has ended.
    return false
  }
}

describe('npm run demo', { timeout: 120_000 }, () => {
  it('does all it says, and leaves nothing running or lying about', async () => {
    const { status, output } = await runDemo()
    expect(output).toContain('All as it should be')
    expect(status).toBe(0)
    expect(output).toContain('$ git commit -m "Say hello"\n')
    expect(output).toContain('(exit 1: refused, as it should be)')
    expect(readdirSync(folder)).toEqual([])
    expect(await isStackRunning(output)).toBe(false)
  })

  it.each([
    ['SIGINT', '$ git signet setup'],
    ['SIGTERM', '$ git commit -m'],
    ['SIGINT', '$ git signet stack up'],
  ] as const)('leaves nothing after %s at "%s"', async (signal, after) => {
    const { status, output } = await runDemo({}, signal, after)
    expect(status).toBe(130)
    expect(output).not.toContain('All as it should be')
    expect(readdirSync(folder)).toEqual([])
    expect(await isStackRunning(output)).toBe(false)
  })

  it('fails, and leaves nothing, when a step does not do what it should', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'git-signet-test-bin-'))
    try {
      // A git that cannot verify tags: everything before works.
      const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
      const git = join(bin, 'git')
      writeFileSync(git, `#!/bin/sh\n[ "$1" = verify-tag ] && exit 5\nexec ${real} "$@"\n`)
      chmodSync(git, 0o755)
      const { status, output } = await runDemo({ PATH: `${bin}:${process.env['PATH'] ?? ''}` })
      expect(output).toContain('demo: that should have exited with 0, not 5')
      expect(status).toBe(1)
      expect(readdirSync(folder)).toEqual([])
      expect(await isStackRunning(output)).toBe(false)
    } finally {
      rmSync(bin, { recursive: true, force: true })
    }
  })
})
