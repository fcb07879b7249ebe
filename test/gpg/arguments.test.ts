import { describe, expect, test } from 'vitest'
import { parseGpgArguments } from '../../src/gpg/arguments.ts'

const sign = { mode: 'sign', armor: true, signingKey: 'KEY', statusFd: 2 }
const verify = { mode: 'verify', signatureFile: 'FILE', payloadFile: undefined, statusFd: 1 }

describe('parseGpgArguments()', () => {
  test.each([
    ['--status-fd=2 -bsau KEY', sign],
    ['--status-fd 2 -bsau KEY', sign],
    ['--status-fd=2 -bsauKEY', sign],
    ['--status-fd=2 -b -s -a -u KEY', sign],
    ['--status-fd=2 --sign --detach-sign --armor --local-user KEY', sign],
    ['--status-fd=2 --detached-sign --armor --local-user=KEY', sign],
    ['--keyid-format long --include-certs -2 --status-fd=2 --no-tty -qbsau KEY', sign],
    ['--status-fd=2 -abu KEY -', sign],
    ['-bs', { ...sign, armor: false, signingKey: undefined, statusFd: undefined }],
    ['--status-fd=1 --verify FILE -', verify],
    ['--status-fd=1 -v FILE -', verify],
    ['--keyid-format=long --status-fd=1 --verify FILE -', verify],
    ['--status-fd=1 --verify -- FILE -', verify],
    ['--verify FILE PAYLOAD', { ...verify, payloadFile: 'PAYLOAD', statusFd: undefined }],
  ])('reads %s', (line, call) => {
    expect(parseGpgArguments(line.split(' '))).toEqual(call)
  })

  test('keeps a signing key with spaces in one piece', () => {
    const call = parseGpgArguments(['--status-fd=2', '-bsau', 'Alice Doe <alice@example.org>'])
    expect(call).toMatchObject({ signingKey: 'Alice Doe <alice@example.org>' })
  })

  test.each([
    '',
    '--status-fd=1',
    '-s',
    '-bsau',
    '--status-fd',
    '--status-fd=one -bs',
    '--status-fd=-1 -bs',
    '--verify FILE',
    '--verify FILE - MORE',
    '--verify -b FILE -',
    '-bs FILE',
  ])('refuses "%s"', (line) => {
    expect(() => parseGpgArguments(line.split(' ').filter(Boolean))).toThrow(
      expect.objectContaining({ code: 'GPG_ARGUMENTS', exit: 2 }),
    )
  })
})
