import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'

/** A gitsign that somebody named on purpose; never one that happens to be on the PATH. */
const gitsign = process.env['REAL_GITSIGN']

describe.skipIf(gitsign === undefined)('a real gitsign (REAL_GITSIGN) with the local stack', () => {
  let stack: LocalStack
  let folder: string
  let base: Record<string, string>

  beforeAll(async () => {
    stack = await startLocalStack({ port: 0, test: true })
    folder = mkdtempSync(join(tmpdir(), 'signet-gitsign-'))
    const exported = readFileSync(join(stack.directory, 'gitsign.env'), 'utf8')
    base = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: '1',
      ...Object.fromEntries(
        [...exported.matchAll(/^export (\w+)='([^']*)'$/gm)].map(([, name = '', value = '']) => [
          name,
          value,
        ]),
      ),
    }
    await run('git', ['init', '-q', '-b', 'main', folder])
    for (const [name, value] of [
      ['user.name', 'Alice'],
      ['user.email', 'alice@example.com'],
      ['gpg.format', 'x509'],
      ['gpg.x509.program', gitsign ?? ''],
    ]) {
      await run('git', ['config', name ?? '', value ?? ''])
    }
  })

  afterAll(async () => {
    await stack.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function run(
    program: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<{ code: number; output: string }> {
    return new Promise((resolve) => {
      execFile(
        program,
        args,
        { cwd: folder, env: { ...base, ...env }, timeout: 30_000 },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr })
        },
      )
    })
  }

  const commit = async (name: string, env: Record<string, string>): Promise<void> => {
    const { code, output } = await run(
      'git',
      ['commit', '-q', '-S', '--allow-empty', '-m', name],
      env,
    )
    expect(output).toBe('')
    expect(code).toBe(0)
  }

  const token = async (): Promise<Record<string, string>> => ({
    SIGSTORE_ID_TOKEN: await stack.token('alice@example.com'),
  })

  async function verify(env: Record<string, string> = {}): Promise<string> {
    const { output } = await run(
      gitsign ?? '',
      [
        'verify',
        '--certificate-identity=alice@example.com',
        `--certificate-oidc-issuer=${stack.issuer}`,
        'HEAD',
      ],
      env,
    )
    return output
  }

  test.each(['offline', 'online'])('signs and verifies a commit, %s', async (mode) => {
    await commit(mode, { ...(await token()), GITSIGN_REKOR_MODE: mode })
    expect(await verify({ GITSIGN_REKOR_MODE: mode })).toContain(
      'Validated Certificate claims: true',
    )
    expect((await run('git', ['verify-commit', 'HEAD'])).code).toBe(0)
  })

  test.each(['offline', 'online'])('signs and verifies a tag, %s', async (mode) => {
    const env = { ...(await token()), GITSIGN_REKOR_MODE: mode }
    expect((await run('git', ['tag', '-s', '-m', mode, mode], env)).code).toBe(0)
    expect((await run('git', ['verify-tag', mode], env)).code).toBe(0)
  })

  test('logs in through the page', async () => {
    const browser = join(folder, 'browser.mjs')
    // Returns at once, as browsers do: gitsign answers its callback only after that.
    writeFileSync(
      browser,
      `#!${process.execPath}
import { spawn } from 'node:child_process'
const [, self, url, worker] = process.argv
if (worker === undefined) {
  spawn(process.execPath, [self, url, 'worker'], { detached: true, stdio: 'ignore' }).unref()
} else {
  const form = new URLSearchParams(new URL(url).search)
  form.set('email', 'alice@example.com')
  await fetch(url.split('?')[0], { method: 'POST', body: form })
}
`,
    )
    chmodSync(browser, 0o755)
    await commit('login', { GITSIGN_URL_OPENER: `${browser} {{.URL}}` })
    expect(await verify()).toContain('Good signature from [alice@example.com]')
  })

  test('signs into Rekor v2 with a timestamp', async () => {
    await commit('v2', {
      ...(await token()),
      GITSIGN_REKOR_VERSION: '2',
      SIGSTORE_REKOR_PUBLIC_KEY: join(stack.directory, 'rekor-v2.pub'),
      GITSIGN_TIMESTAMP_SERVER_URL: stack.tsaUrl,
      GITSIGN_TIMESTAMP_CERT_CHAIN: join(stack.directory, 'tsa-chain.pem'),
    })
    const checkpoint = await (await fetch(`${stack.url}/api/v2/checkpoint`)).text()
    expect(checkpoint.split('\n')[1]).toBe('1')
  })
})
