import { readTextFile } from '../../config/text-file.ts'
import type { Settings } from '../../config/settings.ts'
import { SignetError } from '../../errors.ts'
import type { SigningServices } from '../../signing/services.ts'
import { requestOnce, type HttpOptions, type HttpResponse } from '../../sigstore/http.ts'
import { displayUrl, joinUrl } from '../../sigstore/url.ts'
import type { Context } from '../context.ts'
import type { Finding, ServiceLine } from './report.ts'

const ATTEMPT_MS = 8_000
/** Certificates last ten minutes and the token a few: more than this between two clocks breaks them. */
const MAX_SKEW_MS = 60_000

interface Probe {
  readonly service: string
  readonly url: URL
  readonly method: 'GET' | 'POST'
}

interface Probed {
  readonly services: readonly ServiceLine[]
  readonly findings: readonly Finding[]
}

/** Asks each service once whether it is there, all at the same time, and looks at its clock. */
export async function probeServices(
  settings: Settings,
  services: SigningServices,
  context: Context,
): Promise<Probed> {
  const { caFile } = settings
  const options: HttpOptions = {
    env: context.env,
    ca:
      caFile.value === undefined
        ? undefined
        : readTextFile(caFile.value, 'CA_FILE', `the CA file that ${caFile.source.name} names`),
  }
  const probed = await Promise.all(probesOf(services).map((probe) => ask(probe, options, context)))
  return {
    services: probed.map(({ line }) => line),
    findings: probed.flatMap(({ findings }) => findings),
  }
}

function probesOf({ fulcio, issuer, log, timestampUrl }: SigningServices): Probe[] {
  const configuration = '.well-known/openid-configuration'
  return [
    { service: 'issuer', url: joinUrl(new URL(issuer), configuration), method: 'GET' },
    { service: 'fulcio', url: joinUrl(fulcio, 'api/v2/configuration'), method: 'GET' },
    {
      service: `rekor v${log.version}`,
      url: joinUrl(log.url, log.version === 1 ? 'api/v1/log' : 'api/v2/checkpoint'),
      method: 'GET',
    },
    // An empty query is refused by every authority that is there.
    ...(timestampUrl
      ? [{ service: 'timestamps', url: timestampUrl, method: 'POST' } as const]
      : []),
  ]
}

async function ask(
  { service, url, method }: Probe,
  options: HttpOptions,
  { clock }: Context,
): Promise<{ line: ServiceLine; findings: Finding[] }> {
  const shown = displayUrl(url)
  try {
    const started = clock()
    const response = await requestOnce(
      {
        method,
        url,
        maxBytes: 1 << 20,
        timeoutMs: ATTEMPT_MS,
        ...(method === 'POST' ? { body: '' } : {}),
      },
      options,
    )
    const tookMs = clock() - started
    const answer = `${response.status} in ${tookMs} ms`
    const isThere = response.status < 400 || (method === 'POST' && response.status < 500)
    const findings = isThere ? [] : [refusal(service, shown, response.status)]
    const skew = skewFinding(service, response, clock())
    return { line: { service, url: shown, answer }, findings: [...findings, ...skew] }
  } catch (error) {
    if (!(error instanceof SignetError)) throw error
    return {
      line: { service, url: shown, answer: 'no answer' },
      findings: [
        {
          code: String(error.code),
          kind: error.exit === 2 ? 'configuration' : 'service',
          message: `${service}: ${error.message}`,
          hint: error.hint ?? 'until it is back: git commit --no-gpg-sign',
        },
      ],
    }
  }
}

function refusal(service: string, url: string, status: number): Finding {
  return {
    code: 'SERVICE_FAILING',
    kind: 'service',
    message: `${service} (${url}) answered ${status}`,
    hint:
      status >= 500
        ? 'until it is back: git commit --no-gpg-sign'
        : `look at the setting that names it: git-signet status`,
  }
}

function skewFinding(service: string, { headers }: HttpResponse, nowMs: number): Finding[] {
  const theirs = Date.parse(headers.date ?? '')
  if (Number.isNaN(theirs) || Math.abs(theirs - nowMs) <= MAX_SKEW_MS) return []
  const seconds = Math.round(Math.abs(theirs - nowMs) / 1000)
  const direction = theirs > nowMs ? 'behind' : 'ahead of'
  return [
    {
      code: 'CLOCK',
      kind: 'configuration',
      message: `this computer’s clock is ${seconds} s ${direction} the one of ${service}`,
      hint: 'set the clock: timedatectl set-ntp true',
    },
  ]
}
