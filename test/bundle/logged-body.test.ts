import { describe, expect, it } from 'vitest'
import { parseBundle, type Bundle } from '../../src/bundle/bundle.ts'
import { preAuthEncoding } from '../../src/bundle/dsse.ts'
import { whyNotLogged, type LoggedContent } from '../../src/bundle/logged-body.ts'
import { digest } from '../../src/crypto/digest.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { encodeUtf8 } from '../../src/encoding/bytes.ts'
import { verifyLogEntry } from '../../src/tlog/verify-entry.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import { readShared, sharedFolder } from '../shared.ts'
import { base64, logsOf } from '../tlog/signed-objects.ts'

function read(name: string): Bundle {
  const path = `conformance/bundle-verify/${name}/bundle.sigstore.json`
  return parseBundle(readShared(path).toString('utf8'))
}

/** What a bundle says of itself, as an entry would have to say it. */
function contentOf({ content, certificates }: Bundle): LoggedContent {
  const certificate = parseCertificate(certificates?.[0] ?? new Uint8Array())
  const { publicKey, der } = certificate
  const verifier = { der, isCertificate: true, publicKey }
  if (content.kind === 'message') throw new Error('not an envelope')
  const { envelope } = content
  const signed = preAuthEncoding(envelope)
  return {
    verifier,
    signature: envelope.signature,
    digestOf: (algorithm) => digest(algorithm, signed),
    envelope,
  }
}

function entryOf(bundle: Bundle) {
  const [entry] = bundle.entries
  if (entry?.canonicalizedBody === undefined) throw new Error('no entry')
  return { entry, body: entry.canonicalizedBody, kindVersion: entry.kindVersion }
}

describe('preAuthEncoding()', () => {
  it("is DSSE's own example, and counts bytes, not characters", () => {
    const payload = encodeUtf8('hello world')
    const signature = new Uint8Array()
    const encoded = preAuthEncoding({
      payloadType: 'http://example.com/HelloWorld',
      payload,
      signature,
    })
    expect(Buffer.from(encoded).toString('utf8')).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    )
    const wide = preAuthEncoding({ payloadType: 'ü', payload: encodeUtf8('é'), signature })
    expect(Buffer.from(wide).toString('utf8')).toBe('DSSEv1 2 ü 2 é')
  })
})

describe.skipIf(sharedFolder === undefined)('whyNotLogged() (skipped: no shared data)', () => {
  it('accepts the real dsse 0.0.1 entry with the signature that it was made for', () => {
    const bundle = read('dsse-mismatch-sig_fail')
    const { entry, body, kindVersion } = entryOf(bundle)
    expect(kindVersion).toEqual({ kind: 'dsse', version: '0.0.1' })
    const content = contentOf(bundle)
    expect(whyNotLogged(body, kindVersion, content)).toBe('it has another signature')
    const logged = JSON.parse(Buffer.from(body).toString('utf8'))
    const signature = base64(logged.spec.signatures[0].signature as string)
    expect(whyNotLogged(body, kindVersion, { ...content, signature })).toBeUndefined()
    const proof = verifyLogEntry(
      { entry, bodies: [{ kindVersion, bytes: body }] },
      logsOf('corpus/trusted_root.json'),
    )
    expect(runSync(proof).outcome).toBe('proven')
  })

  it('accepts the intoto 0.0.2 entry, with and without its payload', () => {
    const bundle = read('intoto-with-custom-trust-root')
    const { body, kindVersion } = entryOf(bundle)
    const content = contentOf(bundle)
    expect(whyNotLogged(body, kindVersion, content)).toBeUndefined()
    // Rekor itself does not keep the payload.
    const logged = JSON.parse(Buffer.from(body).toString('utf8'))
    delete logged.spec.content.envelope.payload
    const bare = encodeUtf8(JSON.stringify(logged))
    expect(whyNotLogged(bare, kindVersion, content)).toBeUndefined()
    logged.spec.content.envelope.payloadType = 'text/plain'
    const other = encodeUtf8(JSON.stringify(logged))
    expect(whyNotLogged(other, kindVersion, content)).toBe('it is over another type of payload')
  })

  it.each([
    ['happy-path-v0.1', 'rekor2-dsse-happy-path'],
    ['rekor2-dsse-happy-path', 'happy-path-v0.1'],
  ])('refuses a body of %s that is stamped as that of %s', (name, other) => {
    const { body } = entryOf(read(name))
    const { kindVersion } = entryOf(read(other))
    const content = contentOf(read('rekor2-dsse-happy-path'))
    expect(whyNotLogged(body, kindVersion, content)).toBe(
      'its body is of another kind than it says',
    )
  })

  it('refuses other kinds, bodies that are no JSON, and every member that is changed', () => {
    const bundle = read('rekor2-dsse-happy-path')
    const { body, kindVersion } = entryOf(bundle)
    const content = contentOf(bundle)
    expect(whyNotLogged(body, kindVersion, content)).toBeUndefined()
    const rpm = { kind: 'rpm', version: '0.0.1' }
    const asRpm = encodeUtf8('{"apiVersion":"0.0.1","kind":"rpm","spec":{}}')
    expect(whyNotLogged(asRpm, rpm, content)).toContain('not one that can be verified')
    const inherited = { kind: 'constructor', version: '' }
    expect(whyNotLogged(encodeUtf8('{}'), inherited, content)).toContain('another kind')
    expect(whyNotLogged(encodeUtf8('no'), kindVersion, content)).toContain('not JSON')
    expect(whyNotLogged(new Uint8Array([0xff]), kindVersion, content)).toContain('not JSON')
    const text = Buffer.from(body).toString('utf8')
    for (const [from, to] of [
      ['SHA2_256', 'SHA2_512'],
      ['SHA2_256', 'toString'],
      ['"digest":"', '"digest":"A'],
      ['"content":"', '"content":"AAAA'],
      ['"rawBytes":"MII', '"rawBytes":"MIJ'],
      ['x509Certificate', 'publicKey'],
      ['hashedRekordV002', 'hashedRekordV003'],
    ] as const) {
      const changed = encodeUtf8(text.replace(from, to))
      expect([from, whyNotLogged(changed, kindVersion, content)]).not.toEqual([from, undefined])
    }
  })
})
