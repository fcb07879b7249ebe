import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnSync } from 'node:child_process'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { programPath } from './run-program.ts'
import { SigningPerson } from './signer.ts'

/** `script` (util-linux) gives a program a terminal of its own. */
const hasScript = spawnSync('script', ['--version']).status === 0

let stack: LocalStack
let alice: SigningPerson

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  alice = await SigningPerson.create(stack)
  const browser = fileURLToPath(new URL('login-browser.mjs', import.meta.url))
  copyFileSync(browser, join(alice.home, 'browser.mjs'))
  alice.withEnv({
    SIGNET_ID_TOKEN: '',
    LOGIN_EMAIL: 'alice@example.org',
    SIGNET_URL_OPENER: `${process.execPath} ${join(alice.home, 'browser.mjs')} {{.URL}}`,
  })
  writeFileSync(
    join(alice.home, 'payload'),
    'tree 0\ncommitter A <alice@example.org> 0 +0000\n\nx\n',
  )
})

afterEach(() => {
  stack.clearFaults()
})

afterAll(async () => {
  alice.remove()
  await stack.close()
})

interface TerminalResult {
  readonly status: number
  readonly signature: string
  readonly stderr: string
  /** What the person at the terminal saw. */
  readonly terminal: string
}

/** Signs with a terminal as git does: all three streams are pipes or files, /dev/tty is there. */
async function signAtTerminal(env: Record<string, string> = {}): Promise<TerminalResult> {
  const command = join(alice.home, 'sign.sh')
  writeFileSync(
    command,
    `#!/bin/sh\n"${process.execPath}" "${programPath}" --status-fd=2 -bsau key ` +
      '<payload >signature 2>stderr\necho $? >status\n',
  )
  chmodSync(command, 0o755)
  await alice.run('script', ['-qefc', command, 'terminal'], { env })
  const read = (name: string): string => readFileSync(join(alice.home, name), 'utf8')
  return {
    status: Number(read('status')),
    signature: read('signature'),
    stderr: read('stderr'),
    terminal: read('terminal').replaceAll('\r', ''),
  }
}

/** Reads the code off the terminal and allows it, as a person with a telephone does. */
async function approveDevice(): Promise<void> {
  rmSync(join(alice.home, 'terminal'), { force: true })
  for (let tries = 0; tries < 200; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    const seen = readFileSync(join(alice.home, 'terminal'), { encoding: 'utf8', flag: 'a+' })
    const code = /user_code=([A-Z]{4}-[A-Z]{4})/.exec(seen)?.[1]
    if (code === undefined) continue
    const body = new URLSearchParams({
      user_code: code,
      email: 'alice@example.org',
      decision: 'allow',
    })
    await fetch(`${stack.issuer}/device`, { method: 'POST', body })
    return
  }
}

describe.skipIf(!hasScript)('a person at a terminal (needs script)', () => {
  test('logs in with the browser, whose output stays out of the signature', async () => {
    const result = await signAtTerminal()
    expect(result.status, result.terminal + result.stderr).toBe(0)
    expect(result.signature).toMatch(/^-----BEGIN SIGNED MESSAGE-----\n/)
    expect(result.signature).not.toContain('Opening in existing')
    expect(result.stderr).not.toContain('Opening in existing')
    expect(result.terminal).toContain('log in with your browser')
    expect(result.terminal).toContain('signing as alice@example.org, by a login in the browser')
    // git shows standard error when something fails: only status lines are there.
    expect(result.stderr.replace(/^\[GNUPG:\] .*\n/gm, '')).toBe('')
  })

  test('who answers no sees why, on the terminal and for git', async () => {
    const result = await signAtTerminal({ LOGIN_DECISION: 'deny' })
    expect(result).toMatchObject({ status: 1, signature: '' })
    expect(result.terminal).toContain('the login was denied')
    expect(result.stderr).toContain('the login was denied')
    expect(result.terminal).not.toContain('\u001b[31m')
  })

  test.each(['lie-nonce', 'lie-audience', 'lie-issuer', 'lie-expired'])(
    'an issuer with %s is not believed',
    async (mode) => {
      stack.fault('oidc', mode, 20)
      const result = await signAtTerminal()
      expect(result.status, result.terminal).toBe(1)
      expect(result.signature).toBe('')
      expect(result.terminal).toContain('git-signet: error: cannot')
    },
  )

  test('a browser that cannot be started leads to the device login', async () => {
    const approving = approveDevice()
    const result = await signAtTerminal({ SIGNET_URL_OPENER: '/nowhere/browser {{.URL}}' })
    await approving
    expect(result.status, result.terminal + result.stderr).toBe(0)
    expect(result.terminal).toContain('no browser could be opened')
    expect(result.terminal).toContain('by a login with a code')
  })

  test('asked for the device login gets it', async () => {
    const approving = approveDevice()
    const result = await signAtTerminal({ SIGNET_TOKEN_PROVIDER: 'device' })
    await approving
    expect(result.status, result.terminal + result.stderr).toBe(0)
  })

  test('a URL opener without a place for the address is refused', async () => {
    const result = await signAtTerminal({ SIGNET_URL_OPENER: 'firefox' })
    expect(result.status).toBe(2)
    expect(result.terminal).toContain('signet.urlOpener')
  })
})
