import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { concatBytes, encodeUtf8 } from '../encoding/bytes.ts'
import { encodeBase64 } from '../encoding/base64.ts'
import { sha256 } from '../crypto/digest.ts'

/** A log's signing key and the names it signs checkpoints with. */
export interface LogKey {
  /** First line of the checkpoint. */
  readonly origin: string
  /** Name on the signature line. */
  readonly name: string
  /** 32 bytes; a note's key hint is the first four. */
  readonly keyId: Uint8Array
  readonly spki: Uint8Array
  /** As the trusted root spells it. */
  readonly keyDetails: 'PKIX_ECDSA_P256_SHA_256' | 'PKIX_ED25519'
  readonly sign: (data: Uint8Array) => Uint8Array
  readonly verify: (data: Uint8Array, signature: Uint8Array) => boolean
}

/** @see c2sp.org/signed-note (key ID), RFC 6962 §3.2 (an ECDSA log's id is that of its SPKI) */
export function logKey(privateKey: KeyObject, origin: string, name: string): LogKey {
  const publicKey = createPublicKey(privateKey)
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const isEd25519 = privateKey.asymmetricKeyType === 'ed25519'
  const hash = isEd25519 ? null : 'sha256'
  return {
    origin,
    name,
    spki,
    keyId: isEd25519
      ? sha256(encodeUtf8(`${name}\n`), Uint8Array.of(1), spki.subarray(-32))
      : sha256(spki),
    keyDetails: isEd25519 ? 'PKIX_ED25519' : 'PKIX_ECDSA_P256_SHA_256',
    sign: (data) => sign(hash, data, privateKey),
    verify: (data, signature) => verify(hash, data, publicKey, signature),
  }
}

/** A log's promise about its first `treeSize` leaves. */
export interface TreeHead {
  readonly treeSize: number
  readonly rootHash: Uint8Array
  /** The checkpoint as a signed note. */
  readonly checkpoint: string
}

/** @see c2sp.org/tlog-checkpoint */
export function signTreeHead(key: LogKey, treeSize: number, rootHash: Uint8Array): TreeHead {
  const text = checkpointText(key, treeSize, rootHash)
  const signature = concatBytes(key.keyId.subarray(0, 4), key.sign(encodeUtf8(text)))
  return {
    treeSize,
    rootHash,
    checkpoint: `${text}\n— ${key.name} ${encodeBase64(signature)}\n`,
  }
}

/** Whether `checkpoint` is what `key` signed for exactly this tree. */
export function isTreeHead(
  key: LogKey,
  treeSize: number,
  rootHash: Uint8Array,
  checkpoint: string,
): boolean {
  const text = checkpointText(key, treeSize, rootHash)
  const prefix = `${text}\n— ${key.name} `
  if (!checkpoint.startsWith(prefix)) return false
  const signature = Buffer.from(checkpoint.slice(prefix.length), 'base64')
  return key.verify(encodeUtf8(text), signature.subarray(4))
}

function checkpointText(key: LogKey, treeSize: number, rootHash: Uint8Array): string {
  return `${key.origin}\n${treeSize}\n${encodeBase64(rootHash)}\n`
}

/** Test only: a checkpoint for the same tree, under the log's name, by a key that nobody trusts. */
export function forgedCheckpoint(key: LogKey, head: TreeHead): string {
  const stranger = logKey(generateKeyPairSync('ed25519').privateKey, key.origin, key.name)
  return signTreeHead({ ...key, sign: stranger.sign }, head.treeSize, head.rootHash).checkpoint
}
