import { derInteger, derSequence, derBitString, derOid, derNull } from '../asn1/write.ts'
import { OID } from '../asn1/oid.ts'
import { digest, sha256 } from '../crypto/digest.ts'
import { parsePublicKey } from '../crypto/keys.ts'
import type { PublicKey } from '../crypto/keys.ts'
import type { SignatureCheck, Verification } from '../crypto/verify.ts'
import { decodeBase64, encodeBase64 } from '../encoding/base64.ts'
import { ByteReader } from '../encoding/byte-reader.ts'
import { concatBytes, encodeUtf8, equalBytes, latin1 } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import { LIMITS } from '../encoding/limits.ts'
import { MalformedError } from '../errors.ts'
import type { SignatureFacts } from './signed-payload.ts'
import { Findings, conclude } from './outcome.ts'

const BEGIN = '-----BEGIN SSH SIGNATURE-----\n'
const END = '-----END SSH SIGNATURE-----\n'
const MAGIC = encodeUtf8('SSHSIG')
/** git signs in this namespace alone: a file signed for another purpose is no signature of a commit. */
const NAMESPACE = 'git'
const USER_PRESENT = 1

/**
 * Verifies an SSH signature over a payload by the key it brings. There is no certificate, log or time:
 * whether that key may sign is for a policy that pins it. RSA with SHA-1, certificates and DSA are
 * refused; a security key must say that somebody touched it. Never throws for anything in either.
 *
 * @returns `checks` from `armor` on; `signer.value` is `type base64`, as a policy's key lines are
 * @see OpenSSH PROTOCOL.sshsig, PROTOCOL.u2f; RFC 4251 §5, RFC 5656 §3.1, RFC 8332 §3, RFC 8709 §6
 */
export function* verifySshSignature(
  payload: Uint8Array,
  armor: Uint8Array,
): Verification<SignatureFacts> {
  const findings = new Findings()
  let signer: SignatureFacts['signer'] = null
  if (armor.length > LIMITS.signatureBytes) {
    findings.notChecked('armor', 'LIMIT', 'the signature is larger than is read')
  } else {
    try {
      const signature = parseSshSignature(readArmor(latin1(armor)))
      findings.passed('armor')
      const check = signatureCheck(signature, payload)
      if (check !== undefined && (yield check)) {
        findings.passed('signature')
        const value = `${signature.key.name} ${encodeBase64(signature.keyBlob)}`
        signer = { kind: 'ssh-key', value, issuer: '', trust: '', claims: {} }
      } else findings.failed('signature', 'BAD_SIGNATURE', 'the key did not make it over this')
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      if (error.code === 'SSH_UNSUPPORTED') {
        findings.notChecked('signature', 'UNSUPPORTED', error.message)
      } else findings.failed('armor', 'MALFORMED', error.message)
    }
  }
  const reached = ['armor', 'signature'] as const
  return {
    signature: 'ssh',
    ...conclude(findings.codes),
    signer,
    certificate: null,
    times: [],
    log: [],
    checks: findings.list('armor').filter(({ name }) => reached.some((one) => one === name)),
    tolerated: [],
    payload_sha256: encodeHex(sha256(payload)),
  }
}

interface SshKey {
  /** As OpenSSH names it, e.g. `ssh-ed25519`. */
  readonly name: string
  readonly publicKey: PublicKey
  /** What a security key signs for, e.g. `ssh:`; undefined for other keys. */
  readonly application: Uint8Array | undefined
}

interface SshSignature {
  readonly key: SshKey
  readonly keyBlob: Uint8Array
  readonly hash: 'sha256' | 'sha512'
  /** Of the signature itself, e.g. `rsa-sha2-512`. */
  readonly algorithm: string
  readonly signature: Uint8Array
  /** What follows the signature of a security key: flags and counter. */
  readonly rest: Uint8Array
}

/** The bytes between the armor lines: base64 in lines of any length up to 76, nothing around it. */
function readArmor(text: string): Uint8Array {
  const whole = text.endsWith('\n') ? text : `${text}\n`
  if (!whole.startsWith(BEGIN) || !whole.endsWith(END)) {
    throw malformed('there is not one block and nothing else')
  }
  const body = whole.slice(BEGIN.length, whole.length - END.length)
  if (!/^(?:[A-Za-z0-9+/=]{1,76}\n)+$/.test(body)) throw malformed('its lines are not base64')
  const bytes = decodeBase64(body.replaceAll('\n', ''))
  if (bytes === undefined) throw malformed('it is not canonical base64')
  return bytes
}

function parseSshSignature(bytes: Uint8Array): SshSignature {
  const reader = new SshReader(bytes)
  if (!equalBytes(reader.take(MAGIC.length), MAGIC)) throw malformed('it does not begin as one')
  if (reader.uint(4) !== 1) throw malformed('it is not version 1')
  const keyBlob = reader.string()
  const namespace = latin1(reader.string())
  const reserved = reader.string()
  const hash = latin1(reader.string())
  const inner = new SshReader(reader.string())
  reader.end()
  if (namespace !== NAMESPACE) throw malformed('it is not for git but for another purpose')
  if (reserved.length > 0) throw malformed('its reserved field is not empty')
  if (hash !== 'sha256' && hash !== 'sha512') throw malformed('its digest is unknown')
  const algorithm = latin1(inner.string())
  const signature = inner.string()
  return { key: parseSshKey(keyBlob), keyBlob, hash, algorithm, signature, rest: inner.rest() }
}

const CURVES: Readonly<
  Record<string, { name: string; oid: string; hash: SignatureCheck['hash'] }>
> = {
  'ecdsa-sha2-nistp256': { name: 'nistp256', oid: OID.secp256r1, hash: 'sha256' },
  'ecdsa-sha2-nistp384': { name: 'nistp384', oid: OID.secp384r1, hash: 'sha384' },
  'ecdsa-sha2-nistp521': { name: 'nistp521', oid: OID.secp521r1, hash: 'sha512' },
  'sk-ecdsa-sha2-nistp256@openssh.com': { name: 'nistp256', oid: OID.secp256r1, hash: 'sha256' },
}

function parseSshKey(blob: Uint8Array): SshKey {
  const reader = new SshReader(blob)
  const name = latin1(reader.string())
  const isSecurityKey = name.startsWith('sk-')
  let spki: Uint8Array
  const curve = CURVES[name]
  if (name === 'ssh-ed25519' || name === 'sk-ssh-ed25519@openssh.com') {
    spki = derSequence(derSequence(derOid(OID.ed25519)), derBitString(reader.string()))
  } else if (curve !== undefined) {
    if (latin1(reader.string()) !== curve.name) throw malformed('its key is of two curves')
    spki = derSequence(
      derSequence(derOid(OID.ecPublicKey), derOid(curve.oid)),
      derBitString(reader.string()),
    )
  } else if (name === 'ssh-rsa') {
    const exponent = derInteger(reader.positive())
    const modulus = derInteger(reader.positive())
    spki = derSequence(
      derSequence(derOid(OID.rsaEncryption), derNull()),
      derBitString(derSequence(modulus, exponent)),
    )
  } else throw unsupported('its key is of a kind that is not verified')
  const application = isSecurityKey ? reader.string() : undefined
  reader.end()
  return { name, application, publicKey: parseKey(spki) }
}

function parseKey(spki: Uint8Array): PublicKey {
  try {
    return parsePublicKey(spki)
  } catch (error) {
    if (error instanceof MalformedError && error.code === 'KEY_UNSUPPORTED') {
      throw unsupported(error.message)
    }
    throw error
  }
}

/** What has to hold; undefined where the parts cannot belong together. */
function signatureCheck(parsed: SshSignature, payload: Uint8Array): SignatureCheck | undefined {
  const { key, algorithm, rest } = parsed
  const message = concatBytes(
    MAGIC,
    sshString(encodeUtf8(NAMESPACE)),
    sshString(new Uint8Array()),
    sshString(encodeUtf8(parsed.hash)),
    sshString(digest(parsed.hash, payload)),
  )
  let data = message
  if (key.application === undefined) {
    if (rest.length > 0) throw malformed('there are bytes after its signature')
  } else {
    if (rest.length !== 5) throw malformed('its flags and counter are not five bytes')
    if (((rest[0] ?? 0) & USER_PRESENT) === 0) return undefined
    data = concatBytes(sha256(key.application), rest, sha256(message))
  }
  const { publicKey, name } = key
  if (publicKey.type === 'rsa') {
    const hash = RSA_HASHES[algorithm]
    return hash && { key: publicKey, hash, data, signature: parsed.signature }
  }
  if (algorithm !== name) return undefined
  if (publicKey.type === 'ed25519') {
    return { key: publicKey, hash: 'none', data, signature: parsed.signature }
  }
  const numbers = new SshReader(parsed.signature)
  const signature = derSequence(derInteger(numbers.positive()), derInteger(numbers.positive()))
  numbers.end()
  return { key: publicKey, hash: CURVES[name]?.hash ?? 'sha256', data, signature }
}

/** `ssh-rsa` itself is SHA-1, which counts for nothing. */
const RSA_HASHES: Readonly<Record<string, SignatureCheck['hash']>> = {
  'rsa-sha2-256': 'sha256',
  'rsa-sha2-512': 'sha512',
}

function sshString(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return concatBytes(length, bytes)
}

/** RFC 4251 §5. */
class SshReader extends ByteReader {
  constructor(bytes: Uint8Array) {
    super(bytes, malformed)
  }

  string(): Uint8Array {
    return this.take(this.uint(4))
  }

  /** An mpint above zero in its shortest form; its magnitude. */
  positive(): Uint8Array {
    const value = this.string()
    const [first, second] = value
    if (first === undefined || first >= 0x80) throw malformed('a number is not positive')
    if (first === 0 && (second === undefined || second < 0x80)) {
      throw malformed('a number is not in its shortest form')
    }
    return value
  }
}

function malformed(why: string): MalformedError {
  return new MalformedError('SSH_MALFORMED', `cannot read SSH signature: ${why}`)
}

function unsupported(why: string): MalformedError {
  return new MalformedError('SSH_UNSUPPORTED', `cannot verify SSH signature: ${why}`)
}
