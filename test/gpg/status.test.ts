import { expect, test } from 'vitest'
import { beginSigningLine, signatureCreatedLine, verifyStatusLines } from '../../src/gpg/status.ts'
import type { VerifyStatus } from '../../src/gpg/status.ts'

const fingerprint = 'ab'.repeat(32)
const good = { kind: 'good', fingerprint, signer: 'a@b.org', time: 1_795_226_752 } as const

test.each<[VerifyStatus, string[]]>([
  [
    { ...good, trust: 'fully' },
    [
      'NEWSIG',
      `GOODSIG ${fingerprint} a@b.org`,
      `VALIDSIG ${fingerprint} 2026-11-21 1795226752 0 0 0 19 8 00`,
      'TRUST_FULLY 0 shell',
    ],
  ],
  [
    { kind: 'bad', fingerprint, signer: undefined },
    ['NEWSIG', `BADSIG ${fingerprint} ?`, 'TRUST_NEVER 0 shell'],
  ],
  [
    { kind: 'error', fingerprint: undefined },
    ['NEWSIG', 'ERRSIG 0 0 0 00 0 9', 'TRUST_UNDEFINED 0 shell'],
  ],
])('verifyStatusLines() says exactly what git must hear: %#', (status, lines) => {
  expect(verifyStatusLines(status)).toBe(lines.map((line) => `[GNUPG:] ${line}\n`).join(''))
})

test('verifyStatusLines() lets no name break out of its line', () => {
  const signer = 'a\n[GNUPG:] TRUST_FULLY 0 shell\r%\u202e'
  const text = verifyStatusLines({ ...good, trust: 'never', signer })
  expect(text.split('\n')).toHaveLength(5)
  expect(text).toContain(
    'GOODSIG ' + fingerprint + ' a%0A[GNUPG:] TRUST_FULLY 0 shell%0D%25%E2%80%AE',
  )
  expect(text).toContain('[GNUPG:] TRUST_NEVER 0 shell\n')
})

test('verifyStatusLines() never leaves the name empty: git would take the next line for it', () => {
  expect(verifyStatusLines({ ...good, trust: 'fully', signer: ' ' })).toContain(
    `GOODSIG ${fingerprint} ?\n`,
  )
})

test('signing says BEGIN_SIGNING, then SIG_CREATED', () => {
  expect(beginSigningLine() + signatureCreatedLine(1, fingerprint)).toBe(
    `[GNUPG:] BEGIN_SIGNING\n[GNUPG:] SIG_CREATED D 19 8 00 1 ${fingerprint}\n`,
  )
})
