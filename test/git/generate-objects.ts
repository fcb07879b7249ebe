import type { ObjectFormat } from '../../src/facts.ts'

/** mulberry32: the same seed gives the same objects everywhere. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0]
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }
}

const armorLabels = ['SIGNED MESSAGE', 'PGP SIGNATURE', 'PGP MESSAGE'] as const
const strangeArmors = [
  '-----BEGIN CERTIFICATE-----',
  '-----BEGIN SIGNED MESSAGE----',
  ' -----BEGIN SIGNED MESSAGE-----',
  '----- BEGIN SIGNED MESSAGE-----',
  '-----begin signed message-----',
  '-----BEGIN CMS-----',
] as const

function hex(random: Random, length: number): string {
  let text = ''
  while (text.length < length) text += random.below(16).toString(16)
  return text
}

function armor(random: Random, eol = '\n'): string {
  const label = random.pick(armorLabels)
  let text = `-----BEGIN ${label}-----${random.chance(0.03) ? 'x' : ''}${eol}`
  if (random.chance(0.1)) text += `Version: 1${eol}${eol}`
  for (let lines = random.below(4); lines > 0; lines--) text += hex(random, 64) + eol
  text += `${hex(random, 20)}==${eol}-----END ${label}-----${eol}`
  if (random.chance(0.08)) text += `after the end${eol}`
  return text
}

/** A header with continuation lines, its folding sometimes broken on purpose. */
function folded(random: Random, name: string, value: string): string {
  let lines = value.replace(/\n$/, '').split('\n')
  if (random.chance(0.04)) lines = lines.map((line) => (line.length > 20 ? `${line}\r` : line))
  const joint = random.chance(0.03) ? '\n\t' : random.chance(0.03) ? '\n  ' : '\n '
  let text = `${name} ${lines.join(joint)}\n`
  if (random.chance(0.03)) text = text.replace('\n ', '\n')
  if (random.chance(0.03)) text = text.replace(`${name} `, name)
  return text
}

function ident(random: Random): string {
  const name = random.pick(['A U Thor', '', 'J\u00f6rg', 'a <b> c', 'CR\rname', 'O\u2028', '  x '])
  const email = random.pick(['a@example.org', '', 'a b', '<a@example.org', 'x@\u00fc.example'])
  const time = random.chance(0.95) ? ' 1700000000 +0000' : random.pick(['', ' 1', ' x +0000'])
  return `${name} <${email}>${time}`
}

function signatureHeaders(random: Random, own: string, other: string): string[] {
  const headers: string[] = []
  const chance = random.next()
  if (chance < 0.85) headers.push(folded(random, own, armor(random)))
  if (chance < 0.06) headers.push(folded(random, own, armor(random)))
  if (random.chance(0.1)) headers.push(folded(random, other, armor(random)))
  if (random.chance(0.05)) {
    const name = random.pick(['gpgsigx', 'gpgsig-sha1', 'gpgsig-', 'gpgsig2', 'gpgsig-sha256x'])
    headers.push(folded(random, name, random.chance(0.5) ? armor(random) : 'x\ny'))
  }
  if (random.chance(0.02)) headers.push(`${own}\n`)
  if (random.chance(0.02)) headers.push(`${own} \n`)
  if (random.chance(0.02)) headers.push(folded(random, own, random.pick(strangeArmors)))
  return headers
}

function shuffle(random: Random, items: string[]): string[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    const a = items[at] ?? ''
    items[at] = items[other] ?? ''
    items[other] = a
  }
  return items
}

function message(random: Random, token: string): string {
  const lines: string[] = [token]
  for (let count = random.below(5); count > 0; count--) {
    lines.push(
      random.pick([
        'plain words',
        '',
        'CR at the end\r',
        'NUL \0 inside',
        ' gpgsig x',
        `gpgsig ${armor(random)}`,
        'gpgsig-sha256 -----BEGIN SIGNED MESSAGE-----',
        random.pick(strangeArmors),
        armor(random),
        `> ${armor(random)}`,
        'tree 0000000000000000000000000000000000000000',
        '\ufeff',
      ]),
    )
  }
  return `${lines.join('\n')}${random.chance(0.6) ? '\n' : ''}`
}

/** Commits of every shape git stores and many it should not; `token` is part of every payload. */
export function generateCommit(random: Random, format: ObjectFormat, token: string): Buffer {
  const idLength = format === 'sha1' ? 40 : 64
  const [own, other] =
    format === 'sha1'
      ? (['gpgsig', 'gpgsig-sha256'] as const)
      : (['gpgsig-sha256', 'gpgsig'] as const)
  const parents = Array.from({ length: random.below(4) }, () => `parent ${hex(random, idLength)}\n`)
  let first = [`tree ${hex(random, idLength)}\n`, ...parents]
  const people = [`author ${ident(random)}\n`, `committer ${ident(random)}\n`]
  if (random.chance(0.03)) people.pop()
  if (random.chance(0.03)) people.push(people[0] ?? '')
  if (random.chance(0.03)) people.reverse()
  first.push(...people)
  if (random.chance(0.03)) first.push(`tree ${hex(random, idLength)}\n`)
  if (random.chance(0.02)) first.push(`parent ${hex(random, idLength)}\n`)
  if (random.chance(0.02)) first = shuffle(random, first)
  if (random.chance(0.02)) first.unshift(random.pick([' folded first\n', 'x\n', '\n']))
  if (random.chance(0.02)) first = first.map((line) => line.replace('\n', '\r\n'))
  const more = signatureHeaders(random, own, other)
  if (random.chance(0.2)) more.push('encoding ISO-8859-1\n')
  if (random.chance(0.1)) more.push(folded(random, 'mergetag', mergetag(random, idLength)))
  if (random.chance(0.1)) more.push(`change-id ${hex(random, 32)}\n`)
  if (random.chance(0.05)) more.push(folded(random, 'x-fold', 'a\nb\n\nc'))
  if (random.chance(0.02)) more.push('x-nul a\0b\n')
  if (random.chance(0.02)) more.push('tab\theader\n', '\tline\n')
  if (random.chance(0.4)) shuffle(random, more)
  // Sometimes a signature stands among the first headers.
  if (random.chance(0.08)) first.splice(random.below(first.length + 1), 0, more.pop() ?? '')
  let text = `${[...first, ...more].join('')}\n${message(random, token)}`
  if (random.chance(0.02)) text = text.replace('\n\n', '\n')
  if (random.chance(0.01)) text = text.slice(0, text.indexOf('\n\n') + random.below(2))
  return Buffer.from(text, 'utf8')
}

function mergetag(random: Random, idLength: number): string {
  return `object ${hex(random, idLength)}\ntype commit\ntag v1\ntagger ${ident(random)}\n\nm\r\n${armor(random)}`
}

/** Tags likewise. */
export function generateTag(random: Random, format: ObjectFormat, token: string): Buffer {
  const idLength = format === 'sha1' ? 40 : 64
  const [own, other] =
    format === 'sha1'
      ? (['gpgsig', 'gpgsig-sha256'] as const)
      : (['gpgsig-sha256', 'gpgsig'] as const)
  let headers = [
    `object ${hex(random, idLength)}\n`,
    'type commit\n',
    `tag ${random.pick(['v1', 'v/2', '\u00e9', 'a b'])}\n`,
    `tagger ${ident(random)}\n`,
  ]
  if (random.chance(0.03)) headers.pop()
  if (random.chance(0.03)) headers.push(random.pick(['type commit\n', 'tag v2\n']))
  if (random.chance(0.02)) headers = shuffle(random, headers)
  if (random.chance(0.1)) headers.push(folded(random, other, armor(random)))
  if (random.chance(0.05)) headers.push(folded(random, own, armor(random)))
  if (random.chance(0.03)) headers.push('x-between y\n', folded(random, other, armor(random)))
  if (random.chance(0.03)) headers.push('gpgsigx a\n b\n')
  if (random.chance(0.02)) headers.push(armor(random))
  if (random.chance(0.02)) headers.unshift(' folded first\n')
  let text = `${headers.join('')}\n${message(random, token)}`
  if (random.chance(0.9)) {
    if (!text.endsWith('\n') && random.chance(0.8)) text += '\n'
    text += armor(random, random.chance(0.05) ? '\r\n' : '\n')
  }
  if (random.chance(0.05)) text += random.pick(['x', '\n\n', '\0', ' trailing\n'])
  if (random.chance(0.02)) text = text.replace('\n\n', '\n')
  return Buffer.from(text, 'utf8')
}
