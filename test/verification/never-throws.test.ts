import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { berToDer } from '../../src/cms/ber.ts'
import { parseSignedData } from '../../src/cms/signed-data.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { MalformedError } from '../../src/errors.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifySignedPayload } from '../../src/verification/signed-payload.ts'
import { certificateFacts, signerFacts, whyNoSigner } from '../../src/verification/signer.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import { embeddedScts, parseSct } from '../../src/x509/sct.ts'
import { makeLeaf } from '../forge/leaf.ts'
import { PAYLOAD, makeCms } from '../forge/object.ts'
import { makeWorld, trustedRootJson } from '../forge/world.ts'

const world = makeWorld()
const leaf = makeLeaf(world)
const cms = makeCms(world, PAYLOAD, { leaf, token: {} })
const json = trustedRootJson(world)

/** Some bytes of `whole` replaced, taken out or put in. */
function edited(whole: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat(whole.length),
    drop: fc.nat({ max: 4 }),
    insert: fc.uint8Array({ maxLength: 4 }),
  })
  return fc
    .array(edit, { minLength: 1, maxLength: 3 })
    .map((edits) =>
      edits.reduce<Uint8Array>(
        (bytes, { at, drop, insert }) =>
          Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + drop)]),
        whole,
      ),
    )
}

/** Reads with `read`; anything thrown must be the reader's own refusal. */
function readOrRefuse(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedError)
  }
}

const runs = { numRuns: 400 }

describe('readers refuse what they do not read, and fail in no other way', () => {
  it('certificates', () => {
    fc.assert(
      fc.property(edited(leaf.certificate), (bytes) => {
        readOrRefuse(() => {
          const certificate = parseCertificate(bytes)
          certificateFacts(certificate)
          signerFacts(certificate, 'x')
          whyNoSigner(certificate)
          embeddedScts(certificate)
        })
      }),
      runs,
    )
  })

  it('signed data, BER, certificate timestamps, and bytes of any kind', () => {
    fc.assert(
      fc.property(fc.oneof(edited(cms), fc.uint8Array({ maxLength: 200 })), (bytes) => {
        for (const read of [parseSignedData, berToDer, parseSct, parseCertificate]) {
          readOrRefuse(() => read(bytes))
        }
      }),
      runs,
    )
  })

  it('trusted roots', () => {
    fc.assert(
      fc.property(edited(Buffer.from(json)), (bytes) => {
        readOrRefuse(() => parseTrustedRoot(Buffer.from(bytes).toString('latin1')))
      }),
      runs,
    )
  })

  it('verifySignedPayload() has an answer for every edit of a signature', () => {
    const roots = [parseTrustedRoot(json, 'forge')]
    fc.assert(
      fc.property(edited(cms), (cmsDer) => {
        const { outcome, codes, times, checks } = runSync(
          verifySignedPayload({ payload: PAYLOAD, cmsDer, roots }),
        )
        expect(codes.length === 0).toBe(outcome === 'proven')
        if (outcome !== 'proven' || Buffer.from(cmsDer).equals(Buffer.from(cms))) return
        // Beside a v1 entry the timestamp may become an unsigned attribute that nobody knows: then it
        // must not be claimed.
        expect(times.map(({ source }) => source)).toEqual(['rekor-v1'])
        expect(checks).toContainEqual({ name: 'timestamp', result: 'absent' })
      }),
      runs,
    )
  })
})
