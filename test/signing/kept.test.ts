import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RefusedError } from '../../src/errors.ts'
import { forgetFailure, keepFailure, readLastFailure } from '../../src/signing/last-failure.ts'
import { isPublicLog, notePublicLog } from '../../src/signing/public-notice.ts'

let env: { XDG_DATA_HOME: string }

beforeEach(() => {
  env = { XDG_DATA_HOME: mkdtempSync(join(tmpdir(), 'git-signet-kept-')) }
})

afterEach(() => {
  rmSync(env.XDG_DATA_HOME, { recursive: true })
})

describe('the last failure', () => {
  test('is kept for its owner alone until a signature is made', () => {
    expect(readLastFailure(env)).toBeUndefined()
    keepFailure(env, new RefusedError('SERVICE_REFUSED', 'no', { hint: 'try again' }), 0)
    expect(readLastFailure(env)).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      code: 'SERVICE_REFUSED',
      message: 'no',
      hint: 'try again',
    })
    const [name = ''] = readdirSync(join(env.XDG_DATA_HOME, 'git-signet'))
    expect(statSync(join(env.XDG_DATA_HOME, 'git-signet', name)).mode & 0o777).toBe(0o600)
    forgetFailure(env)
    expect(readLastFailure(env)).toBeUndefined()
  })

  test('says nothing of a mistake of ours: its text may hold anything', () => {
    keepFailure(env, new TypeError('with a secret'), 0)
    expect(readLastFailure(env)).toMatchObject({ code: 'INTERNAL' })
    expect(JSON.stringify(readLastFailure(env))).not.toContain('secret')
  })

  test('is no failure itself', () => {
    const nowhere = { XDG_DATA_HOME: '/dev/null' }
    keepFailure(nowhere, new RefusedError('X', 'x'), 0)
    expect(readLastFailure(nowhere)).toBeUndefined()
  })
})

test('notePublicLog() says once that the log is public for ever', () => {
  const said: string[] = []
  const note = (): void => {
    notePublicLog(env, 'alice@example.org', new URL('https://rekor.sigstore.dev'), (text) => {
      said.push(text)
    })
  }
  note()
  note()
  expect(said).toHaveLength(1)
  expect(said[0]).toContain('alice@example.org')
  expect(said[0]).toContain('for ever')
})

test.each([
  ['https://rekor.sigstore.dev', true],
  ['https://log2025-1.rekor.sigstore.dev', true],
  ['http://localhost:3000', false],
  ['https://rekor.sigstore.dev.example', false],
  ['https://notsigstore.dev', false],
])('isPublicLog(%s) is %s', (url, answer) => {
  expect(isPublicLog(new URL(url))).toBe(answer)
})
