import { describe, expect, it } from 'vitest'
import { RequestRefusal, readRequest } from '../../src/localstack/protojson.ts'
import type { Message } from '../../src/localstack/protojson.ts'

// What Fulcio 1.8.8 and rekor-tiles 2.3.0 answered to the same bodies, but for the space after "proto:",
// which is a no-break one in every other build of theirs.

const KEY: Message = { fields: { rawBytes: 'bytes' } }
const MESSAGE: Message = {
  fields: {
    digest: 'bytes',
    text: 'string',
    keyDetails: ['NONE', 'FIRST'],
    publicKey: KEY,
    x509Certificate: KEY,
  },
  oneof: { name: 'pkg.Verifier.verifier', of: ['publicKey', 'x509Certificate'] },
}

const answer = (text: string, message = MESSAGE): unknown => {
  try {
    return readRequest(text, message)
  } catch (error) {
    if (error instanceof RequestRefusal) return error.message
    throw error
  }
}

describe('readRequest()', () => {
  it.each([
    ['', {}],
    ['  ', {}],
    ['{}x', {}],
    ['{"digest":null,"text":null}', {}],
    ['{"digest":"A-_A","text":"x"} ', { digest: 'A+/A', text: 'x' }],
    ['{"digest":"AA"}', { digest: 'AA==' }],
    ['{"keyDetails":1}', { keyDetails: 'FIRST' }],
    ['{"keyDetails":99}', { keyDetails: '' }],
    ['{"public_key":{"raw_bytes":"AAAA"}}', { publicKey: { rawBytes: 'AAAA' } }],
    ['{"publicKey":null,"x509Certificate":{}}', { x509Certificate: {} }],
  ])('reads %s', (text, value) => {
    expect(answer(text)).toEqual(value)
  })

  it.each([
    ['{', 'unexpected EOF'],
    ['[1', 'unexpected EOF'],
    ['{"a"', 'unexpected EOF'],
    ['{"a":"b', 'unexpected EOF'],
    ['abc', "invalid character 'a' looking for beginning of value"],
    ['{"a":}', "invalid character '}' looking for beginning of value"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{,}', "invalid character ',' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 2}', "invalid character '2' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['[]', 'proto: syntax error (line 1:1): unexpected token ['],
    ['null', 'proto: syntax error (line 1:1): unexpected token null'],
    ['"s"', 'proto: syntax error (line 1:1): unexpected token "s"'],
    ['{"publicKey":5}', 'proto: syntax error (line 1:14): unexpected token 5'],
    ['{"publicKey":[]}', 'proto: syntax error (line 1:14): unexpected token ['],
    ['{"digest":5}', 'proto: (line 1:11): invalid value for bytes field digest: 5'],
    ['\n {"digest":"!!"}', 'proto: (line 1:11): invalid value for bytes field digest: "!!"'],
    ['{"text":{}}', 'proto: (line 1:9): invalid value for string field text: {'],
    ['{"keyDetails":"5"}', 'proto: (line 1:15): invalid value for enum field keyDetails: "5"'],
    ['{"keyDetails":1.5}', 'proto: (line 1:15): invalid value for enum field keyDetails: 1.5'],
    ['{"text":"",\n"x":[{}]}', 'proto: (line 2:1): unknown field "x"'],
    ['{"text":"","text":""}', 'proto: (line 1:12): duplicate field "text"'],
    [
      '{"publicKey":{},"x509Certificate":{}}',
      'proto: (line 1:17): error parsing "x509Certificate", oneof pkg.Verifier.verifier is already set',
    ],
  ])('refuses %s in their words', (text, message) => {
    expect(answer(text)).toBe(message)
  })

  it('passes over what an open message does not know, whatever it holds', () => {
    const text = '{"more":[{"text":[1,{"a":"]"}]}],"text":"x","last":{"a":{}}}'
    expect(answer(text, { ...MESSAGE, isOpen: true })).toEqual({ text: 'x' })
  })
})
