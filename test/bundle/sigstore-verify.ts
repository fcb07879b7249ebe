import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify'
import { readShared } from '../shared.ts'

/** Undefined where the JavaScript reference client accepts, else its reason: a second opinion. */
export function sigstoreVerifyRefuses(
  bundle: string,
  artifact: Uint8Array,
  root: string,
  usesTimestamps: boolean,
): string | undefined {
  const trusted = TrustedRoot.fromJSON(JSON.parse(readShared(root).toString('utf8')))
  const verifier = new Verifier(toTrustMaterial(trusted), {
    tlogThreshold: 1,
    ctlogThreshold: 1,
    ...(usesTimestamps && { tsaThreshold: 1 }),
  })
  try {
    const entity = toSignedEntity(bundleFromJSON(JSON.parse(bundle)), Buffer.from(artifact))
    verifier.verify(entity)
    return undefined
  } catch (error) {
    return String(error)
  }
}
