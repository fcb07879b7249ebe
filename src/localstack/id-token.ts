import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { SignJWT, decodeJwt, exportJWK, jwtVerify } from 'jose'
import { encodeBase64Url } from '../encoding/base64.ts'
import type { JsonObject } from '../encoding/json.ts'
import { sha256 } from '../crypto/digest.ts'
import type { IssuerType } from './principal.ts'

/** Who tokens are for: Fulcio takes no others. */
export const AUDIENCE = 'sigstore'

const ALGORITHM = 'RS256'

/** One OIDC issuer's name and key. */
export class TokenIssuer {
  readonly url: string
  readonly type: IssuerType
  readonly keyId: string
  readonly #privateKey: KeyObject
  readonly #publicKey: KeyObject

  constructor(url: string, type: IssuerType, privateKey: KeyObject) {
    this.url = url
    this.type = type
    this.#privateKey = privateKey
    this.#publicKey = createPublicKey(privateKey)
    this.keyId = encodeBase64Url(
      sha256(this.#publicKey.export({ type: 'spki', format: 'der' })),
    ).slice(0, 16)
  }

  /** @param claims - everything but `iss` (unless a wrong one is wanted) */
  sign(claims: JsonObject, key = this.#privateKey): Promise<string> {
    return new SignJWT({ iss: this.url, ...claims })
      .setProtectedHeader({ alg: ALGORITHM, kid: this.keyId, typ: 'JWT' })
      .sign(key)
  }

  /** JSON Web Key Set (RFC 7517 §5). */
  async keySet(): Promise<JsonObject> {
    const { kty, n, e } = await exportJWK(this.#publicKey)
    return {
      keys: [
        { kty: kty ?? '', n: n ?? '', e: e ?? '', use: 'sig', alg: ALGORITHM, kid: this.keyId },
      ],
    }
  }

  /** @returns its claims, or undefined unless it is ours, for Fulcio, and valid at `now` (ms) */
  async verify(token: string, now: number): Promise<JsonObject | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        issuer: this.url,
        audience: AUDIENCE,
        algorithms: [ALGORITHM],
        currentDate: new Date(now),
        requiredClaims: ['exp', 'sub'],
      })
      return payload as JsonObject
    } catch {
      // jose's errors all mean: not a token that counts. Fulcio does not say more either.
      return undefined
    }
  }
}

/** The issuer that a token names; nothing is verified. */
export function issuerOf(token: string, issuers: readonly TokenIssuer[]): TokenIssuer | undefined {
  try {
    const { iss } = decodeJwt(token)
    return issuers.find((issuer) => issuer.url === iss)
  } catch {
    // Not a JWT.
    return undefined
  }
}
