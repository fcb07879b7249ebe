import { describe, expect, test } from 'vitest'
import { MalformedError } from '../../src/errors.ts'
import { parsePushCertificate } from '../../src/git/push-certificate.ts'
import { readShared, sharedFolder } from '../shared.ts'

const zero = '0'.repeat(40)
const one = '1'.repeat(40)
const armor = '-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n'
const head = 'certificate version 0.1\npusher a <a> 1 +0000\npushee u\nnonce n\n'

describe('parsePushCertificate()', () => {
  test('reads headers, options and commands; the signature is not part of the payload', () => {
    const text = `${head}push-option a\npush-option b\n\n${zero} ${one} refs/heads/m\xe4in\n`
    const parsed = parsePushCertificate(Buffer.from(text + armor, 'latin1'), 'sha1')
    expect(parsed).toMatchObject({ pushee: 'u', nonce: 'n', options: ['a', 'b'] })
    expect(parsed.commands).toEqual([{ before: zero, after: one, ref: 'refs/heads/m\xe4in' }])
    expect(Buffer.from(parsed.split.payload).toString('latin1')).toBe(text)
    expect(Buffer.from(parsed.split.signature ?? '').toString()).toBe(armor)
  })

  test.each([
    ['another version', `certificate version 0.2\npusher a\n\n${zero} ${one} r\n`],
    ['no pusher', `certificate version 0.1\nnonce n\n\n${zero} ${one} r\n`],
    ['two nonces', `${head}nonce m\n\n${zero} ${one} r\n`],
    ['an unknown header', `${head}more x\n\n${zero} ${one} r\n`],
    ['a folded header', `${head}push-option a\n b\n\n${zero} ${one} r\n`],
    ['a short id', `${head}\n${zero} 11 r\n`],
    ['a command without ref', `${head}\n${zero} ${one}\n`],
    ['two commands for one ref', `${head}\n${zero} ${one} r\n${one} ${zero} r\n`],
    ['an unterminated command', `${head}\n${zero} ${one} r`],
  ])('refuses %s', (_, text) => {
    expect(() => parsePushCertificate(Buffer.from(text), 'sha1')).toThrow(MalformedError)
  })

  test.skipIf(sharedFolder === undefined)('reads a real one (needs ../shared)', () => {
    const parsed = parsePushCertificate(readShared('interop/push-certificate.txt'), 'sha1')
    expect(parsed.commands.map(({ ref }) => ref)).toEqual(['refs/heads/main'])
    expect(parsed.split.signatureKind).toBe('x509')
  })
})
