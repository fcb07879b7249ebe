/** Attacks on the object around a signature that is good by itself (attacks 34, 35, 36, 39). */
import { describe, expect, it } from 'vitest'
import { der, derOctetString, derOid, derSequence } from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'
import { runSync } from '../../src/crypto/verify.ts'
import type { Facts, ObjectFormat, ReasonCode } from '../../src/facts.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { withElement } from '../forge/mutate.ts'
import {
  PAYLOAD,
  TAG_PAYLOAD,
  TREE,
  armor,
  commitWith,
  makeCms,
  objectId,
} from '../forge/object.ts'
import { T0, bytes, sha256, trustedRootJson } from '../forge/world.ts'
import { world } from './forgeries/forgery.ts'

const roots = [parseTrustedRoot(trustedRootJson(world), 'forge')]

function verify(
  content: Uint8Array,
  type: 'commit' | 'tag' = 'commit',
  format: ObjectFormat = 'sha1',
): Facts {
  const id = objectId(type, content, format)
  return runSync(verifyObject({ id, type, format, bytes: content, idMatches: true }, roots))
}

const text = (content: Uint8Array): string => Buffer.from(content).toString('latin1')
const latin1 = (content: string): Uint8Array => Buffer.from(content, 'latin1')
/** A commit whose signature is over exactly what git hands over. */
const signed = (payload: Uint8Array): Uint8Array =>
  commitWith(armor(makeCms(world, payload)), payload)
const good = text(signed(PAYLOAD))
const other = '1'.repeat(40)

describe('attack 34: a commit of another form than git writes, its payload validly signed', () => {
  const payload = text(PAYLOAD)
  const lines: Record<string, string> = {
    'two tree headers': payload.replace('tree ', `tree ${other}\ntree `),
    'two authors': payload.replace('author ', 'author M <m@x> 0 +0000\nauthor '),
    'two committers': payload.replace('committer ', 'committer M <m@x> 0 +0000\ncommitter '),
    'two encodings': payload.replace('\n\n', '\nencoding a\nencoding b\n\n'),
    'committer before author': payload.replace(/(author.*\n)(committer.*\n)/, '$2$1'),
    'a parent after the author': payload.replace('committer ', `parent ${other}\ncommitter `),
    'a parent that is no id': payload.replace('author ', 'parent HEAD\nauthor '),
    'a header before tree': `x y\n${payload}`,
    'CR in a header': payload.replace(' +0000\ncommitter', ' +0000\r\ncommitter'),
    'NUL in a header': payload.replace('\n\n', '\nx \0\n\n'),
    'a folded author': payload.replace('\ncommitter', '\n folded\ncommitter'),
    'a header without a value': payload.replace('\n\n', '\nx\n\n'),
    'a continuation with a TAB': payload.replace('\n\n', '\nx y\n\tz\n\n'),
    'an empty tree id': payload.replace(TREE, ''),
    'a tree id in capitals': payload.replace(TREE, TREE.toUpperCase()),
  }
  it.each(Object.entries(lines))('%s', (_, changed) => {
    expect(verify(signed(latin1(changed))).codes).toEqual(['MALFORMED'])
  })

  const signature =
    /gpgsig[^]*?\n(?=\n)/.exec(text(commitWith(armor(makeCms(world, PAYLOAD)))))?.[0] ?? ''
  const headers: Record<string, string> = {
    'two signatures': good.replace('gpgsig ', `${signature}gpgsig `),
    'an empty signature before the good one': good.replace('gpgsig ', 'gpgsig \ngpgsig '),
    'a header that only starts with gpgsig': good.replace('gpgsig ', 'gpgsigX y\ngpgsig '),
    'text after the armor': good.replace(
      '-----END SIGNED MESSAGE-----\n',
      '-----END SIGNED MESSAGE-----\n x\n',
    ),
    'text before the armor': good.replace('gpgsig -', 'gpgsig x\n -'),
    'armor with CRLF': good.replace(/^( [A-Za-z0-9+/=]+)$/gm, '$1\r'),
    'armor lines of other lengths': good.replace(
      /\n ([A-Za-z0-9+/]{60})([A-Za-z0-9+/]{4})\n/,
      '\n $1\n $2\n',
    ),
    'armor with two spaces before a line': good.replace('\n M', '\n  M'),
    'armor under another label': good.replaceAll('SIGNED MESSAGE', 'PKCS7'),
  }
  it.each(Object.entries(headers))('%s', (_, changed) => {
    expect(changed).not.toBe(good)
    const { outcome, codes } = verify(latin1(changed))
    expect({ outcome, codes }).toEqual({ outcome: 'bad', codes: ['MALFORMED'] })
  })

  it('a signature after the blank line, or inside the message, is none', () => {
    const inMessage = `${payload}gpgsig ${armor(makeCms(world, PAYLOAD)).replaceAll('\n', '\n ')}`
    expect(verify(latin1(inMessage)).codes).toEqual(['UNSIGNED'])
    expect(verify(latin1(payload + armor(makeCms(world, PAYLOAD)))).codes).toEqual(['UNSIGNED'])
    expect(verify(latin1(good.replace('gpgsig ', '\ngpgsig '))).codes).toEqual(['UNSIGNED'])
  })

  it('a changed byte anywhere in the payload, CR, a missing last newline: BAD_SIGNATURE', () => {
    for (const changed of [
      good.replace('forge\n', 'forge'),
      good.replace('forge\n', 'forge\r\n'),
      good.replace('forge', 'forgf'),
      good.replace(TREE, other),
      good.replace('Alice <', 'Malice <'),
    ]) {
      expect(verify(latin1(changed)).codes).toEqual(['BAD_SIGNATURE'])
    }
  })

  it('an object under another id is MALFORMED', () => {
    const content = signed(PAYLOAD)
    const object = {
      id: other,
      type: 'commit',
      format: 'sha1',
      bytes: content,
      idMatches: false,
    } as const
    expect(runSync(verifyObject(object, roots)).codes).toEqual(['MALFORMED'])
  })
})

describe('attack 34: a tag of another form', () => {
  const payload = text(TAG_PAYLOAD)
  const signedTag = (content: string): Uint8Array =>
    latin1(content + armor(makeCms(world, latin1(content))))
  const forms: Record<string, string> = {
    'two objects': payload.replace('object ', `object ${other}\nobject `),
    'two names': payload.replace('tag v1', 'tag v2\ntag v1'),
    'no tagger': payload.replace(/tagger.*\n/, ''),
    'type before object': payload.replace(/(object.*\n)(type.*\n)/, '$2$1'),
    'another type': payload.replace('type tree', 'type note'),
    'an empty name': payload.replace('tag v1', 'tag '),
  }
  it.each(Object.entries(forms))('%s', (_, changed) => {
    expect(verify(signedTag(changed), 'tag').codes).toEqual(['MALFORMED'])
  })

  it('text after the signature is MALFORMED, before it BAD_SIGNATURE', () => {
    const tag = text(signedTag(payload))
    expect(verify(latin1(tag), 'tag').outcome).toBe('proven')
    expect(verify(latin1(`${tag}x\n`), 'tag').codes).toEqual(['MALFORMED'])
    expect(verify(latin1(tag.replace('forge\n', 'forge\nx\n')), 'tag').codes).toEqual([
      'BAD_SIGNATURE',
    ])
  })
})

describe('attack 35: signed attributes', () => {
  it('that are missing are MALFORMED, even where the signature is over the payload itself', () => {
    const cms = makeCms(world, PAYLOAD, { log: null, signedOver: () => PAYLOAD })
    const stripped = withElement(cms, [1, 0, 4, 0, 3], new Uint8Array())
    expect(verify(commitWith(armor(stripped))).codes).toEqual(['MALFORMED'])
  })

  it('shown as attached content, with a signature over them, are MALFORMED', () => {
    const attributes = derSequence(derOid(OID.messageDigest), derOctetString(sha256(PAYLOAD)))
    const cms = makeCms(world, PAYLOAD, { eContent: der(0x31, attributes) })
    expect(verify(commitWith(armor(cms))).codes).toEqual(['MALFORMED'])
  })
})

describe('attack 39: both signature headers', () => {
  const payload = latin1(
    text(PAYLOAD).replace(
      TREE,
      sha256(bytes('tree')).reduce((all, byte) => all + byte.toString(16).padStart(2, '0'), ''),
    ),
  )
  const header = (name: string, over: Uint8Array): string =>
    `${name} ${armor(makeCms(world, over)).trimEnd().replaceAll('\n', '\n ')}\n`
  const commit = (content: Uint8Array, ...headers: string[]): Uint8Array =>
    latin1(text(content).replace('\n\n', `\n${headers.join('')}\n`))
  const codes = (content: Uint8Array, format: ObjectFormat): ReasonCode[] =>
    verify(content, 'commit', format).codes

  it('only that of the repository’s own hash counts', () => {
    expect(codes(commit(payload, header('gpgsig-sha256', payload)), 'sha256')).toEqual([])
    expect(codes(commit(PAYLOAD, header('gpgsig', PAYLOAD)), 'sha1')).toEqual([])
    expect(codes(commit(payload, header('gpgsig', payload)), 'sha256')).toEqual(['UNSIGNED'])
    expect(codes(commit(PAYLOAD, header('gpgsig-sha256', PAYLOAD)), 'sha1')).toEqual(['UNSIGNED'])
  })

  it('a good one of the other hash does not make up for a bad one', () => {
    const wrong = bytes(`x ${String(T0)}`)
    const both = commit(PAYLOAD, header('gpgsig', wrong), header('gpgsig-sha256', PAYLOAD))
    expect(codes(both, 'sha1')).toEqual(['BAD_SIGNATURE'])
  })
})
