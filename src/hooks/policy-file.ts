import { dirname, resolve } from 'node:path'
import { readAtMost } from '../config/text-file.ts'
import { sha256 } from '../crypto/digest.ts'
import { encodeHex } from '../encoding/hex.ts'
import { escapeText } from '../encoding/escape.ts'
import { PolicyError } from '../errors.ts'
import { MAX_POLICY_BYTES, parsePolicy } from '../policy/parse.ts'
import { policyFilesInFolder } from '../verification/policy-files.ts'
import type { FixedPolicy } from '../verification/policy-session.ts'

export interface PolicyFileUse {
  /** Where a path that is not absolute starts. */
  readonly folder: string
  readonly policyBranch: string
  readonly isFloor: boolean
  /** What to do where the file cannot be read. */
  readonly hint: string
}

/**
 * Reads a policy file by its path.
 *
 * @param name - as somebody wrote it, and as reports show it
 * @throws PolicyError POLICY_FILE, POLICY_INVALID
 */
export function readPolicyFile(name: string, use: PolicyFileUse): FixedPolicy {
  const { folder, policyBranch, isFloor, hint } = use
  const path = resolve(folder, name)
  let bytes: Buffer
  try {
    bytes = readAtMost(path, MAX_POLICY_BYTES + 1)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const code = 'code' in error ? String(error.code) : error.message
    const why = code === 'ENOENT' ? 'there is no such file' : code
    throw new PolicyError('POLICY_FILE', `cannot read the policy ${escapeText(name)}: ${why}`, {
      hint,
      cause: error,
    })
  }
  const policy = parsePolicy(bytes, name, { policyBranch, ...(isFloor && { use: 'floor' }) })
  return { policy, id: encodeHex(sha256(bytes)), files: policyFilesInFolder(dirname(path)) }
}
