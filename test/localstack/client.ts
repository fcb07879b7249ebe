import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { LocalStack } from '../../src/localstack/stack.ts'

/** A signer as sigstore has them: an ephemeral key, a certificate for it. */
export interface Signer {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** Leaf, intermediate, root; PEM. */
  readonly chain: readonly string[]
}

export const post = (
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

export function newKey(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

/** A Fulcio v2 request for a key, with its proof over `subject`. */
export function certificateRequest(
  token: string,
  key: { privateKey: KeyObject; publicKey: KeyObject },
  subject: string,
) {
  return {
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: {
      publicKey: {
        algorithm: 'ECDSA',
        content: key.publicKey.export({ type: 'spki', format: 'pem' }),
      },
      proofOfPossession: sign('sha256', Buffer.from(subject), key.privateKey).toString('base64'),
    },
  }
}

export async function newSigner(
  stack: Pick<LocalStack, 'url' | 'token'>,
  email = 'alice@example.com',
): Promise<Signer> {
  const key = newKey()
  const response = await post(
    `${stack.url}/api/v2/signingCert`,
    certificateRequest(await stack.token(email), key, email),
  )
  if (response.status !== 200) throw new Error(await response.text())
  const answer = (await response.json()) as {
    signedCertificateEmbeddedSct: { chain: { certificates: string[] } }
  }
  return { ...key, chain: answer.signedCertificateEmbeddedSct.chain.certificates }
}

export function leafDer(signer: Signer): Buffer {
  return pemDer(signer.chain[0] ?? '')
}

export function pemDer(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
}

export function sha256(data: Uint8Array | string): Buffer {
  return createHash('sha256').update(data).digest()
}

/** A Rekor v1 entry for a signature over `data`. */
export function entryV1(signer: Signer, data: string) {
  const signature = sign('sha256', Buffer.from(data), signer.privateKey)
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: sha256(data).toString('hex') } },
      signature: {
        content: signature.toString('base64'),
        publicKey: { content: Buffer.from(`${signer.chain[0] ?? ''}\n`).toString('base64') },
      },
    },
  }
}

/** A Rekor v2 request for a signature over `data`. */
export function entryV2(signer: Signer, data: string, given?: Uint8Array) {
  const signature = given ?? sign('sha256', Buffer.from(data), signer.privateKey)
  return {
    hashedRekordRequestV002: {
      digest: sha256(data).toString('base64'),
      signature: {
        content: Buffer.from(signature).toString('base64'),
        verifier: {
          x509Certificate: { rawBytes: leafDer(signer).toString('base64') },
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        },
      },
    },
  }
}

/** What Rekor v1 answers for one entry. */
export interface EntryV1 {
  readonly id: string
  readonly body: string
  readonly integratedTime: number
  readonly logID: string
  readonly logIndex: number
  readonly verification: {
    readonly signedEntryTimestamp: string
    readonly inclusionProof: {
      readonly logIndex: number
      readonly rootHash: string
      readonly treeSize: number
      readonly hashes: readonly string[]
      readonly checkpoint: string
    }
  }
}

export async function readEntryV1(response: Response): Promise<EntryV1> {
  const answer = (await response.json()) as Record<string, Omit<EntryV1, 'id'>>
  const [pair] = Object.entries(answer)
  if (pair === undefined) throw new Error(`no entry: ${JSON.stringify(answer)}`)
  return { id: pair[0], ...pair[1] }
}
