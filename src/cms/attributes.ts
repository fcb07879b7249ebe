import { DerReader, TAG } from '../asn1/der.ts'
import { compareBytes } from '../encoding/bytes.ts'
import { LIMITS } from '../encoding/limits.ts'
import { MalformedError } from '../errors.ts'

/** One attribute of a signer (RFC 5652 §5.3), signed or unsigned. */
export interface Attribute {
  readonly type: string
  /** DER of each value. */
  readonly values: readonly Uint8Array[]
  /** The whole element. */
  readonly bytes: Uint8Array
}

/**
 * Reads the content of a SET OF Attribute. Order and duplicates are left to the caller.
 *
 * @throws MalformedError DER_MALFORMED, CMS_MALFORMED
 */
export function readAttributes(content: Uint8Array): Attribute[] {
  const set = new DerReader(content)
  const attributes: Attribute[] = []
  while (!set.done) {
    if (attributes.length === LIMITS.attributes) throw malformed('there are too many attributes')
    const element = set.next(TAG.sequence)
    const fields = new DerReader(element.content)
    const type = fields.oid()
    const list = fields.set()
    fields.end()
    const values: Uint8Array[] = []
    while (!list.done) {
      if (values.length === LIMITS.attributes) throw malformed('an attribute has too many values')
      values.push(list.element())
    }
    attributes.push({ type, values, bytes: element.bytes })
  }
  return attributes
}

/**
 * The one value of the one attribute of this type.
 *
 * @returns undefined where there is no such attribute
 * @throws MalformedError CMS_MALFORMED where it is there twice or has not one value
 */
export function singleValue(
  attributes: readonly Attribute[],
  type: string,
  name: string,
): Uint8Array | undefined {
  const found = attributes.filter((attribute) => attribute.type === type)
  const [attribute] = found
  if (attribute === undefined) return undefined
  const [value] = attribute.values
  if (found.length !== 1) throw malformed(`attribute ${name} is there twice`)
  if (value === undefined || attribute.values.length !== 1) {
    throw malformed(`attribute ${name} does not have one value`)
  }
  return value
}

/** Whether elements stand as a SET OF has them in DER: sorted by encoding (X.690 §11.6). */
export function isSorted(elements: readonly Uint8Array[]): boolean {
  return elements.every((element, i) => {
    const next = elements[i + 1]
    return next === undefined || compareBytes(element, next) <= 0
  })
}

export function malformed(why: string): MalformedError {
  return new MalformedError('CMS_MALFORMED', `cannot read CMS: ${why}`)
}
