import { derInteger, derSequence } from '../asn1/write.ts'
import { digest, sha256 } from '../crypto/digest.ts'
import type { SignatureCheck, Verification } from '../crypto/verify.ts'
import { concatBytes, latin1 } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import { LIMITS } from '../encoding/limits.ts'
import { MalformedError } from '../errors.ts'
import {
  ALGORITHM,
  PACKET,
  PacketReader,
  leftPad,
  malformed,
  readArmor,
  readPackets,
} from './openpgp-packets.ts'
import type { OpenpgpKey } from './openpgp-packets.ts'
import { Findings, conclude } from './outcome.ts'
import type { SignatureFacts } from './signed-payload.ts'

/**
 * Verifies an OpenPGP signature over a payload by the keys a policy pins: version 4, of a binary
 * document, one packet and nothing else, SHA-2, by a key whose own fingerprint is pinned (that of its
 * primary key says nothing about a subkey). There is no web of trust, and no trusted time: expiry,
 * user ids and the signature's own date mean nothing. Never throws for anything in either.
 *
 * @param keys - undefined: nobody pins any key, so that nothing can be said
 * @returns `checks` from `armor` on
 * @see RFC 9580 §5.2
 */
export function* verifyOpenpgpSignature(
  payload: Uint8Array,
  armor: Uint8Array,
  keys: readonly OpenpgpKey[] | undefined,
): Verification<SignatureFacts> {
  const findings = new Findings()
  let signer: SignatureFacts['signer'] = null
  if (keys === undefined) {
    findings.notChecked('signature', 'UNSUPPORTED', 'no policy pins the key it is by')
  } else if (armor.length > LIMITS.signatureBytes) {
    findings.notChecked('armor', 'LIMIT', 'the signature is larger than is read')
  } else {
    try {
      const signature = parseSignature(readArmor(latin1(armor), 'PGP SIGNATURE'))
      findings.passed('armor')
      const candidates = keys.filter((key) => isBy(signature, key))
      if (candidates.length === 0) {
        findings.failed('signature', 'UNTRUSTED_CERTIFICATE', 'no policy pins the key it is by')
      }
      for (const key of candidates) {
        const check = signatureCheck(signature, key, payload)
        if (check === undefined || !(yield check)) continue
        const { fingerprint } = key
        signer = { kind: 'openpgp-key', value: fingerprint, issuer: '', trust: '', claims: {} }
        findings.passed('signature')
        break
      }
      if (candidates.length > 0 && signer === null) {
        findings.failed('signature', 'BAD_SIGNATURE', 'the key did not make it over this')
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      findings.failed('armor', 'MALFORMED', error.message)
    }
  }
  return {
    signature: 'openpgp',
    ...conclude(findings.codes),
    signer,
    certificate: null,
    times: [],
    log: [],
    checks: findings.list('armor').filter(({ name }) => name === 'armor' || name === 'signature'),
    tolerated: [],
    payload_sha256: encodeHex(sha256(payload)),
  }
}

/**
 * The key that a signature says it is by, upper-case hex: a fingerprint, or of old ones a key id.
 * Nothing is verified; undefined where it does not say, or cannot be read.
 */
export function claimedOpenpgpKey(armor: Uint8Array): string | undefined {
  if (armor.length > LIMITS.signatureBytes) return undefined
  try {
    const signature = parseSignature(readArmor(latin1(armor), 'PGP SIGNATURE'))
    return (signature.issuerFingerprint ?? signature.issuerKeyId)?.toUpperCase()
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}

interface OpenpgpSignature {
  readonly algorithm: number
  readonly hash: 'sha256' | 'sha384' | 'sha512'
  /** From the version to the last hashed subpacket: what is signed after the payload. */
  readonly hashed: Uint8Array
  /** Subpacket 33 and 16, hex; both may be missing, neither is believed. */
  readonly issuerFingerprint: string | undefined
  readonly issuerKeyId: string | undefined
  readonly material: Uint8Array
}

const HASHES: Readonly<Record<number, OpenpgpSignature['hash']>> = {
  8: 'sha256',
  9: 'sha384',
  10: 'sha512',
}

const BINARY_DOCUMENT = 0
const SUBPACKET = { creationTime: 2, expirationTime: 3, issuer: 16, issuerFingerprint: 33 } as const
/** Hashed subpackets that may be critical: their meaning is known and changes nothing here. */
const KNOWN_CRITICAL: ReadonlySet<number> = new Set([
  SUBPACKET.creationTime,
  SUBPACKET.issuer,
  SUBPACKET.issuerFingerprint,
])

function parseSignature(bytes: Uint8Array): OpenpgpSignature {
  const packets = [...readPackets(bytes)]
  const [packet] = packets
  if (packet === undefined || packets.length > 1 || packet.tag !== PACKET.signature) {
    throw malformed('it is not one signature packet')
  }
  const { body } = packet
  const reader = new PacketReader(body)
  if (reader.uint(1) !== 4) throw malformed('its signature is not version 4')
  if (reader.uint(1) !== BINARY_DOCUMENT) throw malformed('it is not over a binary document')
  const algorithm = reader.uint(1)
  const hash = HASHES[reader.uint(1)]
  if (hash === undefined) throw malformed('its digest is not SHA-256, SHA-384 or SHA-512')
  const hashedLength = reader.uint(2)
  const hashed = readSubpackets(reader.take(hashedLength), true)
  const unhashed = readSubpackets(reader.take(reader.uint(2)), false)
  // The digest's first two octets: only a help for those who guess keys.
  reader.take(2)
  const fingerprint =
    hashed.get(SUBPACKET.issuerFingerprint) ?? unhashed.get(SUBPACKET.issuerFingerprint)
  const keyId = hashed.get(SUBPACKET.issuer) ?? unhashed.get(SUBPACKET.issuer)
  return {
    algorithm,
    hash,
    hashed: body.subarray(0, 6 + hashedLength),
    issuerFingerprint: fingerprint && encodeHex(fingerprint.subarray(1)),
    issuerKeyId: keyId && encodeHex(keyId),
    material: reader.rest(),
  }
}

function readSubpackets(bytes: Uint8Array, isHashed: boolean): Map<number, Uint8Array> {
  const reader = new PacketReader(bytes)
  const found = new Map<number, Uint8Array>()
  while (!reader.done) {
    const content = reader.take(reader.newLength(true))
    const [type = 0] = content
    const number = type & 0x7f
    if (isHashed && type !== number && !KNOWN_CRITICAL.has(number)) {
      throw malformed('it has a critical subpacket that is not known')
    }
    if (found.has(number) && isHashed) throw malformed('it has a subpacket twice')
    found.set(number, content.subarray(1))
  }
  return found
}

function isBy(signature: OpenpgpSignature, { fingerprint }: OpenpgpKey): boolean {
  const { issuerFingerprint, issuerKeyId } = signature
  if (issuerFingerprint !== undefined) return issuerFingerprint === fingerprint
  return issuerKeyId === undefined || fingerprint.endsWith(issuerKeyId)
}

/** What has to hold; undefined where key and algorithm do not belong together. */
function signatureCheck(
  signature: OpenpgpSignature,
  { publicKey }: OpenpgpKey,
  payload: Uint8Array,
): SignatureCheck | undefined {
  const length = new Uint8Array(6)
  length.set([4, 0xff])
  new DataView(length.buffer).setUint32(2, signature.hashed.length)
  const data = concatBytes(payload, signature.hashed, length)
  const { algorithm, hash } = signature
  const material = new PacketReader(signature.material)
  const check = (bytes: Uint8Array): SignatureCheck => {
    material.end()
    return { key: publicKey, hash, data, signature: bytes }
  }
  if (algorithm === ALGORITHM.rsa || algorithm === ALGORITHM.rsaSign) {
    if (publicKey.type !== 'rsa') return undefined
    return check(leftPad(material.number(), (publicKey.bits ?? 0) / 8))
  }
  if (algorithm === ALGORITHM.ecdsa) {
    if (publicKey.type !== 'ec') return undefined
    const r = derInteger(material.number())
    return check(derSequence(r, derInteger(material.number())))
  }
  if (publicKey.type !== 'ed25519') return undefined
  if (algorithm !== ALGORITHM.eddsaLegacy && algorithm !== ALGORITHM.ed25519) return undefined
  const raw =
    algorithm === ALGORITHM.ed25519
      ? material.take(64)
      : concatBytes(leftPad(material.number(), 32), leftPad(material.number(), 32))
  material.end()
  // OpenPGP signs the digest with Ed25519, not the document (RFC 9580 §5.2.3.3).
  return { key: publicKey, hash: 'none', data: digest(hash, data), signature: raw }
}
