import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ServiceName } from '../../src/localstack/http.ts'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { programPath } from './run-program.ts'
import type { ProcessResult } from './run-program.ts'
import { SigningPerson } from './signer.ts'

let stack: LocalStack
let alice: SigningPerson

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  alice = await SigningPerson.create(stack)
})

afterEach(() => {
  stack.clearFaults()
})

afterAll(async () => {
  alice.remove()
  await stack.close()
})

/** What every failure has in common. */
function expectFailure(result: ProcessResult, exit: number, ...says: readonly string[]): void {
  expect({ status: result.status, stdout: result.stdout }, result.stderr).toEqual({
    status: exit,
    stdout: '',
  })
  expect(result.stderr).not.toContain('SIG_CREATED')
  expect(result.stderr).toMatch(/^git-signet: error: .*[^.]$/m)
  for (const text of says) expect(result.stderr).toContain(text)
  expectNoSecret(result)
}

function expectNoSecret(result: ProcessResult): void {
  const kept = join(alice.home, '.local/share/git-signet/last-failure.json')
  const texts = [result.stdout, result.stderr, existsSync(kept) ? readFileSync(kept, 'utf8') : '']
  for (const part of [alice.token, ...alice.token.split('.')]) {
    for (const text of texts) expect(text).not.toContain(part)
  }
}

const TSA = () => ({ SIGNET_TIMESTAMP_SERVER_URL: stack.tsaUrl })
const V2 = () => ({ ...TSA(), SIGNET_REKOR_VERSION: '2' })

describe('a token that cannot be used is refused before anything is asked', () => {
  test('none, and nobody to log in: within a second, with what to type', async () => {
    const before = Date.now()
    const result = await alice.sign({ env: { SIGNET_ID_TOKEN: '' } })
    expectFailure(result, 2, 'there is no token, and no terminal to log in at', 'hint: ')
    expect(Date.now() - before).toBeLessThan(3000)
  })

  test('expired', async () => {
    const exp = Math.floor(Date.now() / 1000) - 60
    const token = await stack.token('alice@example.org', { exp })
    const result = await alice.sign({ env: { SIGNET_ID_TOKEN: token } })
    expectFailure(result, 2, 'the ID token from SIGNET_ID_TOKEN: it expired at ', 'hint: ')
    expect(result.stderr).not.toContain(token.split('.')[1])
  })

  test('for another audience', async () => {
    const token = await stack.token('alice@example.org', { aud: 'npm' })
    const result = await alice.sign({ env: { SIGNET_ID_TOKEN: token } })
    expectFailure(result, 2, 'it is for "npm", not for "sigstore"')
  })

  test('with an unverified e-mail address', async () => {
    const token = await stack.token('alice@example.org', { email_verified: false })
    const result = await alice.sign({ env: { SIGNET_ID_TOKEN: token } })
    expectFailure(result, 2, 'is not a verified one')
  })

  test('no token at all', async () => {
    const result = await alice.sign({ env: { SIGNET_ID_TOKEN: 'hello' } })
    expectFailure(result, 2, 'it is not a JSON Web Token')
  })

  test('a token file that is not there', async () => {
    const env = { SIGNET_ID_TOKEN: '', SIGNET_TOKEN_FILE: '/nowhere/token' }
    expectFailure(await alice.sign({ env }), 2, 'there is no such file (/nowhere/token)')
  })

  test('GitHub Actions without the permission', async () => {
    const env = { SIGNET_ID_TOKEN: '', GITHUB_ACTIONS: 'true' }
    expectFailure(await alice.sign({ env }), 2, 'id-token: write')
  })
})

test('a token file and GitHub Actions give tokens, and which is said', async () => {
  writeFileSync(join(alice.home, 'token'), `${alice.token}\n`)
  const file = await alice.sign({ env: { SIGNET_ID_TOKEN: '', SIGNET_TOKEN_FILE: '~/token' } })
  expect(file.status, file.stderr).toBe(0)
  expect(file.stderr).toContain('signing as alice@example.org, by the token in ')
  const actions = await alice.sign({
    env: {
      SIGNET_ID_TOKEN: '',
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: stack.ciTokenUrl,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'job-secret',
    },
  })
  expect(actions.status, actions.stderr).toBe(0)
  expect(actions.stderr).toContain('by GitHub Actions')
  expect(actions.stderr).not.toContain('job-secret')
})

describe('services that fail', () => {
  test.each<[ServiceName, string, string]>([
    ['fulcio', '502', 'Fulcio'],
    ['fulcio', '429', 'Fulcio'],
    ['fulcio', 'cut', 'Fulcio'],
    ['fulcio', 'timeout', 'Fulcio'],
    ['rekor', '503', 'Rekor'],
    ['rekor', 'cut-body', 'Rekor'],
    ['rekor', 'timeout', 'Rekor'],
    ['tsa', '500', 'the timestamp authority'],
    ['tsa', 'timeout', 'the timestamp authority'],
  ])(
    '%s with %s for good: the time is bounded, the service is named',
    async (service, mode, name) => {
      stack.fault(service, mode, 1000)
      const before = Date.now()
      const result = await alice.sign({ env: { ...TSA(), SIGNET_TIMEOUT: '2' } })
      expectFailure(result, 4, name, stack.url.replace('http://', ''), '--no-gpg-sign')
      expect(Date.now() - before).toBeLessThan(8000)
    },
  )

  test.each<[ServiceName, string]>([
    ['fulcio', '503'],
    ['fulcio', 'cut'],
    ['rekor', '502'],
    ['rekor', 'slow'],
    ['rekor', 'cut'],
    ['rekor', 'lost-answer'],
    ['rekor', '409'],
    ['rekor', '404-after-409'],
    ['tsa', '503'],
  ])('%s with %s once: it is tried again', async (service, mode) => {
    stack.fault(service, mode)
    const result = await alice.sign({ env: TSA() })
    expect(result.status, result.stderr).toBe(0)
  })

  test.each(['502', 'cut', '409', 'lost-answer'])('Rekor v2 with %s once', async (mode) => {
    stack.fault('rekor-v2', mode)
    const result = await alice.sign({ env: V2() })
    expect(result.status, result.stderr).toBe(0)
  })

  test('a frozen log', async () => {
    stack.fault('rekor-v2', '405')
    expectFailure(await alice.sign({ env: V2() }), 1, 'the log is frozen', 'signet.signingConfig')
  })

  test('nobody there', async () => {
    const env = { SIGNET_FULCIO_URL: 'http://user:pass-word@127.0.0.1:9/', SIGNET_TIMEOUT: '2' }
    const result = await alice.sign({ env })
    expectFailure(result, 4, 'Fulcio', 'connection refused', 'http://127.0.0.1:9')
    expect(result.stderr).not.toContain('pass-word')
  })

  test('a token that Fulcio does not take is not tried again', async () => {
    const token = await stack.token('alice@example.org', { iss: 'https://elsewhere.example' })
    const before = Date.now()
    const result = await alice.sign({ env: { SIGNET_ID_TOKEN: token } })
    expectFailure(result, 1, 'Fulcio', '400', 'processing the identity token')
    expect(Date.now() - before).toBeLessThan(3000)
  })
})

describe('services that lie', () => {
  test.each<[ServiceName, string]>([
    ['fulcio', 'lie-key'],
    ['fulcio', 'lie-identity'],
    ['fulcio', 'lie-sct'],
    ['fulcio', 'lie-no-sct'],
    ['fulcio', 'lie-chain'],
    ['fulcio', 'lie-garbage'],
    ['rekor', 'lie-entry'],
    ['rekor', 'lie-promise'],
    ['rekor', 'lie-proof'],
    ['rekor', 'lie-checkpoint'],
    ['rekor', 'lie-index'],
    ['rekor', 'lie-time'],
    ['rekor', 'lie-garbage'],
    ['tsa', 'lie-nonce'],
    ['tsa', 'lie-imprint'],
    ['tsa', 'lie-time'],
    ['tsa', 'lie-signature'],
    ['tsa', 'lie-chain'],
    ['tsa', 'lie-rejection'],
    ['tsa', 'lie-garbage'],
  ])('%s with %s: no signature', async (service, mode) => {
    stack.fault(service, mode, 50)
    expectFailure(await alice.sign({ env: TSA() }), 1)
  })

  test.each(['lie-entry', 'lie-proof', 'lie-checkpoint', 'lie-index', 'lie-log', 'lie-garbage'])(
    'Rekor v2 with %s: no signature',
    async (mode) => {
      stack.fault('rekor-v2', mode, 50)
      expectFailure(await alice.sign({ env: V2() }), 1)
    },
  )
})

describe('configuration', () => {
  test.each([
    ['SIGNET_REKOR_VERSION', '3', 'cannot use SIGNET_REKOR_VERSION: "3" is not 1 or 2'],
    [
      'GITSIGN_AUTOCLOSE',
      'perhaps',
      'cannot use GITSIGN_AUTOCLOSE: "perhaps" is not true or false',
    ],
    ['SIGNET_FULCIO_URL', 'fulcio', 'cannot use SIGNET_FULCIO_URL: it is not an http or https URL'],
    ['SIGNET_TRUSTED_ROOT', '/nowhere', 'the trusted root that SIGNET_TRUSTED_ROOT names'],
    ['SIGNET_SIGNING_CONFIG', '/dev/null', 'cannot read signing configuration'],
    ['SIGNET_CA_FILE', '/nowhere', 'the CA file that SIGNET_CA_FILE names'],
    ['SIGNET_TOKEN_PROVIDER', 'magic', 'cannot use SIGNET_TOKEN_PROVIDER: it is none of auto'],
  ])('that cannot be used names itself: %s=%s', async (name, value, says) => {
    expectFailure(await alice.sign({ env: { [name]: value } }), 2, says)
  })

  test('that git cannot read is an error, not the default', async () => {
    const env = { GIT_CONFIG_COUNT: 'many' }
    expectFailure(await alice.sign({ env }), 2, "cannot read git's configuration")
  })

  test('Rekor v2 needs a timestamp authority', async () => {
    const env = { SIGNET_REKOR_VERSION: '2' }
    expectFailure(await alice.sign({ env }), 2, 'no timestamp authority is configured')
  })

  test('a private instance needs its trusted root', async () => {
    const env = { SIGNET_TRUSTED_ROOT: '' }
    expectFailure(await alice.sign({ env }), 1, 'git config signet.trustedRoot FILE')
  })
})

describe('the committer', () => {
  const input = 'tree 0\ncommitter Bob <bob@example.org> 0 +0000\n\nhello\n'

  test('is compared with the login: a warning by default', async () => {
    const result = await alice.sign({ input })
    expect(result.status).toBe(0)
    const warning = 'warning: the committer is bob@example.org, the login alice@example.org'
    expect(result.stderr).toContain(warning)
  })

  test('an error with true, before a certificate is asked for; nothing with false', async () => {
    stack.fault('fulcio', '500', 100)
    const strict = await alice.sign({ input, env: { SIGNET_MATCH_COMMITTER: 'true' } })
    expectFailure(strict, 2, 'the committer is bob@example.org')
    stack.clearFaults()
    const lax = await alice.sign({ input, env: { SIGNET_MATCH_COMMITTER: 'false' } })
    expect(lax.status).toBe(0)
    expect(lax.stderr).not.toContain('bob@example.org')
  })
})

describe('standard streams', () => {
  function shell(command: string): Promise<ProcessResult> {
    return alice.run('sh', [
      '-c',
      command.replace('PROGRAM', `"${programPath}" -bsau key --status-fd=2`),
    ])
  }

  test('closed or empty standard input', async () => {
    expectFailure(await shell('PROGRAM <&-'), 2, 'standard input is empty')
    expectFailure(await shell('PROGRAM </dev/null'), 2, 'standard input is empty')
  })

  test('standard output that nobody reads: no SIG_CREATED', async () => {
    const child = spawn(process.execPath, [programPath, '--status-fd=2', '-bsau', 'key'], {
      cwd: alice.home,
      env: alice.env,
    })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
    child.stdin.end('tree 0\n\nhello\n')
    const status = await new Promise((resolve) => child.once('close', resolve))
    expect(status).toBe(4)
    expect(stderr).toContain('nobody reads it any more')
    expect(stderr).not.toContain('SIG_CREATED')
  })
})

test('git passes a failure on, and makes no commit', async () => {
  await alice.repository('failing')
  const before = await alice.gitIn('failing', 'rev-parse', '--verify', '-q', 'HEAD')
  expect(before.status).toBe(1)
  const commit = await alice.run('git', ['commit', '-S', '--allow-empty', '-m', 'one'], {
    cwd: 'failing',
    env: { SIGNET_ID_TOKEN: '' },
  })
  expect(commit.status).toBe(128)
  expect((await alice.gitIn('failing', 'rev-parse', '--verify', '-q', 'HEAD')).status).toBe(1)
  const kept = readFileSync(join(alice.home, '.local/share/git-signet/last-failure.json'), 'utf8')
  expect(JSON.parse(kept)).toMatchObject({ code: 'NO_LOGIN' })
})
