import { UsageError } from '../errors.ts'
import type { ServiceName, StackRequest } from './http.ts'

/** Faults that the listener carries out whatever the service. */
export const TRANSPORT_FAULTS = [
  '502',
  '503',
  '500',
  '429',
  'timeout',
  'cut',
  'cut-body',
  'slow',
] as const
export type TransportFault = (typeof TRANSPORT_FAULTS)[number]

/**
 * Faults that a service carries out itself. `lost-answer`: the work is done, the answer is cut.
 * `lie-…`: an answer in the right form that is wrong in the one named respect.
 */
const SERVICE_FAULTS: Readonly<Record<ServiceName, readonly string[]>> = {
  oidc: ['lie-nonce', 'lie-audience', 'lie-issuer', 'lie-expired', 'lie-identity', 'lie-key'],
  ci: ['lie-audience', 'lie-expired', 'lie-key'],
  fulcio: [
    'ct-down',
    'lie-key',
    'lie-identity',
    'lie-sct',
    'lie-no-sct',
    'lie-chain',
    'lie-no-chain',
    'lie-expired',
    'lie-garbage',
  ],
  ct: [],
  rekor: [
    '409',
    '404-after-409',
    '405',
    '404',
    'lost-answer',
    'lie-entry',
    'lie-id',
    'lie-promise',
    'lie-proof',
    'lie-checkpoint',
    'lie-index',
    'lie-time',
    'lie-garbage',
  ],
  'rekor-v2': [
    '409',
    '405',
    'lost-answer',
    'lie-entry',
    'lie-proof',
    'lie-checkpoint',
    'lie-index',
    'lie-log',
    'lie-garbage',
  ],
  tsa: [
    'lie-nonce',
    'lie-imprint',
    'lie-time',
    'lie-signature',
    'lie-chain',
    'lie-rejection',
    'lie-garbage',
  ],
  stack: [],
}

export interface Fault {
  readonly service: ServiceName
  readonly mode: string
  /** How many requests it meets; default 1. */
  readonly count?: number
  /** Only requests of this method, or below this path. */
  readonly method?: 'GET' | 'POST'
  readonly path?: string
  /** `slow`: how long; default 2000. */
  readonly delayMs?: number
  /** `429`: the Retry-After header; default 1, `-1` for none. */
  readonly retryAfterSeconds?: number
}

/** Faults that mean nothing for the other method wait for theirs. */
const METHOD_OF_MODE: Readonly<Record<string, string>> = {
  '409': 'POST',
  '404-after-409': 'POST',
  '405': 'POST',
  '404': 'GET',
  'lost-answer': 'POST',
}

interface ArmedFault {
  readonly fault: Fault
  left: number
}

/** Faults waiting for requests; the first that fits a request is spent on it. */
export class FaultBoard {
  readonly #armed: ArmedFault[] = []

  /** @throws UsageError STACK_FAULT for a mode the service does not know */
  arm(fault: Fault): void {
    const own = SERVICE_FAULTS[fault.service] as readonly string[] | undefined
    if (own === undefined) {
      throw new UsageError('STACK_FAULT', 'no such service', {
        hint: `services are ${Object.keys(SERVICE_FAULTS).join(', ')}`,
      })
    }
    const known = [...TRANSPORT_FAULTS, ...own]
    const count = fault.count ?? 1
    if (!known.includes(fault.mode) || !Number.isSafeInteger(count) || count < 1) {
      throw new UsageError(
        'STACK_FAULT',
        `no such fault: ${fault.service} knows ${known.join(', ')}`,
      )
    }
    this.#armed.push({ fault, left: count })
  }

  clear(): void {
    this.#armed.length = 0
  }

  take(service: ServiceName, request: Pick<StackRequest, 'method' | 'path'>): Fault | undefined {
    const at = this.#armed.findIndex(
      ({ fault }) =>
        fault.service === service &&
        (fault.method ?? METHOD_OF_MODE[fault.mode] ?? request.method) === request.method &&
        (fault.path === undefined || request.path.startsWith(fault.path)),
    )
    const armed = this.#armed[at]
    if (armed === undefined) return undefined
    armed.left -= 1
    if (armed.fault.mode === '404-after-409') {
      // One conflict, then as many looks in vain: what a slow replica behind the log does.
      this.#armed.splice(at, 1)
      this.arm({ service, mode: '404', method: 'GET', count: armed.left + 1 })
    } else if (armed.left === 0) this.#armed.splice(at, 1)
    return armed.fault
  }
}

export function isTransportFault(mode: string): mode is TransportFault {
  return (TRANSPORT_FAULTS as readonly string[]).includes(mode)
}
