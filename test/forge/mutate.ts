/** Systematic changes of a DER element: each node in turn, everything around it re-encoded to fit. */

interface Node {
  readonly tag: number
  /** Undefined for a constructed node. */
  readonly content?: Uint8Array
  readonly children?: readonly Node[]
}

export interface Mutation {
  /** Child numbers from the root, e.g. `1.0.4`, and what was done there. */
  readonly name: string
  readonly path: readonly number[]
  readonly bytes: Uint8Array
}

function parse(bytes: Uint8Array): Node[] {
  const nodes: Node[] = []
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0
    let length = bytes[at + 1] ?? 0
    let start = at + 2
    if (length >= 0x80) {
      const octets = length & 0x7f
      length = 0
      for (let i = 0; i < octets; i += 1) length = length * 256 + (bytes[start + i] ?? 0)
      start += octets
    }
    const content = bytes.subarray(start, start + length)
    nodes.push((tag & 0x20) === 0 ? { tag, content } : { tag, children: parse(content) })
    at = start + length
  }
  return nodes
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return [0x80 | octets.length, ...octets]
}

/** How the changed node is encoded; everything else is DER. */
type Encode = (tag: number, content: Uint8Array) => Uint8Array

const plain: Encode = (tag, content) =>
  Buffer.concat([Uint8Array.of(tag, ...lengthOctets(content.length)), content])

function encode(
  node: Node,
  path: readonly number[],
  change: (node: Node) => Uint8Array,
): Uint8Array {
  const [next, ...rest] = path
  if (next === undefined) return change(node)
  const children = (node.children ?? []).map((child, i) =>
    i === next ? encode(child, rest, change) : whole(child),
  )
  return plain(node.tag, Buffer.concat(children))
}

const content = (node: Node): Uint8Array =>
  node.content ?? Buffer.concat((node.children ?? []).map(whole))
const whole = (node: Node): Uint8Array => plain(node.tag, content(node))

const SET = 0x31

const CHANGES: Readonly<Record<string, (node: Node) => Uint8Array | undefined>> = {
  removed: () => new Uint8Array(),
  doubled: (node) => Buffer.concat([whole(node), whole(node)]),
  emptied: (node) => (content(node).length === 0 ? undefined : plain(node.tag, new Uint8Array())),
  'tag changed': (node) => plain(node.tag ^ 0x40, content(node)),
  'high tag number': (node) =>
    Buffer.concat([
      Uint8Array.of(node.tag | 0x1f, node.tag & 0x1f, ...lengthOctets(content(node).length)),
      content(node),
    ]),
  'primitive as constructed': (node) =>
    node.content === undefined ? undefined : plain(node.tag | 0x20, whole(node)),
  'length not minimal': (node) => {
    const octets = lengthOctets(content(node).length)
    const long =
      octets.length === 1 ? [0x81, ...octets] : [0x80 | octets.length, 0, ...octets.slice(1)]
    return Buffer.concat([Uint8Array.of(node.tag, ...long), content(node)])
  },
  'length indefinite': (node) =>
    node.children === undefined
      ? undefined
      : Buffer.concat([Uint8Array.of(node.tag, 0x80), content(node), Uint8Array.of(0, 0)]),
  'length of 2^63': (node) =>
    Buffer.concat([Uint8Array.of(node.tag, 0x88, 0x80, 0, 0, 0, 0, 0, 0, 0), content(node)]),
  'NULL appended inside': (node) =>
    plain(node.tag, Buffer.concat([content(node), Uint8Array.of(5, 0)])),
  'last octet cut': (node) =>
    content(node).length === 0 ? undefined : plain(node.tag, content(node).subarray(0, -1)),
  'first bit flipped': (node) => {
    if (node.content === undefined || node.content.length === 0) return undefined
    const flipped = Uint8Array.from(node.content)
    flipped[0] = (flipped[0] ?? 0) ^ 0x80
    return plain(node.tag, flipped)
  },
  'last bit flipped': (node) => {
    if (node.content === undefined || node.content.length === 0) return undefined
    const flipped = Uint8Array.from(node.content)
    flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
    return plain(node.tag, flipped)
  },
  'leading zero': (node) =>
    node.tag === 2 ? plain(2, Buffer.concat([Uint8Array.of(0), content(node)])) : undefined,
  'children reversed': (node) =>
    (node.children?.length ?? 0) < 2
      ? undefined
      : plain(node.tag, Buffer.concat([...(node.children ?? [])].reverse().map(whole))),
  'SET as SEQUENCE': (node) => (node.tag === SET ? plain(0x30, content(node)) : undefined),
}

/** Every change at every node of `bytes`, which must be one DER element. */
export function* mutateDer(bytes: Uint8Array): Generator<Mutation> {
  const [root] = parse(bytes)
  if (root === undefined) throw new Error('nothing to mutate')
  yield* visit(root, root, [])
}

function* visit(root: Node, node: Node, path: readonly number[]): Generator<Mutation> {
  for (const [what, change] of Object.entries(CHANGES)) {
    const changed = change(node)
    if (changed === undefined) continue
    yield {
      name: `${path.join('.') || 'root'} ${what}`,
      path,
      bytes: encode(root, path, () => changed),
    }
  }
  for (const [i, child] of (node.children ?? []).entries()) yield* visit(root, child, [...path, i])
}

/** The element at `path`. */
export function elementAt(bytes: Uint8Array, path: readonly number[]): Uint8Array {
  let [node] = parse(bytes)
  for (const step of path) node = node?.children?.[step]
  if (node === undefined) throw new Error('there is no such element')
  return whole(node)
}

/** `bytes` with `element` at `path`. */
export function withElement(
  bytes: Uint8Array,
  path: readonly number[],
  element: Uint8Array,
): Uint8Array {
  const [root] = parse(bytes)
  if (root === undefined) throw new Error('nothing to change')
  return encode(root, path, () => element)
}

/** `bytes` with what `other` has at `path` in that place. */
export function transplant(
  bytes: Uint8Array,
  other: Uint8Array,
  path: readonly number[],
): Uint8Array {
  return withElement(bytes, path, elementAt(other, path))
}

/** Paths of all elements of `bytes`, the root's first. */
export function pathsOf(bytes: Uint8Array): number[][] {
  const paths: number[][] = []
  const walk = (node: Node, path: number[]): void => {
    paths.push(path)
    for (const [i, child] of (node.children ?? []).entries()) walk(child, [...path, i])
  }
  for (const node of parse(bytes)) walk(node, [])
  return paths
}
