import { sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { Integer, Null, ObjectIdentifier, OctetString, Sequence, UTCTime, fromBER } from 'asn1js'
import type { BaseBlock } from 'asn1js'
import {
  Accuracy,
  AlgorithmIdentifier,
  Attribute,
  Certificate,
  ContentInfo,
  EncapsulatedContentInfo,
  GeneralName,
  GeneralNames,
  IssuerAndSerialNumber,
  MessageImprint,
  PKIStatus,
  PKIStatusInfo,
  SignedAndUnsignedAttributes,
  SignedData,
  SignerInfo,
  TSTInfo,
  TimeStampReq,
  TimeStampResp,
} from 'pkijs'
import { OID } from '../asn1/oid.ts'
import { digest, sha256 } from '../crypto/digest.ts'
import type { DigestName } from '../crypto/digest.ts'
import type { Hierarchy } from './ca-hierarchy.ts'
import { randomSerial } from './serial.ts'

/** Digests that may be stamped, by object identifier. */
const DIGEST_OF: Readonly<Record<string, { name: DigestName; length: number }>> = {
  [OID.sha256]: { name: 'sha256', length: 32 },
  [OID.sha384]: { name: 'sha384', length: 48 },
  [OID.sha512]: { name: 'sha512', length: 64 },
}

const ACCURACY_S = 1

/** What a request asks for. */
export interface StampRequest {
  readonly hashOid: string
  readonly imprint: Uint8Array
  /** Content octets of the INTEGER. */
  readonly nonce: Uint8Array | undefined
  readonly policy: string | undefined
  readonly wantsCertificate: boolean
  /** The hash's parameters were NULL; the answer repeats what was asked. */
  readonly hasNullParameters: boolean
  readonly hasExtensions: boolean
}

/** Why a request is refused, in the words of timestamp-authority; undefined where it is stamped. */
export function whyNotStamped(request: StampRequest): string | undefined {
  if (request.hashOid === OID.sha1) return 'Weak hash algorithm in timestamp request'
  const hash = DIGEST_OF[request.hashOid]
  if (hash === undefined) return 'Error generating timestamp response'
  if (hash.length !== request.imprint.length) {
    return 'Message digest has incorrect length for specified algorithm'
  }
  if (request.policy !== undefined && request.policy !== OID.timestampPolicy) {
    return 'unaccepted policy: requested TSA policy is not supported by the TSA'
  }
  return request.hasExtensions
    ? 'unaccepted extension: requested extensions are not supported by the TSA'
    : undefined
}

/** @returns undefined for what is not a DER TimeStampReq (RFC 3161 §2.4.1) */
export function parseStampRequest(der: Uint8Array): StampRequest | undefined {
  let request: TimeStampReq
  try {
    const { offset, result } = fromBER(der)
    if (offset !== der.length) return undefined
    request = new TimeStampReq({ schema: result })
  } catch {
    // pkijs throws plain errors for what does not fit the schema.
    return undefined
  }
  const { hashAlgorithm, hashedMessage } = request.messageImprint
  return {
    hashOid: hashAlgorithm.algorithmId,
    imprint: hashedMessage.valueBlock.valueHexView,
    nonce: request.nonce?.valueBlock.valueHexView,
    policy: request.reqPolicy,
    wantsCertificate: request.certReq === true,
    hasNullParameters: hashAlgorithm.algorithmParams instanceof Null,
    hasExtensions: (request.extensions ?? []).length > 0,
  }
}

/** Signs timestamps (RFC 3161) with one leaf certificate. */
export class TimestampAuthority {
  readonly #certificate: Certificate
  readonly #certificateDer: Uint8Array
  readonly #key: KeyObject
  readonly #clock: () => number

  constructor(hierarchy: Hierarchy, clock: () => number) {
    const [leaf] = hierarchy.chain
    if (leaf === undefined) throw new Error('a hierarchy has a leaf')
    this.#certificateDer = leaf
    this.#certificate = Certificate.fromBER(new Uint8Array(leaf))
    this.#key = hierarchy.key
    this.#clock = clock
  }

  /**
   * @param request - one that `whyNotStamped` has nothing against
   * @param fault - test only: in which respect the answer is to be wrong
   * @returns DER TimeStampResp
   */
  stamp(request: StampRequest, fault?: string): Uint8Array {
    if (fault === 'lie-rejection') {
      return ber(
        new TimeStampResp({
          status: new PKIStatusInfo({ status: PKIStatus.rejection }),
        }).toSchema(),
      )
    }
    const info = this.#tstInfo(request, fault)
    const response = new TimeStampResp({
      status: new PKIStatusInfo({ status: PKIStatus.granted }),
      timeStampToken: this.#token(info, request, fault),
    })
    return ber(response.toSchema())
  }

  #tstInfo(request: StampRequest, fault: string | undefined): TSTInfo {
    const now = Math.floor(this.#clock() / 1000) + (fault === 'lie-time' ? 86_400 : 0)
    const imprint = fault === 'lie-imprint' ? sha256(request.imprint) : request.imprint
    const nonce = fault === 'lie-nonce' ? Uint8Array.of(42) : request.nonce
    const info = new TSTInfo({
      version: 1,
      policy: request.policy ?? OID.timestampPolicy,
      messageImprint: new MessageImprint({
        hashAlgorithm: algorithm(request.hashOid, request.hasNullParameters),
        hashedMessage: new OctetString({ valueHex: toArrayBuffer(imprint) }),
      }),
      serialNumber: new Integer({ valueHex: toArrayBuffer(randomSerial()) }),
      genTime: new Date(now * 1000),
      accuracy: new Accuracy({ seconds: ACCURACY_S }),
      tsa: new GeneralName({ type: 4, value: this.#certificate.subject }),
    })
    if (nonce !== undefined) info.nonce = new Integer({ valueHex: toArrayBuffer(nonce) })
    return info
  }

  /** A SignedData with one signer (RFC 3161 §2.4.2), attributes in DER's order. */
  #token(info: TSTInfo, request: StampRequest, fault: string | undefined): ContentInfo {
    const content = ber(info.toSchema())
    const encapsulated = new EncapsulatedContentInfo({ eContentType: OID.tstInfo })
    encapsulated.eContent = new OctetString({ valueHex: toArrayBuffer(content) })
    const signedAttrs = new SignedAndUnsignedAttributes({
      type: 0,
      attributes: this.#attributes(content, info.genTime, request.hashOid),
    })
    const signer = new SignerInfo({
      version: 1,
      sid: new IssuerAndSerialNumber({
        issuer: this.#certificate.issuer,
        serialNumber: this.#certificate.serialNumber,
      }),
      digestAlgorithm: algorithm(OID.sha256),
      signatureAlgorithm: algorithm(OID.ecdsaWithSha256),
      signedAttrs,
    })
    const signed = ber(signedAttrs.toSchema())
    // What is signed is a SET OF, not the [0] that stands in the message (RFC 5652 §5.4).
    signed[0] = 0x31
    const signature = sign('sha256', signed, this.#key)
    if (fault === 'lie-signature') signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1
    signer.signature = new OctetString({ valueHex: toArrayBuffer(signature) })
    const signedData = new SignedData({
      version: 3,
      digestAlgorithms: [algorithm(OID.sha256)],
      encapContentInfo: encapsulated,
      signerInfos: [signer],
      // As timestamp-authority does: the set is there even when nobody asked for what is in it.
      certificates: request.wantsCertificate ? [this.#certificate] : [],
    })
    return new ContentInfo({ contentType: OID.signedData, content: signedData.toSchema(true) })
  }

  #attributes(content: Uint8Array, genTime: Date, hashOid: string): Attribute[] {
    const attribute = (type: string, value: BaseBlock): Attribute =>
      new Attribute({ type, values: [value] })
    return [
      attribute(OID.contentType, new ObjectIdentifier({ value: OID.tstInfo })),
      attribute(OID.signingTime, new UTCTime({ valueDate: genTime })),
      attribute(
        OID.messageDigest,
        new OctetString({ valueHex: toArrayBuffer(digest('sha256', content)) }),
      ),
      attribute(OID.signingCertificateV2, this.#signingCertificate(hashOid)),
    ]
  }

  /** SigningCertificateV2 by the digest asked for, SHA-256 left out as the default (RFC 5816 §2.2). */
  #signingCertificate(hashOid: string): BaseBlock {
    const hash = DIGEST_OF[hashOid]?.name ?? 'sha256'
    const issuer = new GeneralNames({
      names: [new GeneralName({ type: 4, value: this.#certificate.issuer })],
    })
    const essCertId = new Sequence({
      value: [
        ...(hash === 'sha256' ? [] : [algorithm(hashOid, true).toSchema()]),
        new OctetString({ valueHex: toArrayBuffer(digest(hash, this.#certificateDer)) }),
        new Sequence({ value: [issuer.toSchema(), this.#certificate.serialNumber] }),
      ],
    })
    return new Sequence({ value: [new Sequence({ value: [essCertId] })] })
  }
}

function algorithm(algorithmId: string, hasNullParameters = false): AlgorithmIdentifier {
  return new AlgorithmIdentifier({
    algorithmId,
    ...(hasNullParameters ? { algorithmParams: new Null() } : {}),
  })
}

function ber(schema: { toBER(): ArrayBuffer }): Uint8Array {
  return new Uint8Array(schema.toBER())
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
