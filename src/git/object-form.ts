import { latin1 } from '../encoding/bytes.ts'
import { LIMITS } from '../encoding/limits.ts'
import type { ObjectFormat } from '../facts.ts'
import { signatureHeader, type ObjectHeader, type SplitObject } from './split.ts'

/** A commit's own headers: hex ids as text, everything else raw. */
export interface CommitFields {
  readonly tree: string
  readonly parents: readonly string[]
  readonly author: Uint8Array
  readonly committer: Uint8Array
  readonly encoding: Uint8Array | undefined
}

/** A tag's own headers. */
export interface TagFields {
  readonly object: string
  readonly targetType: string
  readonly name: Uint8Array
  readonly tagger: Uint8Array
}

/** Something for which an object is refused as MALFORMED although git may go on. */
export interface FormFinding {
  readonly rule:
    | 'header-order'
    | 'header-count'
    | 'header-value'
    | 'header-syntax'
    | 'signature-header'
    | 'signature-place'
  /** Names no bytes of the object. */
  readonly detail: string
}

const idLength: Readonly<Record<ObjectFormat, number>> = { sha1: 40, sha256: 64 }
const targetTypes = new Set(['commit', 'tag', 'tree', 'blob'])
const foldable = new Set(['gpgsig', 'gpgsig-sha256', 'mergetag'])

/** Whether `text` is a full object id as git prints it. */
export function isObjectId(text: string, format: ObjectFormat): boolean {
  return text.length === idLength[format] && /^[0-9a-f]*$/.test(text)
}

/** The id of all zeros: no object. */
export function zeroId(format: ObjectFormat): string {
  return '0'.repeat(idLength[format])
}

/**
 * Fields of a commit, each the first header of its name; undefined where one is missing or an id is no
 * id. Only a commit without findings has these fields beyond doubt.
 */
export function commitFields(object: SplitObject): CommitFields | undefined {
  const tree = valueOf(object, 'tree')
  const author = valueOf(object, 'author')
  const committer = valueOf(object, 'committer')
  if (tree === undefined || author === undefined || committer === undefined) return undefined
  const parents: string[] = []
  for (const { name, value } of object.headers) if (name === 'parent') parents.push(latin1(value))
  const ids = [latin1(tree), ...parents]
  if (!ids.every((id) => isObjectId(id, object.format))) return undefined
  return { tree: latin1(tree), parents, author, committer, encoding: valueOf(object, 'encoding') }
}

/** Fields of a tag, each the first header of its name; undefined where one is missing. */
export function tagFields(object: SplitObject): TagFields | undefined {
  const target = valueOf(object, 'object')
  const targetType = valueOf(object, 'type')
  const name = valueOf(object, 'tag')
  const tagger = valueOf(object, 'tagger')
  if (!target || !targetType || !name || !tagger) return undefined
  if (!isObjectId(latin1(target), object.format)) return undefined
  return { object: latin1(target), targetType: latin1(targetType), name, tagger }
}

/**
 * Everything for which a commit or tag is refused as MALFORMED: policy.md §4.1, and forms in which the
 * readers of git objects disagree. Push certificates have their own reader.
 */
export function objectFindings(object: SplitObject): FormFinding[] {
  const findings: FormFinding[] = []
  const find = (rule: FormFinding['rule'], detail: string): void => {
    findings.push({ rule, detail })
  }
  if (object.type === 'push-certificate') return findings
  if (object.headers.length > LIMITS.headers) {
    find('header-count', 'more headers than are read')
    return findings
  }
  checkSyntax(object, find)
  checkSignatureHeaders(object, find)
  if (object.type === 'commit') checkCommit(object, find)
  else checkTag(object, find)
  if (object.signatureKind === 'unknown')
    find('signature-header', 'signature is no armor git knows')
  return findings
}

type Find = (rule: FormFinding['rule'], detail: string) => void

function checkSyntax(object: SplitObject, find: Find): void {
  for (const header of object.headers) {
    const { name, value } = header
    if (!header.hasValue) find('header-syntax', 'header without a value')
    else if (!/^[!-~]+$/.test(name)) find('header-syntax', 'header name is not printable ASCII')
    if (!header.terminated) find('header-syntax', 'last header is not terminated')
    if (value.includes(0)) find('header-syntax', 'NUL in a header')
    const folded = value.indexOf(0x0a)
    const firstLine = folded === -1 ? value : value.subarray(0, folded)
    // A tag merged in may have CR in its message; nowhere else does anything write one.
    if ((name === 'mergetag' ? firstLine : value).includes(0x0d)) {
      find('header-syntax', 'CR in a header')
    }
  }
}

function checkSignatureHeaders(object: SplitObject, find: Find): void {
  let own = 0
  let other = 0
  for (const { name, value, hasValue } of object.headers) {
    if (!name.startsWith('gpgsig')) continue
    if (!foldable.has(name)) find('signature-header', 'unknown header that starts with gpgsig')
    else if (name === signatureHeader(object.format)) own++
    else other++
    if (hasValue && value.length === 0) find('signature-header', 'signature header is empty')
  }
  if (own > 1 || other > 1) find('header-count', 'two signature headers of one kind')
  if (object.type === 'tag' && own > 0) {
    // The signature of a tag in its own hash follows the message; git drops such a header unread.
    find('signature-header', 'signature header in a tag')
  }
}

function checkCommit(object: SplitObject, find: Find): void {
  let parents = 0
  while (object.headers[parents + 1]?.name === 'parent') parents++
  const names: string[] = object.headers.slice(0, parents + 3).map((header) => header.name)
  const expected = ['tree', ...Array<string>(parents).fill('parent'), 'author', 'committer']
  if (names.join(' ') !== expected.join(' ')) {
    find('header-order', 'tree, parents, author and committer do not come first in this order')
  }
  checkSingle(object.headers, ['tree', 'author', 'committer', 'encoding'], find)
  for (const header of object.headers.slice(parents + 3)) {
    if (header.name === 'parent') find('header-order', 'parent after other headers')
  }
  for (const { name, value } of object.headers) {
    if (name === 'tree' || name === 'parent') {
      if (!isObjectId(latin1(value), object.format)) {
        find('header-value', `${name} is no object id`)
      }
    } else if (name === 'author' || name === 'committer' || name === 'encoding') {
      if (value.includes(0x0a)) find('header-syntax', `${name} is folded`)
    }
  }
}

function checkTag(object: SplitObject, find: Find): void {
  const names = object.headers.slice(0, 4).map((header) => header.name)
  if (names.join(' ') !== 'object type tag tagger') {
    find('header-order', 'object, type, tag and tagger do not come first in this order')
  }
  checkSingle(object.headers, ['object', 'type', 'tag', 'tagger'], find)
  for (const { name, value } of object.headers.slice(0, 4)) {
    if (value.includes(0x0a)) find('header-syntax', `${name} is folded`)
    if (name === 'object' && !isObjectId(latin1(value), object.format)) {
      find('header-value', 'object is no object id')
    }
    if (name === 'type' && !targetTypes.has(latin1(value))) {
      find('header-value', 'type is no object type')
    }
    if (name === 'tag' && value.length === 0) find('header-value', 'tag has no name')
  }
  if (object.signature !== undefined && !object.hasBlankLine) {
    find('signature-place', 'signature starts inside the headers')
  }
}

function checkSingle(headers: readonly ObjectHeader[], names: readonly string[], find: Find): void {
  for (const name of names) {
    let count = 0
    for (const header of headers) if (header.name === name) count++
    if (count > 1) find('header-count', `two ${name} headers`)
  }
}

function valueOf(object: SplitObject, name: string): Uint8Array | undefined {
  for (const header of object.headers) {
    if (header.name === name && header.hasValue) return header.value
  }
  return undefined
}
