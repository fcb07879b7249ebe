import type { Verification } from '../crypto/verify.ts'
import { concatBytes, encodeUtf8, latin1 } from '../encoding/bytes.ts'
import { LIMITS } from '../encoding/limits.ts'
import { MalformedError } from '../errors.ts'
import type { Facts, ObjectFormat, ObjectType } from '../facts.ts'
import { objectFindings } from '../git/object-form.ts'
import { objectFormatOf, objectId } from '../git/objects.ts'
import { parsePushCertificate } from '../git/push-certificate.ts'
import { splitObject } from '../git/split.ts'
import type { SplitObject } from '../git/split.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import type { LoggedText } from './log-evidence.ts'
import { verifyOpenpgpSignature } from './openpgp-signature.ts'
import { Findings, conclude } from './outcome.ts'
import { verifySignedPayload } from './signed-payload.ts'
import type { SignatureFacts, VerifyOptions } from './signed-payload.ts'
import { verifySshSignature } from './ssh-signature.ts'

/** An object as it was read; `git/objects` gives them. */
export interface StoredObject {
  readonly id: string
  readonly type: ObjectType
  readonly format: ObjectFormat
  readonly bytes: Uint8Array
  /** Whether the hash of header and bytes is the id; undefined: it is not known by one. */
  readonly idMatches?: boolean
}

/**
 * Everything that the bytes of one commit, tag or push certificate and the trust roots prove. Depends
 * on nothing else; never throws for anything an object holds.
 */
export function* verifyObject(
  object: StoredObject,
  roots: TrustRoots,
  options: VerifyOptions = {},
): Verification<Facts> {
  if (object.bytes.length > LIMITS.objectBytes) {
    return tooLargeFacts(object.id, object.type)
  }
  const split = splitObject(object.type, object.bytes, object.format)
  return yield* verifySplitObject(object, split, roots, options)
}

/** As `verifyObject`, for an object that is split already. */
export function* verifySplitObject(
  object: StoredObject,
  split: SplitObject,
  roots: TrustRoots,
  options: VerifyOptions = {},
): Verification<Facts> {
  const { id, type, format } = object
  const findings = new Findings()
  const facts = factsAbout(id, type, format)
  const signature = split.signatureKind === 'unknown' ? 'none' : split.signatureKind
  if (object.idMatches === undefined) findings.notChecked('object-id')
  else if (object.idMatches) findings.passed('object-id')
  else
    findings.failed('object-id', 'MALFORMED', 'the object does not have the id it is stored under')
  const why = whyMalformed(object, split)
  if (why === undefined) findings.passed('object-form')
  else findings.failed('object-form', 'MALFORMED', why)
  if (findings.codes.size === 0 && signature === 'x509' && split.signature !== undefined) {
    const rest = yield* verifySignedPayload({
      payload: split.payload,
      armor: split.signature,
      roots,
      options:
        options.entries === undefined
          ? options
          : { ...options, loggedTexts: loggedTexts(object, split) },
    })
    return completed(facts, findings, rest)
  }
  if (findings.codes.size === 0 && signature === 'ssh' && split.signature !== undefined) {
    const rest = yield* verifySshSignature(split.payload, split.signature)
    return completed(facts, findings, rest)
  }
  if (findings.codes.size === 0 && signature === 'openpgp' && split.signature !== undefined) {
    const { payload, signature: armor } = split
    const rest = yield* verifyOpenpgpSignature(payload, armor, options.openpgpKeys)
    return completed(facts, findings, rest)
  }
  if (findings.codes.size === 0) findings.absent('signature', 'UNSIGNED')
  const checks = soFar(findings)
  const last = findings.list('signature')[0]
  if (last !== undefined) checks.push(last)
  return { ...facts, signature, ...conclude(findings.codes), checks }
}

function whyMalformed(object: StoredObject, split: SplitObject): string | undefined {
  if (object.type === 'push-certificate') {
    try {
      parsePushCertificate(object.bytes, object.format)
      return undefined
    } catch (error) {
      if (error instanceof MalformedError) return error.message
      throw error
    }
  }
  const details = new Set(objectFindings(split).map(({ detail }) => detail))
  return details.size === 0 ? undefined : [...details].slice(0, 3).join('; ')
}

/** Facts about an object that is larger than is read: not even its id is known to be right. */
export function tooLargeFacts(id: string, type: ObjectType): Facts {
  const findings = new Findings()
  findings.notChecked('object-id', 'LIMIT', 'the object is larger than is read')
  return {
    ...factsAbout(id, type, objectFormatOf(id)),
    ...conclude(findings.codes),
    checks: soFar(findings),
  }
}

/** Facts about an object that the repository does not have. */
export function missingFacts(id: string, type: ObjectType): Facts {
  const findings = new Findings()
  findings.absent('object-id', 'MISSING_OBJECT', 'the repository does not have it')
  return {
    ...factsAbout(id, type, objectFormatOf(id)),
    ...conclude(findings.codes),
    checks: soFar(findings),
  }
}

/** A push certificate as a stored object; git keeps it as a blob. */
export function pushCertificate(bytes: Uint8Array): StoredObject {
  const format = /\n[0-9a-f]{64} [0-9a-f]{64} /.test(latin1(bytes.subarray(0, 1 << 16)))
    ? 'sha256'
    : 'sha1'
  return { id: objectId('blob', bytes, format), type: 'push-certificate', format, bytes }
}

/** In the order in which facts are printed. */
function factsAbout(id: string, type: ObjectType, format: ObjectFormat): Facts {
  return {
    schema: 'git-signet.facts/1',
    object: { id, type, format },
    signature: 'none',
    outcome: 'bad',
    codes: [],
    signer: null,
    certificate: null,
    times: [],
    log: [],
    checks: [],
    tolerated: [],
  }
}

/** Facts about an object with those about its signature. */
function completed(facts: Facts, findings: Findings, rest: SignatureFacts): Facts {
  const checks = soFar(findings)
  for (const check of rest.checks) checks.push(check)
  facts.signature = rest.signature
  facts.outcome = rest.outcome
  facts.codes = rest.codes
  facts.signer = rest.signer
  facts.certificate = rest.certificate
  facts.times = rest.times
  facts.log = rest.log
  facts.checks = checks
  facts.tolerated = rest.tolerated
  if (rest.payload_sha256 !== undefined) facts.payload_sha256 = rest.payload_sha256
  return facts
}

function soFar(findings: Findings): Facts['checks'] {
  return findings.list('object-id', 'armor')
}

/**
 * Ids that gitsign's online kind may have logged for this object: its own; what that would be with
 * SHA-1, which gitsign takes whatever the repository uses; of a tag also what gitsign 0.16 took for it,
 * the id of a tag with the signature where a commit has it (gitsign.md §2).
 */
function loggedTexts(object: StoredObject, split: SplitObject): LoggedText[] {
  const { type, payload, signature = new Uint8Array() } = split
  const texts: LoggedText[] = [{ text: object.id }]
  if (type === 'push-certificate') return texts
  const asCommit = objectId(type, withSignatureHeader(payload, signature), 'sha1')
  if (object.format !== 'sha1') {
    texts.push({ text: type === 'commit' ? asCommit : objectId('tag', object.bytes, 'sha1') })
  }
  if (type === 'tag') texts.push({ text: asCommit, tolerated: 'logged-id' })
  return texts
}

/** A payload with the signature as a header, the last one: the commit as git writes it. */
export function withSignatureHeader(
  payload: Uint8Array,
  armor: Uint8Array,
  header = 'gpgsig',
): Uint8Array {
  const folded = latin1(armor).replace(/\n+$/, '').replaceAll('\n', '\n ')
  const at = latin1(payload).indexOf('\n\n') + 1
  return concatBytes(
    payload.subarray(0, at),
    encodeUtf8(`${header} ${folded}\n`),
    payload.subarray(at),
  )
}
