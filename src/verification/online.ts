import { runSync } from '../crypto/verify.ts'
import { latin1 } from '../encoding/bytes.ts'
import { parsePem } from '../encoding/pem.ts'
import { MalformedError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import { splitObject } from '../git/split.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'
import { parseCertificate } from '../x509/certificate.ts'
import { verifyObject } from './object.ts'
import type { StoredObject } from './object.ts'
import { readSignatureForm } from './signature-form.ts'
import { SIGNED_MESSAGE } from './signed-payload.ts'
import type { VerifyOptions } from './signed-payload.ts'

/** A log that can be asked; what it answers is verified, so it need not be trusted. */
export interface LogLookup {
  /** Entries for a certificate (DER), in any number and order. */
  find(certificate: Uint8Array): Promise<readonly TransparencyLogEntry[]>
}

/**
 * As `verifyObject`; where only the log entry is missing, the log is asked for it.
 *
 * @throws whatever `lookup` throws
 */
export async function verifyObjectOnline(
  object: StoredObject,
  roots: TrustRoots,
  lookup: LogLookup,
  options: VerifyOptions = {},
): Promise<Facts> {
  const facts = runSync(verifyObject(object, roots, options))
  if (!facts.codes.includes('NOT_LOGGED')) return facts
  const certificate = signerCertificateOf(object)
  if (certificate === undefined) return facts
  const entries = await lookup.find(certificate)
  return runSync(verifyObject(object, roots, { ...options, entries }))
}

/** DER of the certificate an object's signature names; undefined where it has none that can be read. */
export function signerCertificateOf(object: StoredObject): Uint8Array | undefined {
  const { signature } = splitObject(object.type, object.bytes, object.format)
  if (signature === undefined) return undefined
  try {
    const cms = parsePem(latin1(signature), SIGNED_MESSAGE)
    return readSignatureForm(cms, parseCertificate).certificate.der
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}
