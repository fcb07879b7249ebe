import { describe, expect, it } from 'vitest'
import { concatBytes, decodeUtf8, encodeUtf8 } from '../../src/encoding/bytes.ts'
import { decodeBase64, decodeBase64Url, encodeBase64 } from '../../src/encoding/base64.ts'
import { canonicalJson } from '../../src/encoding/canonical-json.ts'
import { escapeStatus, escapeText } from '../../src/encoding/escape.ts'
import { decodeHex } from '../../src/encoding/hex.ts'
import { parseJson } from '../../src/encoding/json.ts'
import { encodePem, parsePem, parsePemBundle } from '../../src/encoding/pem.ts'
import { bytesField, encodeVarint, readMessage, varintField } from '../../src/encoding/protobuf.ts'
import { isoTime } from '../../src/encoding/time.ts'

const code = (value: string): unknown => expect.objectContaining({ code: value })

describe('decodeBase64()', () => {
  it('has one accepted spelling a value', () => {
    expect(decodeBase64('AQ==')).toEqual(Buffer.from([1]))
    expect(decodeBase64('')).toEqual(Buffer.alloc(0))
    for (const text of ['AQ', 'AQ=', 'AR==', ' AQ==', 'AQ==\n', 'A-_A', 'AQ==AQ==', '====']) {
      expect(decodeBase64(text), text).toBeUndefined()
    }
    expect(decodeBase64Url('AQ')).toEqual(Buffer.from([1]))
    expect(decodeBase64Url('AQ==')).toBeUndefined()
  })
})

describe('decodeHex()', () => {
  it('reads lower case only', () => {
    expect(decodeHex('00ff')).toEqual(Buffer.from([0, 255]))
    for (const text of ['0', 'FF', '0g', '0x00', ' 00'])
      expect(decodeHex(text), text).toBeUndefined()
  })
})

describe('decodeUtf8()', () => {
  it('refuses ill-formed text and keeps a byte order mark', () => {
    expect(decodeUtf8(Uint8Array.of(0xc0, 0x80))).toBeUndefined()
    expect(decodeUtf8(Uint8Array.of(0xed, 0xa0, 0x80))).toBeUndefined()
    expect(decodeUtf8(encodeUtf8('\ufeffa'))).toBe('\ufeffa')
  })
})

describe('parsePem()', () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i)
  const pem = encodePem('SIGNED MESSAGE', bytes)

  it('reads what encodePem() writes, with or without the final LF', () => {
    expect(Buffer.from(parsePem(pem, 'SIGNED MESSAGE'))).toEqual(Buffer.from(bytes))
    expect(parsePem(pem.slice(0, -1), 'SIGNED MESSAGE')).toHaveLength(100)
  })

  it.each([
    ['another label', pem.replaceAll('SIGNED MESSAGE', 'CMS')],
    ['text before', `x\n${pem}`],
    ['text after', `${pem}x`],
    ['two blocks', pem + pem],
    ['CRLF', pem.replaceAll('\n', '\r\n')],
    ['other columns', pem.replace(/^(.{64})\n/m, (_, line: string) => `${line.slice(0, 60)}\n`)],
    ['a header', pem.replace('-----\n', '-----\nProc-Type: 4\n\n')],
    ['an empty body', encodePem('SIGNED MESSAGE', new Uint8Array())],
  ])('rejects %s', (_, text) => {
    expect(() => parsePem(text, 'SIGNED MESSAGE')).toThrow(code('PEM_MALFORMED'))
  })
})

describe('parsePemBundle()', () => {
  it('reads several blocks with text between them and refuses another label', () => {
    const one = encodePem('CERTIFICATE', Uint8Array.of(1))
    expect(parsePemBundle(`subject=a\n${one}\r\n${one}`, 'CERTIFICATE')).toHaveLength(2)
    const key = encodePem('PRIVATE KEY', Uint8Array.of(1))
    expect(() => parsePemBundle(one + key, 'CERTIFICATE')).toThrow(code('PEM_MALFORMED'))
    expect(() => parsePemBundle('', 'CERTIFICATE')).toThrow(code('PEM_MALFORMED'))
  })
})

describe('parseJson()', () => {
  it('refuses a member name that occurs twice, however it is spelled', () => {
    expect(parseJson('{"a":[{"a":1},{"a":":"}],"b":{"a":"a"}}', 'x')).toBeTruthy()
    for (const text of ['{"a":1,"a":1}', '{"x":{"a":1,"\\u0061":2}}', '{"a":{"b":1},"a":2}']) {
      expect(() => parseJson(text, 'x'), text).toThrow(code('JSON_MALFORMED'))
    }
  })

  it('does not repeat the text it could not read', () => {
    expect(() => parseJson('{"secret', 'token')).toThrow('cannot read token: it is not JSON')
  })
})

describe('canonicalJson()', () => {
  it('gives the form of RFC 8785 §3.2', () => {
    const value = {
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    }
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
    expect(canonicalJson({ '\u20ac': 1, '\r': 2, '1': 3, '\ud83d\ude00': 4, '\ufb33': 5 })).toBe(
      '{"\\r":2,"1":3,"€":1,"😀":4,"\ufb33":5}',
    )
  })
})

describe('readMessage()', () => {
  it('reads what the writers write', () => {
    const fields = readMessage(
      concatBytes(varintField(1, 2345438208n), bytesField(2, 'x'), varintField(7, 2n ** 64n - 1n)),
    )
    expect(fields).toEqual([
      { number: 1, wireType: 0, varint: 2345438208n },
      { number: 2, wireType: 2, bytes: encodeUtf8('x') },
      { number: 7, wireType: 0, varint: 2n ** 64n - 1n },
    ])
  })

  it.each([0n, 127n, 128n, 2n ** 49n - 1n, 2n ** 49n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])(
    'reads the varint %s',
    (varint) => {
      expect(readMessage(varintField(1, varint))).toEqual([{ number: 1, wireType: 0, varint }])
    },
  )

  it.each([
    ['a cut varint', [0x08, 0x80]],
    ['a varint that is not minimal', [0x08, 0x81, 0x00]],
    ['a varint of more than 64 bits', [0x08, ...Array<number>(9).fill(0xff), 0x02]],
    ['a varint of eleven bytes', [0x08, ...Array<number>(10).fill(0xff), 0x01]],
    ['a length past the end', [0x12, 0x02, 0x00]],
    ['a length of 2^63', [0x12, ...encodeVarint(2n ** 63n)]],
    ['a group', [0x0b]],
    ['field number 0', [0x00, 0x00]],
  ])('rejects %s', (_, bytes) => {
    expect(() => readMessage(Uint8Array.from(bytes))).toThrow(code('PROTOBUF_MALFORMED'))
  })
})

describe('isoTime()', () => {
  it.each([
    0, -1, 999, 1_000, 951_782_399_999, 951_782_400_000, 253_402_300_799_999, 253_402_300_800_000,
  ])('writes %s as Date does, without an empty fraction', (ms) => {
    expect(isoTime(ms)).toBe(new Date(ms).toISOString().replace('.000Z', 'Z'))
  })

  it('refuses what no Date can hold', () => {
    expect(() => isoTime(Number.NaN)).toThrow(RangeError)
  })
})

describe('escapeText()', () => {
  it('leaves nothing that a terminal would act on', () => {
    expect(escapeText('\u001b[31m\r\n\u202e\u200b\ud800x\u{e0041}\\u{1b}')).toBe(
      '\\u{1b}[31m\\u{d}\\u{a}\\u{202e}\\u{200b}\\u{d800}x\\u{e0041}\\\\u{1b}',
    )
    expect(escapeText('Zoë 山田 😀')).toBe('Zoë 山田 😀')
    expect(escapeText('a'.repeat(1 << 20))).toHaveLength(201)
  })
})

describe('escapeStatus()', () => {
  it('cannot start a second status line', () => {
    expect(escapeStatus('a\n[GNUPG:] TRUST_FULLY 100%\u0085')).toBe(
      'a%0A[GNUPG:] TRUST_FULLY 100%25%C2%85',
    )
  })
})

describe('encodeBase64()', () => {
  it('writes a view of a larger buffer as the view', () => {
    expect(encodeBase64(Uint8Array.of(0, 1, 2).subarray(1, 2))).toBe('AQ==')
  })
})
