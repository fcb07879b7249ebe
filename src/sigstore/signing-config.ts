import { isJsonObject, parseJson } from '../encoding/json.ts'
import type { JsonObject, JsonValue } from '../encoding/json.ts'
import { MalformedError, UsageError } from '../errors.ts'

/** One service that a signing configuration offers. */
export interface Service {
  readonly url: string
  readonly majorApiVersion: number
  /** Seconds since the epoch, inclusive. */
  readonly validFrom: number
  /** Seconds, inclusive; undefined while it is in use. */
  readonly validUntil: number | undefined
  readonly operator: string
}

/** How many services of a kind are to be used. */
export type ServiceSelector =
  { readonly selector: 'ANY' | 'ALL' } | { readonly selector: 'EXACT'; readonly count: number }

export interface SigningConfig {
  readonly ca: readonly Service[]
  readonly oidc: readonly Service[]
  readonly rekor: readonly Service[]
  readonly rekorSelector: ServiceSelector
  readonly tsa: readonly Service[]
  readonly tsaSelector: ServiceSelector
}

const MEDIA_TYPE = 'application/vnd.dev.sigstore.signingconfig.v0.2+json'

/**
 * Reads a signing configuration, version 0.2.
 *
 * @throws MalformedError SIGNING_CONFIG_MALFORMED, JSON_MALFORMED
 * @see sigstore protobuf-specs, sigstore_trustroot.proto, SigningConfig
 */
export function parseSigningConfig(text: string): SigningConfig {
  const value = parseJson(text, 'signing configuration')
  if (!isJsonObject(value)) throw malformed('it is not a JSON object')
  if (value['mediaType'] !== MEDIA_TYPE) throw malformed('its media type is not version 0.2')
  return {
    ca: services(value, 'caUrls'),
    oidc: services(value, 'oidcUrls'),
    rekor: services(value, 'rekorTlogUrls'),
    rekorSelector: selector(value['rekorTlogConfig'], 'rekorTlogConfig'),
    tsa: services(value, 'tsaUrls'),
    tsaSelector: selector(value['tsaConfig'], 'tsaConfig'),
  }
}

/**
 * The services to use now: of those in force with a known API version, at most one an operator, the
 * highest version first, then the newest.
 *
 * @param now - seconds since the epoch
 * @param what - for the message
 * @throws UsageError NO_SERVICE fewer than asked for
 */
export function selectServices(
  offered: readonly Service[],
  wanted: ServiceSelector,
  knownVersions: readonly number[],
  now: number,
  what: string,
): Service[] {
  const usable = offered
    .filter(
      ({ majorApiVersion, validFrom, validUntil }) =>
        knownVersions.includes(majorApiVersion) &&
        validFrom <= now &&
        (validUntil === undefined || now <= validUntil),
    )
    .sort((a, b) => b.majorApiVersion - a.majorApiVersion || b.validFrom - a.validFrom)
  const perOperator = usable.filter(
    // Without a name nobody can be told apart: each counts as its own.
    ({ operator }, at) =>
      operator === '' || usable.findIndex((other) => other.operator === operator) === at,
  )
  const count =
    wanted.selector === 'EXACT' ? wanted.count : wanted.selector === 'ANY' ? 1 : perOperator.length
  if (perOperator.length < Math.max(count, 1)) {
    throw new UsageError(
      'NO_SERVICE',
      `cannot use the signing configuration: it offers ${String(perOperator.length)} usable ` +
        `${what} now, ${String(Math.max(count, 1))} needed`,
      { hint: 'get the current signing configuration of your instance (signet.signingConfig)' },
    )
  }
  return perOperator.slice(0, count)
}

function services(config: JsonObject, name: string): Service[] {
  const list = config[name] ?? []
  if (!Array.isArray(list)) throw malformed(`${name} is not a list`)
  return (list as readonly JsonValue[]).map((element) => {
    if (!isJsonObject(element)) throw malformed(`${name} holds something that is no service`)
    const { url, majorApiVersion, validFor, operator } = element
    if (typeof url !== 'string' || !URL.canParse(url)) throw malformed(`${name}: a URL is missing`)
    if (typeof majorApiVersion !== 'number') throw malformed(`${name}: a version is missing`)
    const period = isJsonObject(validFor) ? validFor : {}
    const start = time(period['start'], name)
    if (start === undefined) throw malformed(`${name}: a start of validity is missing`)
    return {
      url,
      majorApiVersion,
      validFrom: start,
      validUntil: time(period['end'], name),
      operator: typeof operator === 'string' ? operator : '',
    }
  })
}

function time(value: JsonValue | undefined, name: string): number | undefined {
  if (value === undefined || value === null) return undefined
  const isTime =
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(value)
  const ms = isTime ? Date.parse(value) : Number.NaN
  if (Number.isNaN(ms)) throw malformed(`${name}: a time is not RFC 3339`)
  return ms / 1000
}

function selector(value: JsonValue | undefined, name: string): ServiceSelector {
  if (value === undefined || value === null) return { selector: 'ANY' }
  const kind = isJsonObject(value) ? value['selector'] : undefined
  const count = isJsonObject(value) ? value['count'] : undefined
  if (kind === 'ANY' || kind === 'ALL') return { selector: kind }
  if (kind === 'EXACT' && typeof count === 'number' && Number.isInteger(count) && count > 0) {
    return { selector: kind, count }
  }
  throw malformed(`${name} is neither ANY, ALL nor EXACT with a count`)
}

function malformed(why: string): MalformedError {
  return new MalformedError('SIGNING_CONFIG_MALFORMED', `cannot read signing configuration: ${why}`)
}
