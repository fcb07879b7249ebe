import { X509Certificate } from 'node:crypto'
import { encodeBase64 } from '../encoding/base64.ts'
import type { JsonObject } from '../encoding/json.ts'
import { encodePem } from '../encoding/pem.ts'
import type { Hierarchy } from './ca-hierarchy.ts'
import { LOCAL_ORGANIZATION } from './ca-hierarchy.ts'
import type { LogKey } from './log-key.ts'
import { AUDIENCE } from './id-token.ts'
import type { StateDirectory } from './state-directory.ts'

export interface StackAddresses {
  /** `http://localhost:PORT`: Fulcio, Rekor v1 and v2. */
  readonly url: string
  readonly issuer: string
  readonly tsa: string
  readonly isTest: boolean
}

export interface LogKeys {
  readonly ct: LogKey
  readonly rekor: LogKey
  readonly rekorV2: LogKey
}

/** Writes what clients need to find and to trust the stack. */
export async function emitFiles(
  state: StateDirectory,
  addresses: StackAddresses,
  logs: LogKeys,
): Promise<void> {
  const { fulcio, tsa } = state.keys
  const trustedRoot = trustedRootOf(state, addresses, logs)
  const signingConfig = signingConfigOf(state, addresses)
  await state.write('trustedRoot', json(trustedRoot))
  await state.write('signingConfig', json(signingConfig))
  await state.write(
    'clientTrustConfig',
    json({
      mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
      trustedRoot,
      signingConfig,
    }),
  )
  await state.write('fulcioChain', pemChain(fulcio))
  await state.write('tsaChain', pemChain(tsa))
  await state.write('rekorKey', encodePem('PUBLIC KEY', logs.rekor.spki))
  await state.write('rekorV2Key', encodePem('PUBLIC KEY', logs.rekorV2.spki))
  await state.write('ctKey', encodePem('PUBLIC KEY', logs.ct.spki))
  await state.write('signetEnv', envFile(signetVariables(state, addresses)))
  await state.write('gitsignEnv', gitsignEnv(state, addresses))
  await state.write('cosignEnv', cosignEnv(state))
}

/** Settings that make git-signet use the stack: design.md's names. */
export function signetVariables(
  state: Pick<StateDirectory, 'file'>,
  { url, issuer, tsa }: StackAddresses,
): Record<string, string> {
  return {
    SIGNET_FULCIO_URL: url,
    SIGNET_REKOR_URL: url,
    SIGNET_OIDC_ISSUER: issuer,
    SIGNET_OIDC_CLIENT_ID: AUDIENCE,
    SIGNET_TIMESTAMP_SERVER_URL: tsa,
    SIGNET_TRUSTED_ROOT: state.file('trustedRoot'),
  }
}

/** Lines that a POSIX shell reads back as exactly these values. */
export function envFile(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
    .join('')
}

export function shellQuote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`
}

function gitsignEnv(state: StateDirectory, { url, issuer, tsa }: StackAddresses): string {
  return `# gitsign against this stack. gitsign up to 0.17.1 cannot verify what it signed with a timestamp or
# in Rekor v2; for those add:
#   export GITSIGN_TIMESTAMP_SERVER_URL=${shellQuote(tsa)}
#   export GITSIGN_TIMESTAMP_CERT_CHAIN=${shellQuote(state.file('tsaChain'))}
#   export GITSIGN_REKOR_VERSION=2 SIGSTORE_REKOR_PUBLIC_KEY=${shellQuote(state.file('rekorV2Key'))}
${envFile({
  GITSIGN_FULCIO_URL: url,
  GITSIGN_FULCIO_ROOT: state.file('fulcioChain'),
  GITSIGN_REKOR_URL: url,
  GITSIGN_REKOR_MODE: 'offline',
  GITSIGN_OIDC_ISSUER: issuer,
  GITSIGN_OIDC_CLIENT_ID: AUDIENCE,
  SIGSTORE_REKOR_PUBLIC_KEY: state.file('rekorKey'),
  SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: state.file('ctKey'),
})}`
}

function cosignEnv(state: StateDirectory): string {
  return `# cosign takes this stack by two flags:
#   cosign sign-blob --signing-config "$STACK_SIGNING_CONFIG" --trusted-root "$STACK_TRUSTED_ROOT" …
#   cosign verify-blob --trusted-root "$STACK_TRUSTED_ROOT" …
${envFile({
  STACK_TRUSTED_ROOT: state.file('trustedRoot'),
  STACK_SIGNING_CONFIG: state.file('signingConfig'),
  SIGSTORE_ROOT_FILE: state.file('fulcioChain'),
  SIGSTORE_REKOR_PUBLIC_KEY: state.file('rekorKey'),
  SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: state.file('ctKey'),
  SIGSTORE_TSA_CERTIFICATE_FILE: state.file('tsaChain'),
})}`
}

/** @see sigstore protobuf-specs, sigstore_trustroot.proto: the one media type that all clients take */
function trustedRootOf(
  state: StateDirectory,
  { url, tsa }: StackAddresses,
  logs: LogKeys,
): JsonObject {
  const validFor = { start: validFrom(state) }
  const log = (baseUrl: string, { spki, keyDetails, keyId }: LogKey): JsonObject => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: encodeBase64(spki), keyDetails, validFor },
    logId: { keyId: encodeBase64(keyId) },
  })
  const authority = (uri: string, { chain }: Hierarchy, named: number): JsonObject => ({
    subject: {
      organization: LOCAL_ORGANIZATION,
      commonName: commonName(chain.at(named)),
    },
    uri,
    certChain: {
      certificates: chain.map((certificate) => ({ rawBytes: encodeBase64(certificate) })),
    },
    validFor,
  })
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [log(url, logs.rekor), log(url, logs.rekorV2)],
    certificateAuthorities: [authority(url, state.keys.fulcio, -1)],
    ctlogs: [log(`${url}/ct`, logs.ct)],
    timestampAuthorities: [authority(tsa, state.keys.tsa, 0)],
  }
}

function signingConfigOf(state: StateDirectory, { url, issuer, tsa }: StackAddresses): JsonObject {
  const service = (address: string, majorApiVersion: number): JsonObject => ({
    url: address,
    majorApiVersion,
    validFor: { start: validFrom(state) },
    operator: LOCAL_ORGANIZATION,
  })
  return {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [service(url, 1)],
    oidcUrls: [service(issuer, 1)],
    rekorTlogUrls: [service(url, 2), service(url, 1)],
    tsaUrls: [service(tsa, 1)],
    rekorTlogConfig: { selector: 'ANY' },
    tsaConfig: { selector: 'ANY' },
  }
}

/** Where every certificate of the stack begins: a day before its making. */
function validFrom(state: StateDirectory): string {
  const [certificate] = state.keys.fulcio.chain
  if (certificate === undefined) throw new Error('a hierarchy has an issuing certificate')
  return `${new Date(new X509Certificate(certificate).validFrom).toISOString().slice(0, 19)}Z`
}

function commonName(certificate: Uint8Array | undefined): string {
  const subject = certificate === undefined ? '' : new X509Certificate(certificate).subject
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? ''
}

function pemChain({ chain }: Hierarchy): string {
  return chain.map((certificate) => encodePem('CERTIFICATE', certificate)).join('')
}

function json(value: JsonObject): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
