import { generateKeyPairSync } from 'node:crypto'
import { createPublicKey, X509Certificate } from 'node:crypto'
import { encodePem } from '../encoding/pem.ts'
import type { AppendOnlyLog } from './append-only-log.ts'
import type { Hierarchy } from './ca-hierarchy.ts'
import { submitPrecertificate } from './ct-log.ts'
import type { Principal } from './principal.ts'
import { randomSerial } from './serial.ts'
import {
  draftCertificate,
  encodeTbs,
  readIssuer,
  signFinalCertificate,
  signPrecertificate,
} from './signing-certificate.ts'
import type { Issuer } from './signing-certificate.ts'

/** Issues short-lived signing certificates, each logged in the CT log first. */
export class CertificateAuthority {
  readonly #issuer: Issuer
  readonly #issuerSpki: Uint8Array
  readonly #chain: readonly Uint8Array[]
  readonly #log: AppendOnlyLog
  readonly #clock: () => number

  constructor(hierarchy: Hierarchy, log: AppendOnlyLog, clock: () => number) {
    const [certificate] = hierarchy.chain
    if (certificate === undefined) throw new Error('a hierarchy has an issuing certificate')
    this.#issuer = readIssuer(certificate, hierarchy.key)
    this.#issuerSpki = new X509Certificate(certificate).publicKey.export({
      type: 'spki',
      format: 'der',
    })
    this.#chain = hierarchy.chain
    this.#log = log
    this.#clock = clock
  }

  /** Intermediate first, root last; PEM. */
  get chain(): string[] {
    return this.#chain.map((certificate) => encodePem('CERTIFICATE', certificate))
  }

  /**
   * @param fault - test only: in which respect the certificate is to be wrong
   * @returns leaf, intermediate, root; PEM
   */
  async issue(
    requestedSpki: Uint8Array,
    requestedPrincipal: Principal,
    fault?: string,
  ): Promise<string[]> {
    const now = this.#clock()
    const issuer = fault === 'lie-chain' ? { ...this.#issuer, key: strangerKey() } : this.#issuer
    const draft = draftCertificate(issuer, {
      spki: fault === 'lie-key' ? spkiOf(strangerKey()) : requestedSpki,
      principal:
        fault === 'lie-identity'
          ? { ...requestedPrincipal, sanType: 'email', san: 'stranger@example.com' }
          : requestedPrincipal,
      now: Math.floor(now / 1000) - (fault === 'lie-expired' ? 3600 : 0),
      serial: randomSerial(),
    })
    const submission = submitPrecertificate(
      this.#log,
      { tbs: encodeTbs(draft), issuerSpki: this.#issuerSpki, chain: this.#chain },
      now,
    )
    const { sctList } = submission
    // The last octets are the signature's: it stays a signature, of something else.
    if (fault === 'lie-sct') sctList[sctList.length - 1] = (sctList.at(-1) ?? 0) ^ 1
    const [leaf] = await Promise.all([
      signFinalCertificate(draft, fault === 'lie-no-sct' ? undefined : sctList),
      signPrecertificate(draft).then((precertificate) => submission.append(precertificate)),
    ])
    return [encodePem('CERTIFICATE', leaf), ...(fault === 'lie-no-chain' ? [] : this.chain)]
  }
}

function strangerKey(): Issuer['key'] {
  return generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
}

function spkiOf(key: Issuer['key']): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' })
}
