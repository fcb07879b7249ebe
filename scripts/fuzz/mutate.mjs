// Changes to an input that readers of binary and text formats stumble over.

const INTERESTING = [0x00, 0x01, 0x0a, 0x20, 0x2d, 0x30, 0x31, 0x7f, 0x80, 0x84, 0xa0, 0xff]
const TOKENS = [
  '\n',
  '\n\n',
  '\n ',
  '\r\n',
  '\0',
  '— ',
  'gpgsig ',
  'gpgsig-sha256 ',
  '-----BEGIN SIGNED MESSAGE-----\n',
  '-----END SIGNED MESSAGE-----\n',
  '[GNUPG:] GOODSIG ',
  '\u2028',
  '\u202e',
  '9223372036854775808',
  '--status-fd=',
  '--verify',
  '{}',
  'null',
  '\x30\x80',
  '\x00\x00',
  '\x05\x00',
  '\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01',
].map((token) => Buffer.from(token, 'utf8'))

/** xorshift32: the same seed gives the same run. */
export class Random {
  #state

  constructor(seed) {
    this.#state = seed >>> 0 || 1
  }

  below(limit) {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x >>> 0
    return this.#state % limit
  }

  pick(list) {
    return list[this.below(list.length)]
  }
}

function splice(input, at, remove, insert) {
  return Buffer.concat([input.subarray(0, at), insert, input.subarray(at + remove)])
}

const CHANGES = [
  (random, input) => {
    const changed = Buffer.from(input)
    changed[random.below(input.length)] ^= 1 << random.below(8)
    return changed
  },
  (random, input) => {
    const changed = Buffer.from(input)
    changed[random.below(input.length)] = random.pick(INTERESTING)
    return changed
  },
  (random, input) => {
    const changed = Buffer.from(input)
    changed[random.below(input.length)] += random.below(2) === 0 ? 1 : 255
    return changed
  },
  // cut at the end, in the middle, at the start
  (random, input) => input.subarray(0, random.below(input.length)),
  (random, input) => {
    const at = random.below(input.length)
    return splice(input, at, 1 + random.below(Math.min(32, input.length - at)), Buffer.alloc(0))
  },
  (random, input) => input.subarray(random.below(input.length)),
  // double a piece, move a piece
  (random, input) => {
    const at = random.below(input.length)
    const piece = input.subarray(at, at + 1 + random.below(64))
    return splice(input, random.below(input.length), 0, piece)
  },
  (random, input) => {
    const at = random.below(input.length)
    return splice(input, at, 0, Buffer.alloc(1 + random.below(16), random.pick(INTERESTING)))
  },
  (random, input) => splice(input, random.below(input.length + 1), 0, random.pick(TOKENS)),
  (random, input) => {
    const token = random.pick(TOKENS)
    return splice(input, random.below(input.length), token.length, token)
  },
  // a piece of another input
  (random, input, other) => {
    const at = random.below(other.length || 1)
    const piece = other.subarray(at, at + 1 + random.below(128))
    return splice(input, random.below(input.length), random.below(2) * piece.length, piece)
  },
  (random, input, other) =>
    Buffer.concat([
      input.subarray(0, random.below(input.length)),
      other.subarray(random.below(other.length || 1)),
    ]),
  // a DER length and what it covers, changed together
  (random, input) => {
    const at = random.below(input.length)
    const length = input[at + 1] ?? 0
    if (length >= 0x7f || at + 2 + length > input.length) return input
    return splice(
      input,
      at + 1,
      1 + length,
      Buffer.from([0x81, length, ...input.subarray(at + 2, at + 2 + length)]),
    )
  },
  (random, input) => {
    const at = random.below(input.length)
    const length = input[at + 1] ?? 0
    if (length >= 0x7f || at + 2 + length > input.length) return input
    const content = input.subarray(at + 2, at + 2 + length)
    return splice(input, at + 1, 1 + length, Buffer.from([length + 1, ...content, 0]))
  },
]

/** One to four changes, one on top of the other. */
export function mutate(random, input, other, maxLength) {
  let changed = Buffer.from(input)
  for (let count = 1 + random.below(4); count > 0; count -= 1) {
    if (changed.length === 0) changed = Buffer.from([random.pick(INTERESTING)])
    changed = random.pick(CHANGES)(random, changed, other)
  }
  return changed.subarray(0, maxLength)
}
