import { encodeBase64 } from '../encoding/base64.ts'
import type { JsonObject } from '../encoding/json.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'
import { logEntryToJson } from '../tlog/entry-json.ts'

const MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'

/** What a bundle of version 0.3 over one message is made of. */
export interface MessageBundle {
  /** SHA-256 of the artifact. */
  digest: Uint8Array
  signature: Uint8Array
  /** DER of the signer's certificate. */
  certificate: Uint8Array
  /** With bodies and inclusion proofs. */
  entries: readonly TransparencyLogEntry[]
  /** Each a whole TimeStampResp. */
  timestamps: readonly Uint8Array[]
}

/** A Sigstore bundle of version 0.3 as text, on one line with a final newline. */
export function encodeBundle(bundle: MessageBundle): string {
  const json: JsonObject = {
    mediaType: MEDIA_TYPE,
    verificationMaterial: {
      certificate: { rawBytes: encodeBase64(bundle.certificate) },
      tlogEntries: bundle.entries.map(logEntryToJson),
      timestampVerificationData: {
        rfc3161Timestamps: bundle.timestamps.map((timestamp) => ({
          signedTimestamp: encodeBase64(timestamp),
        })),
      },
    },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: encodeBase64(bundle.digest) },
      signature: encodeBase64(bundle.signature),
    },
  }
  return `${JSON.stringify(json)}\n`
}
