/** Far above any real pattern; a match costs about a pass over the text for each. */
export const MAX_WILDCARDS = 16

/**
 * The one pattern language of refs and paths: `*` is any run of characters but `/`, `**` any run,
 * everything else itself. Matching never backtracks: its time is proportional to the text. Parts of
 * 65,536 characters and more are not for it: `patterns.ts` refuses them.
 */
export interface WildcardPattern {
  readonly parts: readonly WildcardPart[]
}

type WildcardPart = { readonly text: string } | { readonly any: 'one' | 'deep' }

/** Why a text is no pattern. */
export function wildcardProblem(text: string): string | undefined {
  if (text.includes('***')) return '"***" means nothing'
  const count = text.split(/\*\*?/).length - 1
  return count > MAX_WILDCARDS ? `has more than ${String(MAX_WILDCARDS)} wildcards` : undefined
}

/** `undefined` where `wildcardProblem` has something to say. */
export function parseWildcard(text: string): WildcardPattern | undefined {
  if (wildcardProblem(text) !== undefined) return undefined
  const parts = text
    .split(/(\*\*|\*)/)
    .filter((part) => part !== '')
    .map((part): WildcardPart =>
      part === '**' ? { any: 'deep' } : part === '*' ? { any: 'one' } : { text: part },
    )
  return { parts }
}

export function hasWildcard(pattern: WildcardPattern): boolean {
  return pattern.parts.some((part) => 'any' in part)
}

/** Whether the whole of `text` is one of the texts the pattern describes. */
export function matchesWildcard({ parts }: WildcardPattern, text: string): boolean {
  const first = parts[0]
  const last = parts.at(-1)
  // Most patterns do not fit most texts, which their ends show.
  if (first === undefined || last === undefined) return text === ''
  if (parts.length === 1 && 'text' in first) return first.text === text
  if ('text' in first && !text.startsWith(first.text)) return false
  if ('text' in last && !text.endsWith(last.text)) return false
  // Where in `text` the parts so far can end: a set instead of backtracking.
  let ends = new Uint8Array(text.length + 1)
  ends[0] = 1
  for (const part of parts) {
    if ('text' in part) ends = afterText(part.text, text, ends)
    else if (part.any === 'one') stretchInSegment(text, ends)
    else stretch(ends)
  }
  return ends[text.length] === 1
}

/** `**` from every place on, `*` up to the next slash. */
function stretch(ends: Uint8Array): void {
  const first = ends.indexOf(1)
  if (first !== -1) ends.fill(1, first)
}

function stretchInSegment(text: string, ends: Uint8Array): void {
  let isOpen = false
  for (let at = 0; at < ends.length; at++) {
    if (ends[at] === 1) isOpen = true
    else if (isOpen) ends[at] = 1
    if (text.charCodeAt(at) === SLASH) isOpen = false
  }
}

const SLASH = '/'.charCodeAt(0)

/** Knuth-Morris-Pratt: every occurrence is found in linear time, whatever the texts. */
function afterText(part: string, text: string, starts: Uint8Array): Uint8Array<ArrayBuffer> {
  const ends = new Uint8Array(starts.length)
  const only = starts.indexOf(1)
  if (only === -1) return ends
  if (!starts.includes(1, only + 1)) {
    if (text.startsWith(part, only)) ends[only + part.length] = 1
    return ends
  }
  const fallback = new Uint16Array(part.length)
  for (let at = 1, matched = 0; at < part.length; at++) {
    const code = part.charCodeAt(at)
    while (matched > 0 && code !== part.charCodeAt(matched)) matched = fallback[matched - 1] ?? 0
    if (code === part.charCodeAt(matched)) matched++
    fallback[at] = matched
  }
  for (let at = only, matched = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    while (matched > 0 && code !== part.charCodeAt(matched)) matched = fallback[matched - 1] ?? 0
    if (code === part.charCodeAt(matched)) matched++
    if (matched < part.length) continue
    if (starts[at + 1 - part.length] === 1) ends[at + 1] = 1
    matched = fallback[matched - 1] ?? 0
  }
  return ends
}
