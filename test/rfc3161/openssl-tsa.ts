import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsePem } from '../../src/encoding/pem.ts'
import type { TimestampAuthority } from '../../src/rfc3161/verify.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'

export interface TsaOptions {
  /** Options of `openssl genpkey` for both keys. */
  key?: string[]
  /** Line of the leaf's extendedKeyUsage; undefined leaves it out. */
  extendedKeyUsage?: string | undefined
  /** Further lines of the leaf's extensions. */
  extensions?: string[]
  basicConstraints?: string
  /** Digest of the token's signature. */
  digest?: string
  /** Days that the leaf is valid. */
  days?: number
  /** Lines of the CA's extensions beside its constraints. */
  caExtensions?: string[]
}

/** A timestamp authority that OpenSSL runs, in a folder of its own: outside vectors for the reader. */
export class OpensslTsa {
  readonly folder = mkdtempSync(join(tmpdir(), 'signet-tsa-'))
  readonly #options: TsaOptions

  constructor(options: TsaOptions = {}) {
    this.#options = options
    const { key = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] } = options
    writeFileSync(join(this.folder, 'tsa.cnf'), this.#config())
    writeFileSync(join(this.folder, 'serial'), '01\n')
    this.run('genpkey', ...key, '-out', 'ca.key')
    this.run('genpkey', ...key, '-out', 'tsa.key')
    const ca = ['-subj', '/O=test/CN=ca', '-extensions', 'ca', '-days', '3650']
    this.run(
      'req',
      '-new',
      '-x509',
      '-config',
      'tsa.cnf',
      '-key',
      'ca.key',
      ...ca,
      '-out',
      'ca.pem',
    )
    this.run(
      'req',
      '-new',
      '-config',
      'tsa.cnf',
      '-key',
      'tsa.key',
      '-subj',
      '/CN=tsa',
      '-out',
      'csr',
    )
    const days = String(options.days ?? 365)
    const issue = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', days]
    const leaf = ['-extfile', 'tsa.cnf', '-extensions', 'leaf', '-out', 'tsa.pem']
    this.run('x509', '-req', '-in', 'csr', ...issue, ...leaf)
  }

  /** The bytes of a TimeStampResp to a request that OpenSSL or we have made. */
  reply(request: Uint8Array): Buffer {
    writeFileSync(join(this.folder, 'request.tsq'), request)
    const files = ['-queryfile', 'request.tsq', '-out', 'reply.tsr']
    this.run('ts', '-reply', '-config', 'tsa.cnf', '-section', 'tsa', ...files)
    return readFileSync(join(this.folder, 'reply.tsr'))
  }

  query(data: Uint8Array, ...options: string[]): Buffer {
    writeFileSync(join(this.folder, 'data'), data)
    this.run('ts', '-query', '-data', 'data', '-out', 'request.tsq', ...options)
    return readFileSync(join(this.folder, 'request.tsq'))
  }

  get authority(): TimestampAuthority {
    const certificate = (name: string): ReturnType<typeof parseCertificate> =>
      parseCertificate(parsePem(readFileSync(join(this.folder, name), 'utf8'), 'CERTIFICATE'))
    return {
      uri: 'https://tsa.test',
      certificates: [certificate('tsa.pem'), certificate('ca.pem')],
      validFrom: 0,
      validUntil: undefined,
    }
  }

  run(...command: string[]): string {
    const env = { PATH: process.env['PATH'] ?? '', HOME: this.folder }
    const options = { cwd: this.folder, env, stdio: 'pipe', encoding: 'utf8' } as const
    return execFileSync('openssl', command, options)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #config(): string {
    const { extensions = [], caExtensions = [], digest = 'sha256' } = this.#options
    const usage =
      'extendedKeyUsage' in this.#options ? this.#options.extendedKeyUsage : 'critical,timeStamping'
    return [
      '[req]',
      'distinguished_name = name',
      '[name]',
      '[ca]',
      'basicConstraints = critical,CA:TRUE',
      'keyUsage = critical,keyCertSign,cRLSign',
      'subjectKeyIdentifier = hash',
      ...caExtensions,
      '[leaf]',
      `basicConstraints = ${this.#options.basicConstraints ?? 'critical,CA:FALSE'}`,
      'authorityKeyIdentifier = keyid',
      ...(usage === undefined ? [] : [`extendedKeyUsage = ${usage}`]),
      ...extensions,
      '[tsa]',
      'serial = serial',
      'signer_cert = tsa.pem',
      'signer_key = tsa.key',
      'certs = ca.pem',
      `signer_digest = ${digest}`,
      'default_policy = 1.2.3.4.1',
      'digests = sha1, sha256, sha384, sha512',
      'accuracy = secs:1, millisecs:500, microsecs:100',
      'ess_cert_id_chain = no',
      'ess_cert_id_alg = sha256',
      'ordering = yes',
      'tsa_name = yes',
      '',
    ].join('\n')
  }
}
