import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import type { Outcome, ReasonCode, SignatureKind } from '../../src/facts.ts'

import { sharedFolder } from '../shared.ts'

interface Expected {
  outcome: Outcome
  codes: ReasonCode[]
  signature: SignatureKind
}

/** Ground truth of corpus and interop in words of facts.md. */
export function expectedOutcome(expected: string, actualSignature?: string): Expected {
  const x509 = (outcome: Outcome, ...codes: ReasonCode[]): Expected => ({
    outcome,
    codes,
    signature: 'x509',
  })
  switch (expected) {
    case 'PASS':
    case 'PASS-LEGACY':
      return x509('proven')
    case 'INCOMPLETE-NO-TLOG':
    case 'INCOMPLETE-NO-TLOG-NO-SCT':
    case 'TIMESTAMP-NO-TLOG':
      return x509('incomplete', 'NOT_LOGGED')
    case 'NO-TRUSTED-TIME':
      return x509('incomplete', 'NO_TRUSTED_TIME')
    case 'FOREIGN-CA':
      return x509('untrusted', 'UNTRUSTED_CERTIFICATE')
    case 'BAD-SIGNATURE':
      return x509('bad', 'BAD_SIGNATURE')
    case 'NO-SIGNER-CERT':
      return x509('bad', 'MALFORMED')
    case 'NO-X509-SIGNATURE':
    case 'UNSIGNED':
      if (actualSignature !== undefined) {
        if (actualSignature.includes('SSH')) {
          return { outcome: 'proven', codes: [], signature: 'ssh' }
        }
        return { outcome: 'incomplete', codes: ['UNSUPPORTED'], signature: 'openpgp' }
      }
      return { outcome: 'unsigned', codes: ['UNSIGNED'], signature: 'none' }
    default:
      throw new Error(`unknown expectation ${expected}`)
  }
}

const folder = join(import.meta.dirname, '..', '..', '.cache', 'real-objects')

/** Leaves the number of real objects that were checked for the last line of `npm test`. */
export function recordCount(name: string, count: number): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ count })}\n`)
}

/** The value, which the test data must have. */
export function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`the test data has no ${name}`)
  return value
}

/** Tests over shared test data; where it is absent, one that is skipped and says so. */
export function describeShared(title: string, body: () => void): void {
  if (sharedFolder !== undefined) describe(title, body)
  else describe.skip(title, () => it('is skipped: the shared test data is absent', () => undefined))
}
