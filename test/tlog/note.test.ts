import { describe, expect, it } from 'vitest'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { parsePublicKey } from '../../src/crypto/keys.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { concatBytes, encodeUtf8 } from '../../src/encoding/bytes.ts'
import { encodeHex } from '../../src/encoding/hex.ts'
import { encodeCheckpoint, parseCheckpoint, verifyCheckpoint } from '../../src/tlog/checkpoint.ts'
import { signatureHash, type TransparencyLog } from '../../src/tlog/log.ts'
import { encodeNote, isKeyName, noteKeyId, parseNote } from '../../src/tlog/note.ts'
import { base64 } from './signed-objects.ts'

const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='
const TEXT = `log.test\n12\n${ROOT}\n`
const SIGNATURE = '— log.test AAECAwQ=\n'

describe('parseNote()', () => {
  it('reads the example of c2sp.org/signed-note, and encodeNote() writes it', () => {
    const text =
      'This is an example message.\n\n' +
      '— example.com/foo Uw/fnznGV3UAZ3ZRkZ1TBIbzTTNYQYWZ5XHASPTjPS3CJJLPCFB2PNnFtTYwpVbmAYLMxuQzPR1a1bkh1x+kDw==\n'
    const note = parseNote(text)
    expect(note.text).toBe('This is an example message.\n')
    expect(note.signatures.map(({ name, keyHint }) => [name, encodeHex(keyHint)])).toEqual([
      ['example.com/foo', '530fdf9f'],
    ])
    expect(encodeNote(note)).toBe(text)
  })

  it('takes the last blank line as the separator', () => {
    expect(parseNote(`a\n\nb\n\n${SIGNATURE}`).text).toBe('a\n\nb\n')
  })

  it.each([
    ['nothing', ''],
    ['no signature', `${TEXT}\n`],
    ['no blank line', `${TEXT}${SIGNATURE}`],
    ['no text', `\n\n${SIGNATURE}`],
    ['an unterminated signature', `${TEXT}\n${SIGNATURE.trimEnd()}`],
    ['a blank line after the signatures', `${TEXT}\n${SIGNATURE}\n`],
    ['text after the signatures', `${TEXT}\n${SIGNATURE}more\n`],
    ['a hyphen in place of the dash', `${TEXT}\n- log.test AAECAwQ=\n`],
    ['no name', `${TEXT}\n—  AAECAwQ=\n`],
    ['a plus in the name', `${TEXT}\n— a+b AAECAwQ=\n`],
    ['a no-break space in the name', `${TEXT}\n— a\u00a0b AAECAwQ=\n`],
    ['a third word', `${TEXT}\n— log.test AAECAwQ= x\n`],
    ['no signature bytes', `${TEXT}\n— log.test AAECAw==\n`],
    ['unpadded base64', `${TEXT}\n— log.test AAECAwQ\n`],
    ['non-canonical base64', `${TEXT}\n— log.test AAECAwR=\n`],
    ['a carriage return', `${TEXT.replace('\n', '\r\n')}\n${SIGNATURE}`],
    ['a NUL', `\0${TEXT}\n${SIGNATURE}`],
    ['a C1 control', `\u0085${TEXT}\n${SIGNATURE}`],
    ['a lone surrogate', `\ud800${TEXT}\n${SIGNATURE}`],
    ['101 signatures', `${TEXT}\n${SIGNATURE.repeat(101)}`],
    ['more than a million characters', `${'x'.repeat(1_000_000)}\n\n${SIGNATURE}`],
  ])('refuses %s', (_, text) => {
    expect(() => parseNote(text)).toThrow(expect.objectContaining({ code: 'NOTE_MALFORMED' }))
  })

  it('reads 100 signatures', () => {
    expect(parseNote(`${TEXT}\n${SIGNATURE.repeat(100)}`).signatures).toHaveLength(100)
  })
})

describe('parseCheckpoint()', () => {
  it('gives back what encodeCheckpoint() writes, extensions too', () => {
    for (const text of [TEXT, `${TEXT}Timestamp: 1689177396617352539\nother\n`]) {
      expect(encodeCheckpoint(parseCheckpoint(text))).toBe(text)
    }
  })

  it.each([
    ['nothing', ''],
    ['an empty origin', `\n12\n${ROOT}\n`],
    ['no origin', `12\n${ROOT}\n`],
    ['no size', `log.test\n${ROOT}\n`],
    ['no root hash', 'log.test\n12\n'],
    ['a size with a leading zero', `log.test\n012\n${ROOT}\n`],
    ['a negative size', `log.test\n-1\n${ROOT}\n`],
    ['a hexadecimal size', `log.test\n0x12\n${ROOT}\n`],
    ['a size with a space', `log.test\n12 \n${ROOT}\n`],
    ['a size of 2^63', `log.test\n9223372036854775808\n${ROOT}\n`],
    ['a size of 30 digits', `log.test\n${'9'.repeat(30)}\n${ROOT}\n`],
    ['a short root hash', 'log.test\n12\nAAAA\n'],
    ['a root hash in hex', `log.test\n12\n${'00'.repeat(32)}\n`],
    ['a non-canonical root hash', `log.test\n12\n${ROOT.replace('2I=', '2J=')}\n`],
    ['an empty extension', `${TEXT}\nx\n`],
    ['no final newline', TEXT.trimEnd()],
  ])('refuses %s', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_MALFORMED' }),
    )
  })

  it('takes a size of 0 and of 2^63 - 1', () => {
    expect(parseCheckpoint(`log.test\n0\n${ROOT}\n`).treeSize).toBe(0n)
    expect(parseCheckpoint(`log.test\n9223372036854775807\n${ROOT}\n`).treeSize).toBe(
      2n ** 63n - 1n,
    )
  })
})

describe('noteKeyId()', () => {
  it('is what Rekor v2 calls itself: the staging log of 2025', () => {
    const spki = base64('MCowBQYDK2VwAyEAPn+AREHoBaZ7wgS1zBqpxmLSGnyhxXj4lFxSdWVB8o8=')
    const id = noteKeyId(parsePublicKey(spki), 'log2025-alpha1.rekor.sigstage.dev')
    expect(encodeHex(id)).toBe(encodeHex(base64('8w1amZ2S5mJIQkQmPxdMuOrL/oJkvFg9MnQXmeOCXck=')))
  })
})

describe('isKeyName()', () => {
  it.each(['', 'a b', 'a+b', 'a\tb', 'a\u2003b'])('refuses %j', (name) => {
    expect(isKeyName(name)).toBe(false)
  })
})

describe('verifyCheckpoint()', () => {
  const KINDS: [string, () => { publicKey: KeyObject; privateKey: KeyObject }][] = [
    ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ]

  it.each(KINDS)('takes a %s key, of a v2 origin and of a v1 origin', (_, generate) => {
    const { publicKey, privateKey } = generate()
    const key = parsePublicKey(publicKey.export({ format: 'der', type: 'spki' }))
    const hash = signatureHash(key)
    const noteFor = (origin: string, name: string, keyId = noteKeyId(key, name)): string => {
      const text = `${origin}\n12\n${ROOT}\n`
      const signature = sign(hash === 'none' ? null : hash, encodeUtf8(text), privateKey)
      const keyHint = keyId.subarray(0, 4)
      return encodeNote({ text, signatures: [{ name, keyHint, signature }] })
    }
    const log: TransparencyLog = {
      baseUrl: 'https://log.test:3000/v2/',
      logId: noteKeyId(key, 'log.test'),
      publicKey: key,
      validFrom: 0,
      validUntil: undefined,
    }
    const verify = (note: string, of = log): bigint | string => {
      try {
        return runSync(verifyCheckpoint(note, of)).treeSize
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    const good = noteFor('log.test', 'log.test')
    expect(verify(good)).toBe(12n)
    const unspaced = 'log.test - 4242'.replaceAll(' ', '')
    expect(verify(noteFor('log.test - 4242', unspaced, key.spkiDigest))).toBe('CHECKPOINT_UNSIGNED')
    // Rekor v1 names every kind of key by its SPKI alone; a v2 log with such a key does not.
    expect(verify(noteFor('log.test - 4242', 'log.test', key.spkiDigest))).toBe(12n)
    const byOther = key.type === 'ec' ? 12n : 'CHECKPOINT_UNSIGNED'
    expect(verify(noteFor('log.test', 'log.test', key.spkiDigest))).toBe(byOther)
    expect(verify(noteFor('log.test - 4242', 'log.test'))).toBe(byOther)
    expect(verify(noteFor('log.test', 'other.test'))).toBe('CHECKPOINT_UNSIGNED')
    expect(verify(good.replace('12', '13'))).toBe('CHECKPOINT_UNSIGNED')
    const other = noteFor('other.test', 'other.test')
    // An ECDSA key ID does not hold the name: only the URL tells whose log it is.
    expect(verify(other)).toBe(key.type === 'ec' ? 'CHECKPOINT_UNSIGNED' : 12n)
    for (const origin of ['log.test', 'log.test:3000', 'log.test/v2', 'log.test:3000/v2']) {
      expect(verify(noteFor(origin, origin))).toBe(12n)
    }
    const twice = concatBytes(encodeUtf8(good), encodeUtf8(good.slice(good.indexOf('—'))))
    expect(verify(Buffer.from(twice).toString('utf8'))).toBe(12n)
  })
})
