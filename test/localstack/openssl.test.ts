import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { newSigner } from './client.ts'

describe('openssl accepts what the local stack issues', () => {
  let stack: LocalStack
  const openssl = (...args: string[]): string =>
    execFileSync('openssl', args, { cwd: stack.directory, encoding: 'utf8', stdio: 'pipe' })

  beforeAll(async () => {
    stack = await startLocalStack({ port: 0, test: true })
  })

  afterAll(async () => {
    await stack.close()
  })

  test('a signing certificate chains to the root through the intermediate', async () => {
    const { chain } = await newSigner(stack)
    const [leaf = '', intermediate = '', root = ''] = chain
    writeFileSync(join(stack.directory, 'leaf.pem'), `${leaf}\n`)
    writeFileSync(join(stack.directory, 'intermediate.pem'), `${intermediate}\n`)
    writeFileSync(join(stack.directory, 'root.pem'), `${root}\n`)
    const verified = openssl(
      ...['verify', '-x509_strict', '-purpose', 'any', '-CAfile', 'root.pem'],
      ...['-untrusted', 'intermediate.pem', 'leaf.pem'],
    )
    expect(verified).toBe('leaf.pem: OK\n')
    const text = openssl('x509', '-in', 'leaf.pem', '-noout', '-text')
    expect(text).toContain('Issuer: O = git-signet LOCAL, CN = fulcio intermediate')
    expect(text).toContain('Subject: \n')
    expect(text).toContain('X509v3 Subject Alternative Name: critical\n')
    expect(text).toContain('email:alice@example.com')
    expect(text).toContain('Signed Certificate Timestamp:')
  })

  test.each(['-sha256', '-sha384', '-sha512'])('a timestamp over %s', async (hash) => {
    writeFileSync(join(stack.directory, 'data'), 'what is stamped')
    openssl('ts', '-query', '-data', 'data', hash, '-cert', '-out', 'query.tsq')
    const response = await fetch(stack.tsaUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/timestamp-query' },
      body: new Uint8Array(readFileSync(join(stack.directory, 'query.tsq'))),
    })
    expect(response.headers.get('content-type')).toBe('application/timestamp-reply')
    writeFileSync(join(stack.directory, 'reply.tsr'), Buffer.from(await response.arrayBuffer()))
    const args = ['-in', 'reply.tsr', '-CAfile', 'tsa-chain.pem']
    openssl('ts', '-verify', '-queryfile', 'query.tsq', ...args)
    openssl('ts', '-verify', '-data', 'data', ...args)
    writeFileSync(join(stack.directory, 'data'), 'something else')
    expect(() => openssl('ts', '-verify', '-data', 'data', ...args)).toThrow(
      /message imprint mismatch/,
    )
  })

  test('a timestamp without certificate, with the chain given', async () => {
    writeFileSync(join(stack.directory, 'data'), 'what is stamped')
    openssl('ts', '-query', '-data', 'data', '-sha256', '-no_nonce', '-out', 'query.tsq')
    const response = await fetch(stack.tsaUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/timestamp-query' },
      body: new Uint8Array(readFileSync(join(stack.directory, 'query.tsq'))),
    })
    const reply = Buffer.from(await response.arrayBuffer())
    expect(reply.includes('timestamp root')).toBe(true)
    expect(reply.length).toBeLessThan(800)
    writeFileSync(join(stack.directory, 'reply.tsr'), reply)
    openssl(
      ...['ts', '-verify', '-queryfile', 'query.tsq', '-in', 'reply.tsr'],
      ...['-CAfile', 'tsa-chain.pem', '-untrusted', 'tsa-chain.pem'],
    )
  })
})
