import { randomBytes, randomInt } from 'node:crypto'
import { encodeBase64Url } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/bytes.ts'
import { sha256 } from '../crypto/digest.ts'

/** What a code or device code stands for once a person has said who they are. */
export interface Grant {
  readonly clientId: string
  readonly email: string
  readonly nonce: string | undefined
}

interface CodeGrant extends Grant {
  readonly redirectUri: string
  readonly codeChallenge: string
  readonly expires: number
}

interface DeviceGrant {
  readonly clientId: string
  readonly userCode: string
  readonly codeChallenge: string | undefined
  readonly expires: number
  decision: 'pending' | 'denied' | { readonly email: string }
  lastPoll: number
}

const CODE_LIFETIME_MS = 120_000
/** RFC 8628 §3.2, in seconds. */
export const DEVICE_LIFETIME_S = 600
export const DEVICE_INTERVAL_S = 1
/** Without vowels: no words (RFC 8628 §6.1). */
const USER_CODE_LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'

/** OAuth error codes of the token endpoint (RFC 6749 §5.2, RFC 8628 §3.5). */
export type GrantError =
  'invalid_grant' | 'authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token'

/** Codes that were given out and not yet used; in memory, each good once. */
export class Grants {
  readonly #codes = new Map<string, CodeGrant>()
  readonly #devices = new Map<string, DeviceGrant>()
  readonly #clock: () => number

  constructor(clock: () => number) {
    this.#clock = clock
  }

  createCode(grant: Omit<CodeGrant, 'expires'>): string {
    this.#dropExpired()
    const code = encodeBase64Url(randomBytes(24))
    this.#codes.set(code, { ...grant, expires: this.#clock() + CODE_LIFETIME_MS })
    return code
  }

  /** Spends the code, also when the answer is an error. */
  redeemCode(
    code: string,
    request: { clientId: string; redirectUri: string; codeVerifier: string },
  ): Grant | GrantError {
    const grant = this.#codes.get(code)
    this.#codes.delete(code)
    if (grant === undefined || grant.expires < this.#clock()) return 'invalid_grant'
    if (grant.clientId !== request.clientId || grant.redirectUri !== request.redirectUri) {
      return 'invalid_grant'
    }
    return isVerifierOf(request.codeVerifier, grant.codeChallenge) ? grant : 'invalid_grant'
  }

  createDevice(
    clientId: string,
    codeChallenge: string | undefined,
  ): { deviceCode: string; userCode: string } {
    this.#dropExpired()
    const deviceCode = encodeBase64Url(randomBytes(24))
    const letters = Array.from(
      { length: 8 },
      () => USER_CODE_LETTERS[randomInt(USER_CODE_LETTERS.length)],
    ).join('')
    const userCode = `${letters.slice(0, 4)}-${letters.slice(4)}`
    this.#devices.set(deviceCode, {
      clientId,
      userCode,
      codeChallenge,
      expires: this.#clock() + DEVICE_LIFETIME_S * 1000,
      decision: 'pending',
      lastPoll: 0,
    })
    return { deviceCode, userCode }
  }

  /** @returns whether a device waits for this code */
  decideDevice(userCode: string, decision: 'denied' | { email: string }): boolean {
    this.#dropExpired()
    const letters = userCode.toUpperCase().replace(/[^A-Z]/g, '')
    for (const device of this.#devices.values()) {
      if (device.userCode.replace('-', '') === letters && device.decision === 'pending') {
        device.decision = decision
        return true
      }
    }
    return false
  }

  pollDevice(
    deviceCode: string,
    request: { clientId: string; codeVerifier: string },
  ): Grant | GrantError {
    const device = this.#devices.get(deviceCode)
    if (device?.clientId !== request.clientId) return 'invalid_grant'
    const now = this.#clock()
    if (device.expires < now) {
      this.#devices.delete(deviceCode)
      return 'expired_token'
    }
    const { decision } = device
    if (decision === 'pending') {
      const isTooSoon = now - device.lastPoll < DEVICE_INTERVAL_S * 1000 * 0.8
      device.lastPoll = now
      return isTooSoon ? 'slow_down' : 'authorization_pending'
    }
    this.#devices.delete(deviceCode)
    if (decision === 'denied') return 'access_denied'
    if (
      device.codeChallenge !== undefined &&
      !isVerifierOf(request.codeVerifier, device.codeChallenge)
    ) {
      return 'invalid_grant'
    }
    return { clientId: device.clientId, email: decision.email, nonce: undefined }
  }

  #dropExpired(): void {
    const now = this.#clock()
    for (const [code, { expires }] of this.#codes) if (expires < now) this.#codes.delete(code)
    for (const [code, { expires }] of this.#devices) {
      // Kept a while, so that a device that still asks hears why.
      if (expires + CODE_LIFETIME_MS < now) this.#devices.delete(code)
    }
  }
}

/** RFC 7636 §4.6, method S256. */
function isVerifierOf(codeVerifier: string, codeChallenge: string): boolean {
  return encodeBase64Url(sha256(encodeUtf8(codeVerifier))) === codeChallenge
}
