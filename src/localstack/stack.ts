import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { decodeUtf8 } from '../encoding/bytes.ts'
import type { JsonObject } from '../encoding/json.ts'
import { UnavailableError, UsageError } from '../errors.ts'
import { AppendOnlyLog } from './append-only-log.ts'
import { CertificateAuthority } from './certificate-authority.ts'
import { CI_PATH, ciRoutes, ciToken } from './ci-issuer.ts'
import { ctRoutes } from './ct-log.ts'
import { emitFiles, signetVariables } from './emitted-files.ts'
import type { StackAddresses } from './emitted-files.ts'
import { FaultBoard } from './fault-injection.ts'
import type { Fault } from './fault-injection.ts'
import { fulcioRoutes } from './fulcio.ts'
import { jsonReply, openapiError } from './http.ts'
import type { Route, ServiceName } from './http.ts'
import { TokenIssuer } from './id-token.ts'
import { listen } from './listener.ts'
import type { Listener } from './listener.ts'
import { takeLock } from './lock.ts'
import { logKey } from './log-key.ts'
import { OIDC_PATH, OidcProvider, parseClaims } from './oidc.ts'
import { RekorV1 } from './rekor-v1.ts'
import { rekorV2Routes } from './rekor-v2.ts'
import { StateDirectory, makeStateDirectory } from './state-directory.ts'
import { tsaRoutes } from './tsa.ts'

/** What `GET /_stack` says: how `stack status` knows that it is talking to the right one. */
export interface StackInfo {
  readonly directory: string
  readonly pid: number
  readonly isTest: boolean
  /** Sizes of its logs. */
  readonly entries: { readonly ct: number; readonly rekor: number; readonly rekorV2: number }
}

export interface LocalStackOptions {
  /** Where the state is; default: a temporary directory that `close` removes. */
  readonly directory?: string
  /**
   * Default: the one that this directory's stack has, for a new one any free below those that
   * systems hand out. 0: for a new one, any.
   */
  readonly port?: number
  /** Opens `/test-token`, `/_fault` and the CI issuer. */
  readonly test?: boolean
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  /** One line for each request. */
  readonly log?: (line: string) => void
}

/** A running local sigstore. */
export interface LocalStack {
  /** `http://localhost:PORT`: Fulcio, Rekor v1, Rekor v2. */
  readonly url: string
  readonly issuer: string
  readonly tsaUrl: string
  /** What a job's ACTIONS_ID_TOKEN_REQUEST_URL would be; any bearer token is taken. */
  readonly ciTokenUrl: string
  readonly directory: string
  readonly trustedRootPath: string
  readonly signingConfigPath: string
  /** Settings for git-signet, as `git-signet.env` exports them. */
  readonly env: Readonly<Record<string, string>>
  /** An ID token of the issuer people log in at. */
  token(email: string, claims?: JsonObject): Promise<string>
  /** An ID token of the CI issuer; `claims` replaces those of the made-up run. */
  ciToken(claims?: JsonObject): Promise<string>
  /** Makes the next `count` requests to a service fail. */
  fault(service: ServiceName, mode: string, count?: number, more?: Partial<Fault>): void
  clearFaults(): void
  close(): Promise<void>
}

const FIRST_STABLE_PORT = 20_000
const STABLE_PORTS = 10_000

/**
 * Starts a local sigstore in this process: issuer, certificate authority, logs and timestamps.
 *
 * @throws UsageError STACK_DIRECTORY, STACK_PORT; UnavailableError STACK_LOCKED, STACK_PORT,
 * STACK_LOG_DAMAGED
 */
export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStack> {
  const clock = options.clock ?? Date.now
  const isTest = options.test === true
  const isTemporary = options.directory === undefined
  const directory = resolve(
    options.directory ?? (await mkdtemp(join(tmpdir(), 'git-signet-stack-'))),
  )
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
    if (isTemporary) await rm(directory, { recursive: true, force: true })
  }
  try {
    const state = await openLocked(directory, clock, closers)
    const faults = new FaultBoard()
    const parts = await openLogs(state, closers)
    // The routes need the address, the address needs the listener: they are filled in below.
    const routes: Route[] = []
    const listener = await listenStable(options.port, state, {
      routes,
      faults,
      log: options.log ?? (() => undefined),
    })
    closers.push(() => listener.close())
    await state.rememberPort(listener.port)
    const url = `http://localhost:${listener.port}`
    const addresses: StackAddresses = {
      url,
      issuer: `${url}${OIDC_PATH}`,
      tsa: `${url}/api/v1/timestamp`,
      isTest,
    }
    await emitFiles(state, addresses, {
      ct: parts.ct.key,
      rekor: parts.rekor.key,
      rekorV2: parts.rekorV2.key,
    })
    const services = createServices(state, addresses, parts, clock)
    routes.push(
      ...services.routes,
      infoRoute(() => ({
        directory,
        pid: process.pid,
        isTest,
        entries: {
          ct: parts.ct.head.treeSize,
          rekor: parts.rekor.head.treeSize,
          rekorV2: parts.rekorV2.head.treeSize,
        },
      })),
    )
    if (isTest) routes.push(faultRoute(faults))
    return {
      url,
      issuer: addresses.issuer,
      tsaUrl: addresses.tsa,
      ciTokenUrl: `${services.ci.url}/token?api-version=2.0`,
      directory,
      trustedRootPath: state.file('trustedRoot'),
      signingConfigPath: state.file('signingConfig'),
      env: signetVariables(state, addresses),
      token: (email, claims) => services.provider.idToken(email, claims),
      ciToken: (claims) => ciToken(services.ci, clock(), claims),
      fault(service, mode, count = 1, more = {}) {
        faults.arm({ ...more, service, mode, count })
      },
      clearFaults() {
        faults.clear()
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Checks that a stack which lives at `port` may be asked for at `wanted`.
 *
 * @throws UsageError STACK_PORT
 */
export function checkPort(wanted: number | undefined, port: number | undefined): void {
  if (wanted === undefined || wanted === 0 || port === undefined || wanted === port) return
  throw new UsageError(
    'STACK_PORT',
    `cannot move the local stack to port ${wanted}: its certificates and addresses name ${port}`,
    { hint: 'begin another with --dir D, or this one anew: git-signet stack reset' },
  )
}

async function openLocked(
  directory: string,
  clock: () => number,
  closers: (() => Promise<void>)[],
): Promise<StateDirectory> {
  await makeStateDirectory(directory)
  closers.push(await takeLock(join(directory, 'lock')))
  return StateDirectory.open(directory, clock)
}

interface Logs {
  readonly ct: AppendOnlyLog
  readonly rekor: AppendOnlyLog
  readonly rekorV2: AppendOnlyLog
}

async function openLogs(state: StateDirectory, closers: (() => Promise<void>)[]): Promise<Logs> {
  const openLog = async (name: string, key: ReturnType<typeof logKey>): Promise<AppendOnlyLog> => {
    const log = await AppendOnlyLog.open(state.logFile(name), key)
    closers.push(() => log.close())
    return log
  }
  const { keys, identity } = state
  // Only the host's name, without port: the one form that Go, JavaScript and Python clients share.
  return {
    ct: await openLog('ct', logKey(keys.ct, 'localhost/ct', 'localhost/ct')),
    rekor: await openLog(
      'rekor-v1',
      logKey(keys.rekor, `localhost - ${identity.treeId}`, 'localhost'),
    ),
    rekorV2: await openLog('rekor-v2', logKey(keys.rekorV2, 'localhost', 'localhost')),
  }
}

interface Services {
  readonly routes: readonly Route[]
  readonly provider: OidcProvider
  readonly ci: TokenIssuer
}

function createServices(
  state: StateDirectory,
  { url, issuer, isTest }: StackAddresses,
  logs: Logs,
  clock: () => number,
): Services {
  const { keys, identity } = state
  const people = new TokenIssuer(issuer, 'email', keys.oidc)
  const ci = new TokenIssuer(`${url}${CI_PATH}`, 'github-workflow', keys.ci)
  const provider = new OidcProvider({ issuer: people, clock, isTest })
  const authority = new CertificateAuthority(keys.fulcio, logs.ct, clock)
  return {
    provider,
    ci,
    routes: [
      ...provider.routes(),
      ...(isTest ? ciRoutes(ci, clock) : []),
      ...fulcioRoutes({ authority, issuers: isTest ? [people, ci] : [people], clock }),
      ...ctRoutes(logs.ct, keys.fulcio.chain.slice(-1), clock),
      ...new RekorV1({ log: logs.rekor, treeId: identity.treeId, clock }).routes(),
      ...rekorV2Routes(logs.rekorV2),
      ...tsaRoutes(keys.tsa, clock),
    ],
  }
}

async function listenStable(
  wanted: number | undefined,
  state: StateDirectory,
  options: Omit<Parameters<typeof listen>[0], 'port'>,
): Promise<Listener> {
  const { port } = state.identity
  if (port !== undefined) {
    checkPort(wanted, port)
    return listen({ ...options, port })
  }
  if (wanted !== undefined) return listen({ ...options, port: wanted })
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await listen({ ...options, port: FIRST_STABLE_PORT + randomInt(STABLE_PORTS) })
    } catch (error) {
      if (!(error instanceof UnavailableError) || attempt === 20) throw error
    }
  }
}

function infoRoute(info: () => StackInfo): Route {
  return {
    service: 'stack',
    method: 'GET',
    path: '/_stack',
    handle: () => jsonReply(200, { ...info() }),
  }
}

function faultRoute(faults: FaultBoard): Route {
  return {
    service: 'stack',
    method: 'POST',
    path: '/_fault',
    handle: (request) => {
      const asked = parseClaims(decodeUtf8(request.body) ?? '')
      if (asked === undefined) return openapiError(400, 'expected {service, mode, count}')
      if (asked['clear'] === true) faults.clear()
      if (asked['service'] === undefined) return jsonReply(200, {})
      try {
        faults.arm(asked as unknown as Fault)
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        return openapiError(400, error.message)
      }
      return jsonReply(200, {})
    },
  }
}
