import { foldPath } from './fold.ts'
import type { PathPattern, RefPattern } from './model.ts'
import type { Problems } from './problem.ts'
import type { TomlPath } from './toml-positions.ts'
import { matchesWildcard, parseWildcard, wildcardProblem } from './wildcard.ts'

/** Far above any real pattern; bounds the time of a match. */
const MAX_PATTERN = 1024

export function parseRefPatterns(
  texts: readonly string[],
  path: TomlPath,
  problems: Problems,
): RefPattern[] {
  return texts.flatMap((text, index): RefPattern[] => {
    const pattern = parseWildcard(text)
    const problem = refProblem(text) ?? wildcardProblem(text)
    if (problem === undefined && pattern !== undefined) return [{ text, pattern }]
    problems.add('WRONG_VALUE', [...path, index], problem ?? '')
    return []
  })
}

function refProblem(text: string): string | undefined {
  if (text.length > MAX_PATTERN) return `longer than ${String(MAX_PATTERN)} characters`
  if (!text.startsWith('refs/')) return 'must be a full ref pattern, such as "refs/heads/main"'
  if (/[\s?[\]~^:\\]/.test(text)) return 'only * and ** are magic, and no ref has ? [ ] ~ ^ : \\'
  const isRef = !/\/\/|\.\.|@\{|\/$|\.lock(\/|$)|\/\./.test(text)
  return isRef ? undefined : 'no ref can have this name'
}

export function parsePathPatterns(
  texts: readonly string[],
  path: TomlPath,
  problems: Problems,
): PathPattern[] {
  return texts.flatMap((text, index): PathPattern[] => {
    const pattern = pathProblem(text) ?? parsePathPattern(text)
    if (typeof pattern !== 'string') return [pattern]
    problems.add('WRONG_VALUE', [...path, index], pattern)
    return []
  })
}

function pathProblem(text: string): string | undefined {
  if (text.length > MAX_PATTERN) return `longer than ${String(MAX_PATTERN)} characters`
  if (text.startsWith('/'))
    return 'paths are relative to the top of the tree: leave out the first /'
  if (/(^|\/)\.{1,2}(\/|$)|\/\//.test(text)) return 'has an empty, "." or ".." part'
  return undefined
}

/** `dir/` means everything below. */
function parsePathPattern(text: string): PathPattern | string {
  const whole = text.endsWith('/') ? `${text}**` : text
  const raw = parseWildcard(whole)
  const folded = parseWildcard(foldPath(text) + (text.endsWith('/') ? '/**' : ''))
  if (raw !== undefined && folded !== undefined) return { text, raw, folded }
  return wildcardProblem(whole) ?? 'is no pattern once it is folded'
}

export function matchesRef(patterns: readonly RefPattern[], ref: string): boolean {
  return patterns.some(({ pattern }) => matchesWildcard(pattern, ref))
}

/**
 * Whether a restriction by these patterns reaches a path: raw or folded, and `dir/` reaches an
 * entry `dir` too, because a link or submodule there is everything below it.
 */
export function touchesPath(patterns: readonly PathPattern[], path: string): boolean {
  const folded = foldPath(path)
  return patterns.some(
    (pattern) =>
      matchesWildcard(pattern.raw, path) ||
      matchesWildcard(pattern.folded, folded) ||
      (pattern.text.endsWith('/') && matchesWildcard(pattern.folded, `${folded}/`)),
  )
}

/** Whether a permission for these patterns covers a path: raw only. */
export function coversPath(patterns: readonly PathPattern[], path: string): boolean {
  return patterns.some(({ raw }) => matchesWildcard(raw, path))
}
