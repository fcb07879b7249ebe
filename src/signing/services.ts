import { readTextFile } from '../config/text-file.ts'
import type { Settings } from '../config/settings.ts'
import { MalformedError, UsageError } from '../errors.ts'
import { parseSigningConfig, selectServices } from '../sigstore/signing-config.ts'
import type { Service, SigningConfig } from '../sigstore/signing-config.ts'

/** Whom to ask for what. */
export interface SigningServices {
  readonly fulcio: URL
  readonly issuer: string
  readonly log: { readonly url: URL; readonly version: 1 | 2 }
  readonly timestampUrl: URL | undefined
}

const ONE = { selector: 'ANY' } as const

/**
 * The services in force: those that a setting names, else those that the signing configuration selects,
 * else the public ones.
 *
 * @param now - seconds since the epoch
 * @throws UsageError SIGNING_CONFIG, NO_SERVICE, TIMESTAMP_NEEDED
 */
export function chooseServices(settings: Settings, now: number): SigningServices {
  const config = readSigningConfig(settings)
  const explicit = (name: 'fulcio' | 'issuer' | 'rekor'): string | undefined =>
    settings[name].source.kind === 'default' ? undefined : settings[name].value
  const offered = (list: keyof SigningConfig & ('ca' | 'oidc'), what: string) =>
    config && config[list].length > 0
      ? selectServices(config[list], ONE, [1], now, what)[0]?.url
      : undefined
  const services = {
    fulcio: new URL(explicit('fulcio') ?? offered('ca', 'CA') ?? settings.fulcio.value),
    issuer: explicit('issuer') ?? offered('oidc', 'OIDC issuer') ?? settings.issuer.value,
    log: chooseLog(settings, config, now),
    timestampUrl: chooseTimestampUrl(settings, config, now),
  }
  if (services.log.version === 2 && services.timestampUrl === undefined) {
    throw new UsageError(
      'TIMESTAMP_NEEDED',
      'cannot sign with Rekor v2: it gives no time, and no timestamp authority is configured',
      { hint: 'git config signet.timestampServerURL URL' },
    )
  }
  return services
}

function chooseLog(
  settings: Settings,
  config: SigningConfig | undefined,
  now: number,
): SigningServices['log'] {
  const { rekor, rekorVersion } = settings
  if (rekor.source.kind !== 'default' || config === undefined) {
    return { url: new URL(rekor.value), version: rekorVersion.value }
  }
  const versions = rekorVersion.source.kind === 'default' ? [1, 2] : [rekorVersion.value]
  const log = only(selectServices(config.rekor, config.rekorSelector, versions, now, 'log'), 'log')
  return { url: new URL(log.url), version: log.majorApiVersion === 2 ? 2 : 1 }
}

function chooseTimestampUrl(
  settings: Settings,
  config: SigningConfig | undefined,
  now: number,
): URL | undefined {
  const { value } = settings.timestampServerUrl
  if (value !== undefined) return new URL(value)
  if (config === undefined || config.tsa.length === 0) return undefined
  const what = 'timestamp authority'
  return new URL(only(selectServices(config.tsa, config.tsaSelector, [1], now, what), what).url)
}

/** @throws UsageError NO_SERVICE more than a git signature can hold */
function only(chosen: readonly Service[], what: string): Service {
  const [service] = chosen
  if (service !== undefined && chosen.length === 1) return service
  throw new UsageError(
    'NO_SERVICE',
    `cannot use the signing configuration: a git signature holds the word of one ${what}, ` +
      `it asks for ${String(chosen.length)}`,
  )
}

function readSigningConfig({ signingConfig }: Settings): SigningConfig | undefined {
  const { value, source } = signingConfig
  if (value === undefined) return undefined
  const what = `the signing configuration that ${source.name} names`
  const text = readTextFile(value, 'SIGNING_CONFIG', what)
  try {
    return parseSigningConfig(text)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw new UsageError('SIGNING_CONFIG', `${error.message} (${value}, from ${source.name})`, {
      cause: error,
    })
  }
}
