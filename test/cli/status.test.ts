import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Person, programPath } from './run-program.ts'

let person: Person
beforeEach(() => {
  person = new Person()
})
afterEach(() => {
  person.remove()
})

const secret = 'eyJhbGciOiJub25lIn0.c2VjcmV0.c2ln'

async function statusJson(env: Record<string, string> = {}, ...args: string[]) {
  const result = await person.run(process.execPath, [programPath, 'status', '--json', ...args], {
    env,
  })
  return { ...result, document: JSON.parse(result.stdout) }
}

describe('git-signet status', () => {
  it('shows what is in force in an empty home, and what to do first', async () => {
    const { status, stdout, stderr } = await person.signet('status')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('git does not sign through git-signet here\n    git-signet setup\n')
    expect(stdout).toMatch(/public +\d+ days old \(20\d\d-\d\d-\d\d\)/)
  })

  it('says where each setting comes from', async () => {
    await person.git('config', '--global', 'gitsign.fulcio', 'http://127.0.0.1:1')
    const { document } = await statusJson({ SIGSTORE_REKOR_URL: 'http://127.0.0.1:2' })
    expect(document.schema).toBe('git-signet.status/1')
    expect(document.settings).toContainEqual({
      name: 'signet.fulcio',
      value: 'http://127.0.0.1:1',
      from: 'gitsign.fulcio',
    })
    expect(document.settings).toContainEqual({
      name: 'signet.rekor',
      value: 'http://127.0.0.1:2',
      from: 'SIGSTORE_REKOR_URL',
    })
    expect(document.settings).toContainEqual({
      name: 'signet.clientID',
      value: 'sigstore',
      from: 'default',
    })
  })

  it('says by what signers are judged, and mends a short anchor', async () => {
    expect((await person.signet('status')).stdout).toContain(
      'who may sign\n  nobody is named: git-signet help policy\n',
    )
    await person.git('config', '--global', 'signet.identity', 'alice@example.org')
    expect((await person.signet('status')).stdout).toContain('  alice@example.org alone\n')
    await person.git('config', '--global', 'signet.anchor', 'abc1234')
    const { stdout } = await person.signet('status')
    expect(stdout).toContain('  .signet/policy.toml on refs/heads/main, since anchor abc1234\n')
    expect(stdout).toContain(
      '  signet.anchor is abc1234, which is no full object id\n    git config signet.anchor "$(git rev-parse abc1234)"\n',
    )
    await person.git('config', '--global', 'signet.anchor', 'a1'.repeat(20))
    expect((await person.signet('status')).stdout).not.toContain('no full object id')
  })

  it('names settings that somebody made and nobody reads', async () => {
    await person.git('config', '--global', 'signet.trustedRoots', '/root.json')
    await person.git('config', '--global', 'signet.hook.format', 'json')
    await person.git('config', '--global', 'gitsign.fulcioRoot', '/root.pem')
    await person.git('config', '--global', 'gitsign.rekorMode', 'offline')
    const { stdout } = await person.signet('status')
    expect(stdout).toContain(
      '  signet.trustedroots is set, but there is no such setting\n    git config --show-origin --get-all signet.trustedroots\n',
    )
    expect(stdout).toMatch(
      /\nto know\n {2}gitsign\.fulcioroot is gitsign's alone and not read here\n {4}.*signet\.trustedRoot FILE\n$/,
    )
    expect(stdout).not.toMatch(/(format|rekormode) is /)
  })

  it('quotes the name of an unknown setting for the shell: a repository may bring any', async () => {
    await person.git('config', '--global', "signet.x'; touch pwned; '.y", '1')
    const { stdout } = await person.signet('status')
    expect(stdout).toContain(`--get-all 'signet.x'\\''; touch pwned; '\\''.y'\n`)
  })

  it('never shows a secret', async () => {
    const env = { SIGNET_ID_TOKEN: secret, SIGNET_REKOR_URL: 'http://user:hunter2@127.0.0.1:1' }
    for (const args of [['status'], ['status', '--json'], ['status', '--check']]) {
      const { stdout, stderr } = await person.run(process.execPath, [programPath, ...args], { env })
      expect(stdout + stderr).not.toContain(secret)
      expect(stdout + stderr).not.toContain('hunter2')
      expect(stdout).toContain('SIGNET_ID_TOKEN')
    }
  })

  it('shows the last failure', async () => {
    const folder = join(person.home, '.local/share/git-signet')
    mkdirSync(folder, { recursive: true })
    const failure = { at: '2026-11-21T00:00:00Z', code: 'NO_LOGIN', message: 'no login\u001b[31m' }
    writeFileSync(join(folder, 'last-failure.json'), JSON.stringify(failure))
    const { stdout } = await person.signet('status')
    expect(stdout).toContain('last failure\n  2026-11-21T00:00:00Z  no login\\u{1b}[31m\n')
  })

  it('shows an unusable setting as a finding, and the rest all the same', async () => {
    const { status, document } = await statusJson({ SIGNET_REKOR_VERSION: '3' })
    expect(status).toBe(0)
    expect(document.findings).toContainEqual(
      expect.objectContaining({ code: 'SETTING_INVALID', kind: 'configuration' }),
    )
    const checked = await statusJson({ SIGNET_REKOR_VERSION: '3' }, '--check')
    expect(checked.status).toBe(2)
  })

  it('sees a launcher that has gone', async () => {
    await person.git('config', '--global', 'gpg.format', 'x509')
    await person.git('config', '--global', 'gpg.x509.program', '/nowhere/launcher')
    const { document } = await statusJson()
    expect(document.findings.map(({ code }: { code: string }) => code)).toEqual([
      'LAUNCHER_MISSING',
    ])
  })

  it('finds nothing to mend after setup', async () => {
    await person.signet('setup', '--yes')
    const { document } = await statusJson()
    expect(document.findings).toEqual([])
    expect(document.git['commit.gpgSign']).toBe('true')
  })
})

describe('git-signet status --check', () => {
  let server: Server | undefined
  let skewMs = 0
  const env = async (): Promise<Record<string, string>> => {
    await person.signet('setup', '--yes')
    const listening = createServer((_request, response) => {
      response.setHeader('date', new Date(Date.now() + skewMs).toUTCString())
      response.end('{}')
    })
    server = listening
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
    return { SIGNET_FULCIO_URL: url, SIGNET_REKOR_URL: url, SIGNET_OIDC_ISSUER: url }
  }
  afterEach(() => {
    server?.close()
    server = undefined
    skewMs = 0
  })

  it('exits 0 when every service answers', async () => {
    const { status, document } = await statusJson(await env(), '--check')
    expect(status).toBe(0)
    expect(document.services.map(({ answer }: { answer: string }) => answer)).toEqual([
      expect.stringMatching(/^200 in \d+ ms$/),
      expect.stringMatching(/^200 in \d+ ms$/),
      expect.stringMatching(/^200 in \d+ ms$/),
    ])
  })

  it('exits 4 and names the service that does not answer', async () => {
    const services = { ...(await env()), SIGNET_FULCIO_URL: 'http://127.0.0.1:1' }
    const { status, document } = await statusJson(services, '--check')
    expect(status).toBe(4)
    expect(document.findings).toEqual([
      expect.objectContaining({ code: 'SERVICE_UNREACHABLE', kind: 'service' }),
    ])
  })

  it('sees a wrong clock', async () => {
    skewMs = 3_600_000
    const { status, document } = await statusJson(await env(), '--check')
    expect(status).toBe(2)
    expect(document.findings[0].message).toMatch(/^this computer’s clock is 3[56]\d\d s behind/)
  })
})
