import { decodeBase64, encodeBase64 } from '../encoding/base64.ts'
import { encodeUtf8, equalBytes } from '../encoding/bytes.ts'
import type { Verification } from '../crypto/verify.ts'
import { MalformedError } from '../errors.ts'
import { verifyByLog, type TransparencyLog } from './log.ts'
import { HASH_LENGTH } from './merkle.ts'
import { noteKeyId, parseNote, type NoteSignature } from './note.ts'

const MAX_TREE_SIZE = 2n ** 63n - 1n

/** A log's tree head. Parsing one proves nothing: see `verifyCheckpoint`. */
export interface Checkpoint {
  /** Name of the log, not empty. */
  readonly origin: string
  readonly treeSize: bigint
  /** RFC 6962 root of the first `treeSize` leaves, 32 bytes. */
  readonly rootHash: Uint8Array
  /** Lines after the third, without newlines; usually none. */
  readonly extensions: readonly string[]
}

/**
 * Parses the text of a checkpoint (a note's text, without signatures). Every value has exactly one
 * accepted spelling, so `encodeCheckpoint` gives the text back.
 *
 * @throws MalformedError `CHECKPOINT_MALFORMED`
 * @see https://c2sp.org/tlog-checkpoint
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, size, root, ...extensions] = text.split('\n')
  if (extensions.pop() !== '') throw malformed('the last line is missing or not terminated')
  if (origin === undefined || origin === '') throw malformed('the origin is empty')
  if (size === undefined || !/^(?:0|[1-9]\d{0,18})$/.test(size)) {
    throw malformed('the tree size is not a canonical decimal')
  }
  const treeSize = BigInt(size)
  if (treeSize > MAX_TREE_SIZE) throw malformed('the tree size is out of range')
  const rootHash = decodeBase64(root ?? '')
  if (rootHash?.length !== HASH_LENGTH) throw malformed('the root hash is not 32 bytes of base64')
  if (extensions.includes('')) throw malformed('an extension line is empty')
  return { origin, treeSize, rootHash, extensions }
}

/** The text that is signed, with its last newline. */
export function encodeCheckpoint(checkpoint: Checkpoint): string {
  const { origin, treeSize, rootHash, extensions } = checkpoint
  return [origin, String(treeSize), encodeBase64(rootHash), ...extensions, ''].join('\n')
}

/** Whether an origin is one of Rekor v1's, `<host> - <tree ID>`. */
export function isRekorV1Origin(origin: string): boolean {
  return / - \d+$/.test(origin)
}

/**
 * Verifies that `log` signed a checkpoint, and returns it. Signatures of other keys (witnesses, a
 * log's other keys) are ignored; all that name this log's key must hold. Does not check the key's
 * window, nor that any entry is in the tree.
 *
 * @param note - the whole signed note
 * @throws MalformedError `NOTE_MALFORMED`, `CHECKPOINT_MALFORMED`; `CHECKPOINT_UNSIGNED`: no signature
 * by this log, or one that does not hold
 */
export function* verifyCheckpoint(note: string, log: TransparencyLog): Verification<Checkpoint> {
  const { text, signatures } = parseNote(note)
  const checkpoint = parseCheckpoint(text)
  const own = signatures.filter((signature) => isByLog(signature, checkpoint.origin, log))
  if (own.length === 0) throw unsigned('the log has not signed it')
  const data = encodeUtf8(text)
  const isV1 = isRekorV1Origin(checkpoint.origin)
  for (const { signature } of own) {
    const holds = yield* verifyByLog(log, data, signature, isV1)
    if (!holds) throw unsigned("the log's signature does not hold")
  }
  return checkpoint
}

function isByLog({ name, keyHint }: NoteSignature, origin: string, log: TransparencyLog): boolean {
  const { publicKey, baseUrl } = log
  const isV1 = isRekorV1Origin(origin)
  // Rekor v1 takes the SPKI of every kind of key, whatever c2sp.org/signed-note says of others.
  const keyId = isV1 ? publicKey.spkiDigest : noteKeyId(publicKey, name)
  if (!equalBytes(keyId.subarray(0, keyHint.length), keyHint)) return false
  if (isV1) return origin.replace(/ - \d+$/, '') === name
  // A v2 log is its origin: Ed25519 and RSA key IDs hold it, an ECDSA key must be told by the URL.
  return name === origin && (publicKey.type !== 'ec' || isHostOf(baseUrl, origin))
}

/** Clients disagree about the port, and a log may live below a path. */
function isHostOf(baseUrl: string, origin: string): boolean {
  const [, authority = '', path = ''] = /^[a-z]+:\/\/([^/]+)(.*)$/.exec(baseUrl) ?? []
  const host = authority.replace(/:\d+$/, '')
  const below = path.replace(/\/+$/, '')
  return [host, authority, host + below, authority + below].includes(origin)
}

function malformed(why: string): MalformedError {
  return new MalformedError('CHECKPOINT_MALFORMED', `cannot read checkpoint: ${why}`)
}

function unsigned(why: string): MalformedError {
  return new MalformedError('CHECKPOINT_UNSIGNED', `cannot trust checkpoint: ${why}`)
}
