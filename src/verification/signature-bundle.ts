import { OID } from '../asn1/oid.ts'
import { encodeBundle } from '../bundle/encode-bundle.ts'
import { singleValue } from '../cms/attributes.ts'
import { sha256 } from '../crypto/digest.ts'
import { equalBytes, latin1 } from '../encoding/bytes.ts'
import { parsePem } from '../encoding/pem.ts'
import { MalformedError, UnavailableError } from '../errors.ts'
import { encodeTimestampResponse } from '../rfc3161/response.ts'
import { isRekorV1Origin, parseCheckpoint } from '../tlog/checkpoint.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'
import type { LogBody } from '../tlog/hashedrekord.ts'
import { leafHash, rootFromInclusionProof } from '../tlog/merkle.ts'
import { parseNote } from '../tlog/note.ts'
import { parseCertificate } from '../x509/certificate.ts'
import { embeddedEntry } from './log-evidence.ts'
import { readSignatureForm } from './signature-form.ts'
import { SIGNED_MESSAGE } from './signed-payload.ts'

export interface SignatureBundle {
  /** Text of a Sigstore bundle, version 0.3. */
  readonly bundle: string
  /** What the bundle is over: the DER of the signed attributes as a SET (RFC 5652 §5.4). */
  readonly artifact: Uint8Array
}

/**
 * Turns the signature of a git object into a Sigstore bundle and the artifact that it is over. The
 * artifact holds the digest of the payload, so the pair says as much as the object does. Verifies
 * nothing, but that entry and proof belong together.
 *
 * @param armor - the signature as git hands it over
 * @throws MalformedError for any form but gitsign's, or `LOG_ENTRY_MALFORMED`; UnavailableError
 * `NOT_LOGGED`: it embeds no log entry
 */
export function bundleOfSignature(armor: Uint8Array): SignatureBundle {
  const form = readSignatureForm(parsePem(latin1(armor), SIGNED_MESSAGE), parseCertificate)
  const { signer } = form.signedData
  const evidence = embeddedEntry(form)
  if (evidence === undefined) {
    throw new UnavailableError('NOT_LOGGED', 'cannot export signature: it embeds no log entry', {
      hint: 'only signatures made in offline mode, as git-signet makes them, embed one',
    })
  }
  const token = singleValue(signer.unsignedAttributes, OID.timeStampToken, 'of the timestamp')
  const bundle = encodeBundle({
    digest: sha256(signer.signedBytes),
    signature: signer.signature,
    certificate: form.certificate.der,
    entries: [completeEntry(evidence.entry, evidence.bodies)],
    timestamps: token === undefined ? [] : [encodeTimestampResponse(token)],
  })
  return { bundle, artifact: signer.signedBytes }
}

/**
 * An entry with what gitsign leaves out and a bundle must have: the body, the version that the log
 * really holds, the index and root that the checkpoint states.
 *
 * @throws MalformedError `LOG_ENTRY_MALFORMED`
 */
function completeEntry(
  entry: TransparencyLogEntry,
  bodies: readonly LogBody[],
): TransparencyLogEntry {
  const proof = entry.inclusionProof
  if (proof === undefined) throw malformed('it has no inclusion proof')
  const head = parseCheckpoint(parseNote(proof.checkpoint).text)
  const leafIndex = isRekorV1Origin(head.origin) ? proof.logIndex : entry.logIndex
  const { hashes } = proof
  const { treeSize, rootHash } = head
  const body = bodies.find(({ bytes }) => {
    const root = rootFromInclusionProof({ leafHash: leafHash(bytes), leafIndex, treeSize, hashes })
    return equalBytes(root, rootHash)
  })
  if (body === undefined) throw malformed('its proof is not about this signature')
  return {
    ...entry,
    kindVersion: body.kindVersion,
    inclusionProof: { ...proof, logIndex: leafIndex, treeSize, rootHash },
    canonicalizedBody: body.bytes,
  }
}

function malformed(why: string): MalformedError {
  return new MalformedError('LOG_ENTRY_MALFORMED', `cannot export log entry: ${why}`)
}
