import { concatBytes, encodeUtf8 } from '../encoding/bytes.ts'

/** A DSSE envelope with its one signature, as Sigstore bundles hold it. */
export interface DsseEnvelope {
  payloadType: string
  payload: Uint8Array
  signature: Uint8Array
}

/**
 * Pre-authentication encoding: the bytes that an envelope's signature is over.
 *
 * @see DSSE protocol v1, "Signature Definition"
 */
export function preAuthEncoding({ payloadType, payload }: DsseEnvelope): Uint8Array {
  const type = encodeUtf8(payloadType)
  return concatBytes(
    encodeUtf8(`DSSEv1 ${type.length} `),
    type,
    encodeUtf8(` ${payload.length} `),
    payload,
  )
}
