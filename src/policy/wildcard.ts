/** Far above any real pattern; a match costs about a pass over the text for each. */
export const MAX_WILDCARDS = 16

/**
 * The one pattern language of refs and paths: `*` is any run of characters but `/`, `**` any run,
 * everything else itself. Matching never backtracks: its time is proportional to the text.
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
export function matchesWildcard(pattern: WildcardPattern, text: string): boolean {
  const { parts } = pattern
  // Where in `text` the parts so far can end, ascending: a set instead of backtracking.
  let ends: number[] = [0]
  for (const [index, part] of parts.entries()) {
    if (ends.length === 0) return false
    const isLast = index === parts.length - 1
    if ('text' in part) ends = endsOfText(part.text, text, ends, isLast)
    else if (part.any === 'deep') ends = isLast ? [text.length] : range(ends[0] ?? 0, text.length)
    else ends = endsOfSegment(text, ends)
  }
  return ends.at(-1) === text.length
}

function endsOfText(
  part: string,
  text: string,
  starts: readonly number[],
  isLast: boolean,
): number[] {
  if (isLast) {
    const start = text.length - part.length
    return text.endsWith(part) && starts.includes(start) ? [text.length] : []
  }
  if (starts.length < 64) {
    return starts.filter((start) => text.startsWith(part, start)).map((at) => at + part.length)
  }
  const found: number[] = []
  let next = 0
  for (const start of occurrences(part, text)) {
    while (next < starts.length && (starts[next] ?? 0) < start) next++
    if (starts[next] === start) found.push(start + part.length)
  }
  return found
}

function endsOfSegment(text: string, starts: readonly number[]): number[] {
  const found: number[] = []
  let reached = -1
  for (const start of starts) {
    // An earlier start has covered the rest of this segment.
    if (start <= reached) continue
    const slash = text.indexOf('/', start)
    reached = slash === -1 ? text.length : slash
    for (let at = start; at <= reached; at++) found.push(at)
  }
  return found
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, offset) => first + offset)
}

/** Knuth-Morris-Pratt: every occurrence in linear time, whatever the texts. */
function occurrences(part: string, text: string): number[] {
  const fallback = [0]
  for (let at = 1, matched = 0; at < part.length; at++) {
    while (matched > 0 && part[at] !== part[matched]) matched = fallback[matched - 1] ?? 0
    if (part[at] === part[matched]) matched++
    fallback.push(matched)
  }
  const found: number[] = []
  for (let at = 0, matched = 0; at < text.length; at++) {
    while (matched > 0 && text[at] !== part[matched]) matched = fallback[matched - 1] ?? 0
    if (text[at] === part[matched]) matched++
    if (matched === part.length) {
      found.push(at - part.length + 1)
      matched = fallback[matched - 1] ?? 0
    }
  }
  return found
}
